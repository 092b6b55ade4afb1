"""Temporary handlers for SIGINT and SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

BOTH = signal.SIGINT, signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """Raised by SIGTERM, as KeyboardInterrupt by Ctrl-C: work under way is cleaned up first."""


@contextmanager
def on_signals(stop: Callable[[int], None], signals: tuple[signal.Signals, ...] = BOTH) -> Iterator[None]:
    """Call `stop` with the number of each SIGINT and SIGTERM in the block; do nothing outside of the main thread."""
    try:
        before = {s: signal.signal(s, lambda number, _: stop(number)) for s in signals}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def terminable() -> AbstractContextManager[None]:
    """Return a context in which SIGTERM raises Terminated, so that unfinished files and folders are removed."""
    def stop(_: int) -> None:
        raise Terminated

    return on_signals(stop, (signal.SIGTERM,))
