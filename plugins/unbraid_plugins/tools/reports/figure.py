"""The method's figure as an image of the page."""

from __future__ import annotations

import base64
import re
from html import unescape

import attrs

SIZE = re.compile(r'viewBox="0 0 (\d{1,9}(?:\.\d{1,20})?) (\d{1,9}(?:\.\d{1,20})?)"')
FINE = re.compile(r"(?<=[ \n\"(])(-?\d{2,9}\.\d{2})\d{1,20}(?!\d)")       # coordinates, to a hundredth of a point


@attrs.frozen
class FigureImage:
    """An SVG as a data URI: an <img> runs no script of it and loads nothing, whatever the file contains."""

    uri: str
    alt: str
    width: int
    height: int


def figure_image(svg: str) -> FigureImage | None:
    """Return the figure with its description as alternative text; None without a figure."""
    if not svg:
        return None
    size = SIZE.search(svg)
    width, height = (round(float(x) * 4 / 3) for x in size.groups()) if size else (800, 500)
    _, tag, described = _parted(svg, "<desc", "</desc>")
    alt = unescape(described.partition(">")[2]).strip() if tag else "The networks, values and losses of the method."
    before, tag, _ = _parted(svg, "<metadata>", "</metadata>")
    text = FINE.sub(r"\1", before + svg[len(before) + len(tag):].lstrip() if tag else svg)
    uri = "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()
    return FigureImage(uri, f"The method's figure. {alt}", width, height)


def _parted(text: str, begin: str, end: str) -> tuple[str, str, str]:
    """Return the text before the first part between two marks, the part with its marks, and its inside.

    A regular expression would look for the end from every beginning.
    """
    start = text.find(begin)
    stop = text.find(end, start) if start >= 0 else -1
    if stop < 0:
        return text, "", ""
    return text[:start], text[start:stop + len(end)], text[start + len(begin):stop]
