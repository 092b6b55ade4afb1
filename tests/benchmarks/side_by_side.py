"""Timing on a machine that others use too: the candidates play in turns, and the ratio of their medians counts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Clock = Callable[[], float]


def alternate(plays: Mapping[str, Callable[[], object]], *, rounds: int, warm: int = 2, calls: int = 1,
              clock: Clock = time.process_time) -> dict[str, list[float]]:
    """Seconds a call of each candidate, one number a round.

    warm: rounds before, that do not count; calls: in a row, before the next one plays; clock: by default the
    processor's time, which other processes disturb less than the wall's.
    """
    seconds: dict[str, list[float]] = {name: [] for name in plays}
    for round_ in range(warm + rounds):
        for name, play in plays.items():
            began = clock()
            for _ in range(calls):
                play()
            if round_ >= warm:
                seconds[name].append((clock() - began) / calls)
    return seconds


def told(seconds: Mapping[str, list[float]], against: str) -> str:
    """A table: milliseconds, and the ratio to one of the candidates, with the quartiles of the rounds' ratios."""
    of = statistics.median(seconds[against])
    lines = []
    for name, own in seconds.items():
        low, _, high = statistics.quantiles([a / b for a, b in zip(own, seconds[against], strict=True)], n=4)
        lines.append(f"{name:<24}{1000 * statistics.median(own):10.2f} ms{statistics.median(own) / of:9.3f}"
                     f"   ({low:.3f} to {high:.3f})")
    return "\n".join(lines)
