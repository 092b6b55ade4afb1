"""A command that prints nothing for a while says at a terminal that it has begun."""

from __future__ import annotations

import io
import sys
import time

import pytest

from unbraid_registry.terminal import begun, echo


class Terminal(io.StringIO):
    """A stream that is a terminal, or is not."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.mark.parametrize(("tty", "first", "told"), [(True, "", "unbraid check ..."), (True, "ok", "ok"),
                                                    (False, "", "")])
def test_what_is_told(tty: bool, first: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(tty)
    monkeypatch.setattr(sys, "stderr", stream)
    with begun("unbraid check", after=0.05):
        if first:
            echo(first, err=True)
        until = time.monotonic() + (10 if "..." in told else 0.3)
        while "..." not in stream.getvalue() and time.monotonic() < until:
            time.sleep(0.02)
    assert told in stream.getvalue()
    assert stream.getvalue().count("...") == told.count("...")


def test_a_quick_command_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := Terminal(True))
    with begun("unbraid list", after=0.1):
        pass
    time.sleep(0.2)
    assert stream.getvalue() == ""
