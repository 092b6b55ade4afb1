"""What SIGINT and SIGTERM do for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` with the number of each SIGINT and SIGTERM; outside of the main thread they are somebody else's."""
    try:
        before = {s: signal.signal(s, lambda number, _: stop(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
