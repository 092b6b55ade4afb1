"""Drawing of a figure with matplotlib: colours, fonts and shapes."""

from __future__ import annotations

import io
from html import escape
from typing import Any

import attrs

from unbraid_plugins.tools.display import (
    FancyArrowPatch,
    FancyBboxPatch,
    Figure,
    FigureCanvasAgg,
    FontProperties,
    Outline,
    Polygon,
    style,
    text_to_path,
)
from unbraid_plugins.tools.figure.caption import Line, caption
from unbraid_plugins.tools.figure.diagram import Box, Diagram
from unbraid_plugins.tools.figure.layout import LABEL_MARGIN, OUTPUT_PITCH, TAPER, Layout, Link, Spot, lay_out

# fill, line and text of the players; colour-blind people can tell them apart (after Okabe and Ito 2008, Paul Tol 2021)
PLAYERS = (("#cfe3f5", "#1f6aa5", "#154a74"), ("#fbdcc8", "#c2571a", "#8d3d0f"), ("#d5ecd4", "#3a8a3e", "#26602a"),
           ("#e8d9f0", "#7d4a9e", "#583270"), ("#fbeec0", "#a88a12", "#74600b"), ("#d3eef0", "#24858d", "#175b61"))
NOBODY = ("#ececec", "#7a7a7a", "#4a4a4a")
INK, MUTED, ARROW = "#1c1c1c", "#6a6a6a", "#3c3c3c"

BOX_FONT, NOTE_FONT, LABEL_FONT, MENTION_FONT, TITLE_FONT, CAPTION_FONT = 9.5, 7.0, 8.5, 8.0, 12.0, 8.0
MARGIN = 16.0
MIN_WIDTH = 420.0
HEAD = 5.0                                         # length of an arrow's head
PLATE = 34.0, 30.0                                 # width and height of a drawn image
SETTINGS: Any = {"svg.fonttype": "path", "svg.hashsalt": "unbraid", "font.family": ["DejaVu Sans"],
                 "text.usetex": False, "pdf.compression": 6, "path.simplify": False}


def painted(diagram: Diagram, form: str, dots: int) -> bytes:
    """Draw a figure and return the bytes of an `svg`, `png` or `pdf` file.  dots: per inch, in a PNG."""
    with style(SETTINGS):
        painter = Painter(diagram)
        figure = Figure(figsize=(painter.width / 72, painter.height / 72), dpi=72)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1), frameon=False)
        axes.set(xlim=(0, painter.width), ylim=(painter.height, 0), xticks=[], yticks=[])
        painter.paint(axes)
        content = io.BytesIO()
        metadata = {"svg": {"Date": None}, "png": {"Title": diagram.title}, "pdf": {"CreationDate": None}}[form]
        figure.savefig(content, format=form, dpi=dots, metadata=metadata, facecolor="white")
    data = content.getvalue()
    return _described(data, diagram) if form == "svg" else data


def _described(svg: bytes, diagram: Diagram) -> bytes:
    """Add a title and a description to an SVG, for readers who can't see it."""
    head, start, rest = svg.decode().partition("<svg ")
    attributes, end, body = rest.partition(">")
    title, text = escape(diagram.title or "A method"), escape(diagram.description)
    return (f'{head}{start}role="img" aria-labelledby="title description" {attributes}{end}\n'
            f' <title id="title">{title}</title>\n <desc id="description">{text}</desc>{body}').encode()


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text, in points."""
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


@attrs.define(eq=False)
class Painter:
    """Painter of one diagram."""

    diagram: Diagram
    layout: Layout = attrs.field(init=False)
    lines: list[Line] = attrs.field(init=False)
    width: float = attrs.field(init=False)
    height: float = attrs.field(init=False)
    top: float = attrs.field(init=False)
    left: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.layout = lay_out(self.diagram, self._size, lambda name: text_width(name, LABEL_FONT))
        titles = (self.diagram.title, TITLE_FONT, True), (self.diagram.paper, CAPTION_FONT, False)
        inner = max([self.layout.width, MIN_WIDTH, *(text_width(t, s, bold=b) for t, s, b in titles)])
        self.left = MARGIN + max(0.0, (inner - self.layout.width) / 2)
        self.width = inner + 2 * MARGIN
        self.top = MARGIN + 20.0 * bool(self.diagram.title) + 14.0 * bool(self.diagram.paper) + 8.0
        self.lines = caption(self.diagram, inner, lambda text, bold: text_width(text, CAPTION_FONT, bold=bold))
        self.height = self.top + self.layout.height + 20.0 + sum(line.height for line in self.lines) + MARGIN

    def _size(self, box: Box) -> tuple[float, float]:
        note = text_width(box.note, NOTE_FONT)
        if box.kind == "loss":
            return max(text_width(box.label, BOX_FONT - 1, bold=True), note) + 18.0, 28.0 if box.note else 18.0
        if box.kind == "mention":
            return text_width(box.label, MENTION_FONT) + 10.0, 15.0
        if box.kind == "operation":
            return max(text_width(box.label, BOX_FONT - 1) + 14.0, 20.0), 20.0
        if box.kind == "draw":
            return max(_plate_width(box), note + 4.0), PLATE[1] + 28.0 * bool(box.note)
        width = max(text_width(box.label, BOX_FONT) + (26.0 if box.tapered else 18.0), note + 12.0)
        return width, 36.0 if box.note or box.tapered else 28.0

    def paint(self, axes: Any) -> None:
        """Draw everything, from the back to the front."""
        for link in self.layout.links:
            self._link(axes, link)
        for spot in self.layout.spots:
            if spot.box is not None:
                self._box(axes, spot, spot.box)
                self._outputs(axes, spot, spot.box)
        self._words(axes)

    # -- boxes --------------------------------------------------------------------------------------------------------

    def _box(self, axes: Any, spot: Spot, box: Box) -> None:
        x, y, w, h = self.left + spot.x, self.top + spot.y - spot.height / 2, spot.width, spot.height
        fill, line, ink = self._colours(box)
        style: dict[str, Any] = {"facecolor": fill, "edgecolor": line, "linewidth": 1.0, "zorder": 3,
                 "linestyle": (0, (3, 2)) if box.resting else "solid"}

        def rounded(rounding: float, **other: Any) -> Any:
            return FancyBboxPatch((x, y), w, h, boxstyle=f"round,pad=0,rounding_size={rounding}", **(style | other))

        middle = y + h / 2
        if box.kind == "draw":
            self._plate(axes, x + w / 2, middle, box, h - 28.0 * bool(box.note), style)
            return
        if box.tapered:
            near, far = (h / 2, (h - TAPER) / 2) if box.shape == "encoder" else ((h - TAPER) / 2, h / 2)
            corners = [(x, middle - near), (x + w, middle - far), (x + w, middle + far), (x, middle + near)]
            axes.add_patch(Polygon(corners, closed=True, joinstyle="round", **style))
        elif box.kind == "loss":
            axes.add_patch(rounded(3.0, facecolor="white", linewidth=1.1))
            axes.add_patch(FancyBboxPatch((x, y), 3.0, h, boxstyle="square,pad=0", facecolor=line, edgecolor=line,
                                          linewidth=1.1, zorder=3.1))
        else:
            axes.add_patch(rounded({"operation": h / 2 if w < 24 else 9.0, "mention": 3.0}.get(box.kind, 4.0)))
        if box.kind == "loss":
            axes.text(x + 8, middle - 5.5 * bool(box.note), box.label, size=BOX_FONT - 1, weight="bold", color=ink,
                      zorder=4, va="center_baseline")
            axes.text(x + 8, middle + 7, box.note, size=NOTE_FONT, color=INK, zorder=4, va="center_baseline")
            return
        size = {"network": BOX_FONT, "mention": MENTION_FONT}.get(box.kind, BOX_FONT - 1)
        axes.text(x + w / 2, middle - 5.0 * bool(box.note), box.label, size=size, color=ink, zorder=4, ha="center",
                  va="center_baseline", style="italic" if box.kind == "mention" and not box.shape else "normal")
        if box.note:
            axes.text(x + w / 2, middle + 7, box.note, size=NOTE_FONT, color=MUTED, zorder=4, ha="center",
                      va="center_baseline")

    def _plate(self, axes: Any, x: float, y: float, box: Box, high: float, style: dict[str, Any]) -> None:
        """Draw the box of a drawn image as a pile of pictures, with its note below."""
        wide = _plate_width(box)
        back: dict[str, Any] = {"facecolor": "white", "edgecolor": "#9a9a9a", "linewidth": 0.7, "zorder": 2.5}
        for shift, look in ((4.0, back), (2.0, back), (0.0, style)):
            axes.add_patch(FancyBboxPatch((x - wide / 2 + shift, y - high / 2 - shift), wide, high,
                                          boxstyle="round,pad=0,rounding_size=2", **look))
        axes.text(x, y, box.label, size=BOX_FONT, weight="bold", color=INK, zorder=4, ha="center", va="center")
        if box.note:
            axes.text(x, y + high / 2 + 9, box.note, size=NOTE_FONT, color=MUTED, zorder=4, ha="center",
                      va="center")

    def _colours(self, box: Box) -> tuple[str, str, str]:
        if box.kind == "draw":
            return "#f7f7f7", INK, INK
        if box.kind == "operation":
            return "white", MUTED, INK
        if box.kind == "mention" and not box.players:
            return ("#f7f7f7", "#9a9a9a", INK) if box.shape == "draw" else ("white", "#b5b5b5", INK)
        names = [r.player for r in self.diagram.players]
        return colours_of(names.index(box.players[0])) if box.players else NOBODY

    def _outputs(self, axes: Any, spot: Spot, box: Box) -> None:
        """Write the names of the values that leave a box above the start of their arrows."""
        for i, name in enumerate(box.outputs):
            if name:
                y = self.top + spot.y + (i - (len(box.outputs) - 1) / 2) * OUTPUT_PITCH
                x = self._right(spot)
                axes.text(x + LABEL_MARGIN / 2, y - 3.0, name, size=LABEL_FONT, style="italic", color=INK, zorder=4)
                if not any(link.first and link.source is spot and link.arrow.output == i for link in self.layout.links):
                    end = self.left + self.layout.turns[spot.column]
                    self._line(axes, [(x, y), (end, y)], head=True)

    # -- arrows -------------------------------------------------------------------------------------------------------

    def _link(self, axes: Any, link: Link) -> None:
        """Draw an arrow: level at first, below the labels of the column, then a curve to the target."""
        turn = self.left + self.layout.turns[link.source.column]
        y0 = self.top + link.source.y + link.leaves
        y1 = self.top + link.target.y + link.enters
        if link.first and link.source.box is not None:
            start = self._right(link.source)
            named = bool(link.arrow.source.outputs[link.arrow.output])
            bend = turn if named or link.source.box.kind == "mention" else self._edge(link.source.column)
        else:
            start, bend = self.left + link.source.x, turn
        end = self.left + link.target.x
        self._line(axes, [(start, y0), (bend, y0)], color=self._arrow_colour(link))
        self._curve(axes, (bend, y0), (end, y1), head=link.last, colour=self._arrow_colour(link))
        if link.arrow.detached and link.last:      # two bars: no gradient flows back
            for x in (end - 14.0, end - 11.0):
                self._line(axes, [(x, y1 - 4), (x, y1 + 4)], width=1.2)

    def _right(self, spot: Spot) -> float:
        """Return the x where the arrows of a box begin; the note below a drawn image may be wider than the image."""
        if spot.box is not None and spot.box.kind == "draw":
            return self.left + spot.x + (spot.width + _plate_width(spot.box)) / 2 + 4.0
        return self.left + spot.x + spot.width

    def _edge(self, column: int) -> float:
        """Return the right edge of a column's boxes."""
        return self.left + max((s.x + s.width for s in self.layout.spots if s.column == column and s.box is not None
                                and s.box.kind != "mention"), default=0.0)

    def _arrow_colour(self, link: Link) -> str:
        box = link.arrow.target
        return self._colours(box)[1] if box.kind == "loss" else ARROW

    def _curve(self, axes: Any, start: tuple[float, float], end: tuple[float, float], *, head: bool,
               colour: str) -> None:
        (x0, y0), (x1, y1) = start, end
        stop = x1 - (HEAD if head else 0.0)
        path = Outline([(x0, y0), ((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (stop, y1)],
                    [Outline.MOVETO, Outline.CURVE4, Outline.CURVE4, Outline.CURVE4])
        axes.add_patch(FancyArrowPatch(path=path, arrowstyle="-", color=colour, linewidth=0.9, zorder=2,
                                       capstyle="butt"))
        if head:
            self._head(axes, x1, y1, colour)

    def _line(self, axes: Any, points: list[tuple[float, float]], *, color: str = ARROW, width: float = 0.9,
              head: bool = False) -> None:
        (x0, y0), (x1, y1) = points
        axes.plot([x0, x1 - (HEAD if head else 0.0)], [y0, y1], color=color, linewidth=width, zorder=2,
                  solid_capstyle="butt")
        if head:
            self._head(axes, x1, y1, color)

    def _head(self, axes: Any, x: float, y: float, colour: str) -> None:
        axes.add_patch(Polygon([(x, y), (x - HEAD - 1, y - 2.4), (x - HEAD - 1, y + 2.4)], closed=True,
                               facecolor=colour, edgecolor="none", zorder=2.6))

    # -- words --------------------------------------------------------------------------------------------------------

    def _words(self, axes: Any) -> None:
        y = MARGIN
        if self.diagram.title:
            axes.text(MARGIN, y + 12, self.diagram.title, size=TITLE_FONT, weight="bold", color=INK)
            y += 20
        if self.diagram.paper:
            axes.text(MARGIN, y + 8, self.diagram.paper, size=CAPTION_FONT, color=MUTED)
        y = self.top + self.layout.height + 20.0
        for line in self.lines:
            y += line.height
            for x, text, bold, player in line.pieces:
                colour = INK if player is None else colours_of(player)[2]
                axes.text(MARGIN + x, y, text, size=CAPTION_FONT, weight="bold" if bold else "normal", color=colour)
            if line.player is not None:
                fill, edge, _ = colours_of(line.player)
                axes.add_patch(FancyBboxPatch((MARGIN, y - 7.0), 9.0, 8.0, boxstyle="round,pad=0,rounding_size=1.5",
                                              facecolor=fill, edgecolor=edge, linewidth=1.0))


def _plate_width(box: Box) -> float:
    return max(PLATE[0], text_width(box.label, BOX_FONT, bold=True) + 10.0)


def colours_of(player: int) -> tuple[str, str, str]:
    """Return the fill, line and text colours of the n-th player."""
    return PLAYERS[player % len(PLAYERS)]

