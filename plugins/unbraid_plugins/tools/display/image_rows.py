"""Pictures of labelled rows of images: PNG files that also store the meaning of their rows.

The labels stand beside the rows. They are also in a text chunk of the file, with the geometry. So a report can take
the rows out again and set its own text beside them, which scales, can be read aloud and follows the reader's colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import attrs
import numpy as np
from PIL import Image, PngImagePlugin

from unbraid.runs import write_whole
from unbraid_registry import UnbraidError
from unbraid_registry.files import parse_json, to_json

KEY = "unbraid-rows"
WIDTH = 36                                         # characters in a line of a label's detail
GAP = 2                                            # pixels between images
FONT, DOTS = 9, 100                                # points, pixels per inch
INK = "#1a1a1a"
LARGEST = 1 << 26                                  # largest number of pixels of a picture to read rows from
MOST = 10_000                                      # largest number of rows, and of images in all of them


class RowsError(UnbraidError):
    """A picture of rows that can't be written."""


@attrs.frozen(eq=False)
class Row:
    """Images side by side.

    images: (n, C, H, W) floats in [0, 1].
    label, detail: a title of the row, and more about it.
    group: the same text in rows that belong together.
    columns: a title of each image, where they differ in that.
    blank: the number of empty places before the first image.
    """

    images: np.ndarray
    label: str
    detail: str = ""
    group: str = ""
    columns: tuple[str, ...] = ()
    blank: int = 0


def write_rows(path: Path, rows: Sequence[Row], scale: int = 1) -> Path:
    """Write rows of images of one size as PNG, whole or not at all, with every pixel `scale` times as large.

    Returns the path.  Raises RowsError.
    """
    height, width = (n * scale for n in rows[0].images.shape[2:])
    columns = max(r.blank + len(r.images) for r in rows)
    page = np.full((len(rows) * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(_pixels(row.images, scale), row.blank):
            y, x = GAP + i * (height + GAP), GAP + j * (width + GAP)
            page[y:y + height, x:x + width] = image
    margin = _labels([f"{r.label}\n{fill(f'({r.detail})', WIDTH)}" if r.detail else r.label for r in rows], height)
    about = {"left": margin.shape[1], "gap": GAP, "height": height, "width": width, "scale": scale, "rows": [
        {"label": r.label, "detail": r.detail, "group": r.group, "columns": list(r.columns), "blank": r.blank,
         "images": len(r.images)} for r in rows]}
    text = PngImagePlugin.PngInfo()
    text.add_text(KEY, to_json(about))
    picture = Image.fromarray(np.concatenate([margin, page], 1))
    return write_whole(path, lambda scratch: picture.save(scratch, format="PNG", pnginfo=text),
                       error=RowsError, what="the picture", hint="")


def read_rows(picture: Image.Image) -> list[Row] | None:
    """Return the rows of a picture by `write_rows`, at their original size.

    Returns None for other pictures.  Raises OSError.
    """
    about = _about(picture)
    if about is None or picture.width * picture.height > LARGEST:
        return None
    page = np.asarray(picture.convert("RGB"))[:, about["left"]:]
    height, width, gap, scale = about["height"], about["width"], about["gap"], about["scale"]
    rows = []
    for i, row in enumerate(about["rows"]):
        y = gap + i * (height + gap)
        cells = [page[y:y + height, x:x + width] for j in range(row["images"])
                 for x in [gap + (row["blank"] + j) * (width + gap)]]
        if not cells or any(cell.shape != (height, width, 3) for cell in cells):
            return None
        images = np.stack(cells)[:, scale // 2::scale, scale // 2::scale].transpose(0, 3, 1, 2)
        rows.append(Row(images.astype(np.float32) / 255, row["label"], row["detail"], row["group"],
                        tuple(row["columns"]), row["blank"]))
    return rows


def _about(picture: Image.Image) -> dict[str, Any] | None:
    """Return the rows' description that a picture stores; None where it is not valid, as the file may be untrusted."""
    try:
        about = parse_json(picture.info[KEY])
        sizes = [about[k] for k in ("left", "gap", "height", "width", "scale")]
        good = all(isinstance(n, int) and 0 <= n < 1 << 15 for n in sizes) and min(sizes[2:]) > 0 and about["rows"]
        good = good and len(about["rows"]) <= MOST and sum(row["images"] for row in about["rows"]) <= MOST
        for row in about["rows"] if good else ():
            good = good and all(isinstance(row[k], str) for k in ("label", "detail", "group")) and all(
                isinstance(row[k], int) and 0 <= row[k] < 1 << 15 for k in ("blank", "images")) and all(
                isinstance(c, str) for c in row["columns"])
    except (KeyError, TypeError, ValueError):
        return None
    return about if good else None


def _pixels(images: np.ndarray, scale: int) -> np.ndarray:
    """Return (n, C, H, W) floats as (n, H, W, 3) bytes, enlarged."""
    pixels = (np.nan_to_num(images).clip(0, 1) * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3)).repeat(scale, 1).repeat(scale, 2)


def _labels(labels: Sequence[str], height: int) -> np.ndarray:
    """Draw the labels of rows that are `height` pixels high as black text on white, (H, W, 3) bytes."""
    from unbraid_plugins.tools.display.plots import Figure, FigureCanvasAgg, style

    longest = max(len(line) for label in labels for line in label.split("\n"))
    wide, tall = int(6.8 * longest) + 20, len(labels) * (height + GAP) + GAP
    with style({}):
        figure = Figure(figsize=(wide / DOTS, tall / DOTS), dpi=DOTS)
        for i, label in enumerate(labels):
            y = 1 - (GAP + i * (height + GAP) + height / 2) / tall
            figure.text(1 - 10 / wide, y, label, ha="right", va="center", fontsize=FONT, color=INK, parse_math=False)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())[:, :, :3]
    page = np.full((tall, wide, 3), 255, np.uint8)          # a figure's size may be rounded by a pixel
    page[:drawn.shape[0], :drawn.shape[1]] = drawn[:tall, :wide]
    return page
