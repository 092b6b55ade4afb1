"""Temporary handlers for SIGINT and SIGTERM, and for SIGHUP, by which a terminal or an ssh session ends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

ENDS = signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])


class Terminated(KeyboardInterrupt):
    """Raised by SIGTERM and SIGHUP, as KeyboardInterrupt by Ctrl-C: work under way is cleaned up first."""


@contextmanager
def on_signals(stop: Callable[[int], None], signals: tuple[signal.Signals, ...] = (signal.SIGINT, *ENDS),
               ) -> Iterator[None]:
    """Call `stop` with the number of each of these signals in the block; do nothing outside of the main thread.

    A SIGHUP that is ignored, as under nohup, stays so.
    """
    try:
        before = {s: signal.signal(s, lambda number, _: stop(number)) for s in signals
                  if s in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(s) is not signal.SIG_IGN}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def terminable() -> AbstractContextManager[None]:
    """Return a context in which SIGTERM and SIGHUP raise Terminated, so that unfinished files are removed."""
    def stop(_: int) -> None:
        raise Terminated

    return on_signals(stop, ENDS)
