"""The positions in a figure: columns by the longest path, then rows that keep arrows straight.

Lengths are in points (1/72 inch); x increases to the right, y downwards. A named value that is used far from its source
gets no long arrow: its name is mentioned beside the box that uses it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from unbraid_plugins.tools.figure.crossings import ordered
from unbraid_plugins.tools.figure.diagram import Arrow, Box, Diagram

FAR = 2                                            # the most columns that a named arrow spans; else a mention
ROW_GAP = 15.0
COLUMN_GAP = 30.0
BEND_HEIGHT = 8.0
TAPER = 13.0                                       # how much lower a trapezoid is on the side of the code
LABEL_MARGIN = 9.0                                 # the space around a label on an arrow
INPUT_PITCH, OUTPUT_PITCH = 7.0, 15.0              # the distance between arrows at a box
ROUNDS = 60

Measure = Callable[[Box], tuple[float, float]]     # the width and height of a box
LabelWidth = Callable[[str], float]


@attrs.define(eq=False)
class Spot:
    """A place in a column, taken by a box or by an arrow that passes (then box is None)."""

    box: Box | None
    column: int
    width: float = 0.0
    height: float = BEND_HEIGHT
    x: float = 0.0                                 # left edge
    y: float = 0.0                                 # middle


@attrs.define(eq=False)
class Link:
    """A piece of an arrow between neighbouring columns.  first, last: whether it leaves, and enters, a box here."""

    arrow: Arrow
    source: Spot
    target: Spot
    first: bool = True
    last: bool = True
    leaves: float = 0.0                            # offsets from the middle of the source and of the target
    enters: float = 0.0


@attrs.define
class Layout:
    """The positions of a figure.  turns: for each column, the x where its arrows begin to bend."""

    spots: list[Spot]
    links: list[Link]
    turns: list[float]
    width: float
    height: float


def lay_out(diagram: Diagram, measure: Measure, label_width: LabelWidth) -> Layout:
    """Compute positions for all boxes and arrows, without overlaps."""
    columns_of = _columns(diagram)
    spots, links = _spots(diagram, columns_of)
    for spot in spots:
        if spot.box is not None:
            spot.width, spot.height = measure(spot.box)
    count = max((s.column for s in spots), default=-1) + 1
    number = {id(s): i for i, s in enumerate(spots)}
    columns = [[i for i, s in enumerate(spots) if s.column == c] for c in range(count)]
    columns = ordered(columns, [(number[id(link.source)], number[id(link.target)]) for link in links])
    rows = [[spots[i] for i in column] for column in columns]
    _ports(rows, links)
    _heights(rows, links)
    turns, width = _widths(rows, links, label_width)
    top = min((s.y - s.height / 2 for s in spots), default=0.0)
    for spot in spots:
        spot.y -= top
    return Layout(spots, links, turns, width, max((s.y + s.height / 2 for s in spots), default=0.0))


def _columns(diagram: Diagram) -> dict[int, int]:
    """Return the column of every box by id.

    It is the length of the longest path to the box; then the box moves as close as possible to its first use.
    """
    column = {id(b): 0 for b in diagram.boxes}
    for box in diagram.boxes:
        column[id(box)] = max((column[id(a.source)] + 1 for a in diagram.arrows if a.target is box), default=0)
    for box in reversed(diagram.boxes):
        uses = [column[id(a.target)] for a in diagram.arrows if a.source is box]
        if uses:
            column[id(box)] = min(uses) - 1
    return column


def _spots(diagram: Diagram, column: dict[int, int]) -> tuple[list[Spot], list[Link]]:
    spots = [Spot(box, column[id(box)]) for box in diagram.boxes]
    of = {id(s.box): s for s in spots}
    links: list[Link] = []
    for arrow in diagram.arrows:
        here, end = of[id(arrow.source)], of[id(arrow.target)]
        if end.column - here.column > FAR and arrow.name:
            label = arrow.name
            mention = Box("mention", label, shape="draw" if arrow.source.kind == "draw" else "", outputs=[""])
            spots.append(Spot(mention, end.column - 1))
            links.append(Link(attrs.evolve(arrow, source=mention, output=0), spots[-1], end))
            continue
        for at in range(here.column + 1, end.column):
            spots.append(Spot(None, at))
            links.append(Link(arrow, here, spots[-1], first=here.box is not None, last=False))
            here = spots[-1]
        links.append(Link(arrow, here, end, first=here.box is not None))
    return spots, links


def _ports(rows: list[list[Spot]], links: list[Link]) -> None:
    """Set where arrows leave and enter their boxes; entering arrows are in the order of their sources."""
    rank = {id(s): i for row in rows for i, s in enumerate(row)}
    for row in rows:
        for spot in row:
            entering = sorted((link for link in links if link.target is spot),
                              key=lambda link: (rank[id(link.source)], link.arrow.output))
            for i, link in enumerate(entering):
                link.enters = (i - (len(entering) - 1) / 2) * INPUT_PITCH if spot.box is not None else 0.0
            if spot.box is not None:
                ports = max(INPUT_PITCH * len(entering), OUTPUT_PITCH * (len(spot.box.outputs) - 1) + 4.0)
                spot.height = max(spot.height, ports + (TAPER if spot.box.tapered else 8.0))
    for link in links:
        if link.first:
            link.leaves = (link.arrow.output - (len(link.arrow.source.outputs) - 1) / 2) * OUTPUT_PITCH


def _heights(rows: list[list[Spot]], links: list[Link]) -> None:
    """Set every spot's y: as close as possible to its neighbours, in the given order, without overlaps."""
    around: dict[int, list[tuple[Spot, float, float]]] = {id(s): [] for row in rows for s in row}
    leaving = Counter(id(link.source) for link in links)
    for link in links:
        weight = _stiffness(link) / leaving[id(link.source)]
        shift = link.leaves - link.enters
        around[id(link.target)].append((link.source, shift, weight))
        around[id(link.source)].append((link.target, -shift, weight))
    for row in rows:
        y = 0.0
        for spot in row:
            spot.y = y + spot.height / 2
            y += spot.height + ROW_GAP
        for spot in row:
            spot.y -= y / 2
    for turn in range(ROUNDS):
        for row in rows if turn % 2 == 0 else reversed(rows):
            wishes, weights = [], []
            for spot in row:
                near = around[id(spot)]
                total = sum(w for *_, w in near)
                wishes.append(sum((other.y + shift) * w for other, shift, w in near) / total if total else spot.y)
                weights.append(total or 0.01)
            gaps = [(a.height + b.height) / 2 + ROW_GAP for a, b in itertools.pairwise(row)]
            for spot, y in zip(row, apart(wishes, weights, gaps), strict=True):
                spot.y = y


def _stiffness(link: Link) -> float:
    if link.source.box is None or link.target.box is None:
        return 4.0
    kinds = {link.source.box.kind, link.target.box.kind}
    return 0.5 if "mention" in kinds else 1.0 if "loss" in kinds else 2.0


def apart(wishes: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return the positions nearest to the wishes (weighted least squares) that keep the order and at least these gaps.

    >>> apart([0.0, 0.0], [1.0, 1.0], [2.0])
    [-1.0, 1.0]
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[list[float]] = []                 # mean, weight, number of members: pool adjacent violators
    for wish, weight, offset in zip(wishes, weights, offsets, strict=False):
        blocks.append([wish - offset, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, weight, members = blocks.pop()
            other = blocks[-1]
            total = other[1] + weight
            blocks[-1] = [(other[0] * other[1] + mean * weight) / total, total, other[2] + members]
    means = [block[0] for block in blocks for _ in range(int(block[2]))]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _widths(rows: list[list[Spot]], links: list[Link], label_width: LabelWidth) -> tuple[list[float], float]:
    """Set every spot's x; return the x where the arrows of each column begin to bend, and the total width."""
    x, turns, right = 0.0, [], 0.0
    for at, row in enumerate(rows):
        boxes = [s for s in row if s.box is not None and s.box.kind != "mention"]
        mentions = [s for s in row if s.box is not None and s.box.kind == "mention"]
        inner = max((s.width for s in boxes), default=0.0)
        labels = max((label_width(name) + LABEL_MARGIN for s in boxes if s.box is not None
                      for name in s.box.outputs if name), default=0.0)
        turn = x + max(inner + labels, max((s.width for s in mentions), default=0.0))
        for spot in row:
            if spot.box is None:
                spot.x, spot.width = x, turn - x
            elif spot.box.kind == "mention":
                spot.x = turn - spot.width
            else:
                spot.x = x + (0.0 if spot.box.kind == "loss" else (inner - spot.width) / 2)
        steep = max((abs(link.source.y + link.leaves - link.target.y - link.enters) for link in links
                     if link.source.column == at), default=0.0)
        turns.append(turn)
        right = max([right, turn, *(s.x + s.width for s in row)])
        x = turn + COLUMN_GAP + min(steep * 0.12, 30.0)
    return turns, right
