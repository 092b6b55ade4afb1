"""Loss curves: a small panel for every logged number, so that many curves stay readable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from unbraid_plugins.tools.reports.formatting import is_number, number
from unbraid_plugins.tools.reports.run_reader import Findings

WIDTH, HEIGHT = 240.0, 84.0                        # of a panel's drawing
POINTS = 240                                       # largest number of points of a line
FEW = 12                                           # largest number of points at which each is marked
DECADES = 30.0                                     # with a larger ratio of values, the scale is logarithmic
SMOOTH = 0.04                                      # share of the points that a running mean covers
MOST = 120                                         # largest number of panels

Point = tuple[float, float]


@attrs.frozen
class Panel:
    """A curve.

    lines, mean: the `d` attributes of SVG paths.
    dots: single points.
    top, bottom, last: the highest, the lowest and the last value.
    broken: the number of values that are not finite.
    about: a description in words.
    """

    name: str
    lines: str
    mean: str
    dots: list[Point]
    top: str
    bottom: str
    last: str
    logarithmic: bool
    broken: int
    about: str


@attrs.frozen
class Curves:
    """The panels of one player; the title is the player's name, empty for panels without one."""

    title: str
    panels: list[Panel]


def curves(findings: Findings) -> list[Curves]:
    """Return the curves of a run by player, in the order in which they were logged."""
    series: dict[str, list[tuple[float, float]]] = {}
    for line in findings.lines:
        if not is_number(line.get("step")):
            continue
        for name, value in line.items():
            if name != "step" and isinstance(value, int | float) and not isinstance(value, bool):
                series.setdefault(str(name), []).append((float(line["step"]), float(value)))
    groups: dict[str, list[Panel]] = {}
    for name, points in list(series.items())[:MOST]:
        player, slash, own = name.rpartition("/")
        groups.setdefault(player if slash else "", []).append(_panel(own if slash else name, points))
    return [Curves(title, panels) for title, panels in groups.items()]


def span(findings: Findings) -> tuple[str, str] | None:
    """Return the first and the last logged step."""
    steps = [line["step"] for line in findings.lines if is_number(line.get("step"))]
    return (number(min(steps)), number(max(steps))) if steps else None


def _panel(name: str, points: Sequence[Point]) -> Panel:
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    broken = len(points) - len(finite)
    if not finite:
        return Panel(name, "", "", [], "", "", "", False, broken, f"{name}: none of {broken} values is finite")
    values = [y for _, y in finite]
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > DECADES
    start, stop = points[0][0], points[-1][0]

    def place(point: Point) -> Point:
        x, y = point
        a, b, c = (math.log(v) for v in (low, high, y)) if logarithmic else (low, high, y)
        up = (c - a) / (b - a) if b > a else 0.5
        return (x - start) / (stop - start) * WIDTH if stop > start else WIDTH / 2, HEIGHT * (1 - up)

    runs = [[place(p) for p in run] for run in _runs(_thinned(points))]
    means = [[place(p) for p in run] for run in _runs(_thinned(_smoothed(points)))] if len(finite) > FEW else []
    about = (f"{name}: from {number(values[0])} at step {finite[0][0]:,.0f} to {number(values[-1])} at step "
             f"{finite[-1][0]:,.0f}, between {number(low)} and {number(high)}"
             + (f"; {broken} values are not finite" if broken else ""))
    dots = [p for run in runs for p in run] if len(finite) <= FEW else [run[0] for run in runs if len(run) == 1]
    return Panel(name, _path(runs), _path(means), [(round(x, 1), round(y, 1)) for x, y in dots], number(high),
                 number(low), number(values[-1]), logarithmic, broken, about)


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield stretches of finite values."""
    run: list[Point] = []
    for point in points:
        if math.isfinite(point[1]):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Keep the lowest and the highest point of every stretch, in order, or its first point that is not finite.

    So spikes and gaps stay visible.
    """
    size = math.ceil(2 * len(points) / POINTS)
    if size <= 2:
        return list(points)
    thin = []
    for i in range(0, len(points), size):
        part = points[i:i + size]
        bad = next((p for p in part if not math.isfinite(p[1])), None)
        ends = {part.index(min(part, key=lambda p: p[1])), part.index(max(part, key=lambda p: p[1]))}
        thin += [bad] if bad is not None else [part[k] for k in sorted(ends)]
    return thin


def _smoothed(points: Sequence[Point]) -> list[Point]:
    """Return the running mean of finite values around each point."""
    half = max(1, round(len(points) * SMOOTH / 2))
    sums, counts = [0.0], [0]
    for _, y in points:
        finite = math.isfinite(y)
        sums.append(sums[-1] + (y if finite else 0.0))
        counts.append(counts[-1] + finite)
    found = []
    for i, (x, y) in enumerate(points):
        a, b = max(0, i - half), min(len(points), i + half + 1)
        found.append((x, (sums[b] - sums[a]) / (counts[b] - counts[a]) if math.isfinite(y) else y))
    return found


def _path(runs: Sequence[Sequence[Point]]) -> str:
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs if len(run) > 1)


def exit_words(session: dict[str, Any]) -> str:
    """Describe how the last training session ended."""
    reason = str(session.get("exit") or "not ended properly")
    step = session.get("to_step")
    return f"{reason} at step {number(step)}" if is_number(step) else reason
