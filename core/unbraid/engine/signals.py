"""What SIGINT and SIGTERM do for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

BOTH = signal.SIGINT, signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM, as if it were Ctrl-C: what is under way is put away first."""


@contextmanager
def on_signals(stop: Callable[[int], None], signals: tuple[signal.Signals, ...] = BOTH) -> Iterator[None]:
    """Call `stop` with the number of each SIGINT and SIGTERM; outside of the main thread they are somebody else's."""
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
    """Inside, SIGTERM raises Terminated, so that files and folders that were begun are not left behind."""
    def stop(_: int) -> None:
        raise Terminated

    return on_signals(stop, (signal.SIGTERM,))
