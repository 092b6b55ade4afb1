"""The method's figure as an image of the page."""

from __future__ import annotations

import base64
import re
from html import unescape

import attrs

SIZE = re.compile(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"')
DESCRIPTION = re.compile(r"<desc[^>]*>(.*?)</desc>", re.DOTALL)
METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
FINE = re.compile(r"(?<=[ \n\"(])(-?\d{2,}\.\d{2})\d+")  # coordinates, to a hundredth of a point


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
    described = DESCRIPTION.search(svg)
    alt = unescape(described[1]).strip() if described else "The networks, values and losses of the method."
    text = FINE.sub(r"\1", METADATA.sub("", svg))
    uri = "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()
    return FigureImage(uri, f"The method's figure. {alt}", width, height)
