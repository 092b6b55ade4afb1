"""Pictures as parts of a page: rows of images with their labels, each as a separate data URI."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from itertools import groupby

import attrs
import numpy as np
from PIL import Image

from unbraid.data import BadPicture, open_picture, picture_size
from unbraid_plugins.tools.display import Row, read_rows, step_of
from unbraid_plugins.tools.reports.formatting import words
from unbraid_plugins.tools.reports.run_reader import Findings, PictureFile

GAP = 1                                            # pixels between images, before they are enlarged
SMALL = 20 << 10                                   # largest size in bytes of a lossless picture
QUALITY = 86                                       # WebP quality of larger pictures
WIDEST = 2000                                      # largest width of a picture in pixels
LARGEST = 1 << 28                                  # pixels of all pictures of a run together
DISPLAY = 64                                       # approximate size in pixels at which an image is shown
ABOUT = {
    "reconstructions": ("Reconstructions", "Test images above what the model makes of their codes."),
    "swaps": ("Swaps", "Each column is a pair of images. The chunk that carries a factor best is taken from the other: "
              "that factor should change, and nothing else."),
    "swap_grids": ("Swap grids", "Donors above, receivers at the left; inside, the receiver with the donor's chunk. A "
                   "row should keep all of the receiver but the one factor."),
    "traversals": ("Traversals", "One image with one part of its code led from low to high values."),
    "classes": ("One class after another", "One image with a factor's chunk taken from a typical image of each class."),
    "references": ("References", "Shares of views that keep their azimuth, shown on one object (rows) and seen on "
                   "another (columns): as they are, and after the best turn or mirror (dots) of each pair."),
    "samples": ("Samples", "New images from codes that no image was encoded to."),
}
LEFT_OUT = ("map", "figure")                       # also shown as a table, and as the method's figure


@attrs.frozen
class Strip:
    """An image of the page.

    width, height: the displayed size in CSS pixels.
    crisp: whether it was enlarged, and should keep hard pixel edges.
    """

    uri: str
    alt: str
    width: int
    height: int
    crisp: bool
    label: str = ""
    detail: str = ""
    columns: tuple[str, ...] = ()


@attrs.frozen
class Shown:
    """A picture with its title.

    strips: its rows, its grids, or the whole picture.
    """

    name: str
    title: str
    about: str
    strips: list[Strip]
    kind: str                                      # rows, grids or whole


def shown_pictures(findings: Findings, only: Sequence[str] | None = None, *, rows: int | None = None,
                   widest: int = WIDEST) -> list[Shown]:
    """Return the pictures of a run in the order of a report; a broken one becomes a gap.

    only: names of the pictures; by default all.
    rows: the largest number of rows (or grids) of each picture.
    widest: the largest width of a row in pixels.
    """
    names = [n for n in [*ABOUT, *sorted(set(findings.pictures) - set(ABOUT))] if n in findings.pictures]
    own = [probe["name"] for probe in findings.probes]     # shown beside their numbers
    found, left = [], LARGEST
    for name in names:
        if name in LEFT_OUT or name in own or (only is not None and name not in only):
            continue
        try:
            height, width = picture_size(findings.pictures[name].path)
            left -= height * width
            if left < 0:
                raise BadPicture("the pictures are too large together")
            found.append(_shown(name, findings.pictures[name], (findings.evaluation or {}).get("step"), rows, widest))
        except (BadPicture, OSError, ValueError, SyntaxError) as error:
            gap = f"The picture {findings.pictures[name].path.name} can't be read: {type(error).__name__}."
            if gap not in findings.gaps:
                findings.gaps.append(gap)
    return found


def _shown(name: str, file: PictureFile, measured: int | None, most: int | None, widest: int) -> Shown:
    title, about = ABOUT.get(name, (words(name).capitalize(), ""))
    if file.step is not None:
        about = f"{about} Drawn while training, after step {file.step:,}.".strip()
    with open_picture(file.path, ("PNG",)) as picture:
        drawn = step_of(picture)
        if file.step is None and drawn not in (None, measured):
            about = f"{about} Drawn at step {drawn:,}, and the numbers are of another.".strip()
        rows = read_rows(picture)
        if rows is None:
            return Shown(name, title, about, [_whole(picture, title, widest)], "whole")
    if any(row.group for row in rows):
        grids = [_grid(group, list(members), widest) for group, members in groupby(rows, key=lambda row: row.group)]
        return Shown(name, title, about, grids[:most], "grids")
    left_out = f" The first {most} of {len(rows)} rows." if most is not None and len(rows) > most else ""
    return Shown(name, title, about + left_out, list(_rows(rows[:most], title, widest)), "rows")


def _rows(rows: list[Row], title: str, widest: int) -> Iterator[Strip]:
    for row in rows:
        label = f"{row.label} ({row.detail})" if row.detail else row.label
        listed = ": " + ", ".join(row.columns) if row.columns else ""
        yield _strip([row], f"{title}, {label}: {len(row.images)} images{listed}", widest, row.label, row.detail,
                     row.columns)


def _grid(group: str, rows: list[Row], widest: int) -> Strip:
    donors = rows[0].columns
    listed = f", donors: {', '.join(donors)}" if donors else ""
    return _strip(rows, f"Swap grid of {group}: {len(rows[0].images)} donors by {len(rows) - 1} receivers{listed}",
                  widest, group, columns=donors)


def _strip(rows: Sequence[Row], alt: str, widest: int, label: str, detail: str = "", columns: tuple[str, ...] = ()
           ) -> Strip:
    """Draw rows of images as one picture with transparent gaps."""
    height, width = rows[0].images.shape[2:]
    most = max(row.blank + len(row.images) for row in rows)
    page = np.zeros((len(rows) * (height + GAP) - GAP, most * (width + GAP) - GAP, 4), np.uint8)
    for i, row in enumerate(rows):
        pixels = (row.images * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
        for j, image in enumerate(pixels, row.blank):
            cell = page[i * (height + GAP):, j * (width + GAP):][:height, :width]
            cell[..., :3], cell[..., 3] = image, 255
    scale = max(1, DISPLAY // max(width, height))
    picture = Image.fromarray(page)
    picture.thumbnail((widest, page.shape[0]))
    size = page.shape[1] * scale, page.shape[0] * scale
    return Strip(data_uri(picture), alt, *size, scale > 1, label, detail, columns)


def _whole(picture: Image.Image, title: str, widest: int) -> Strip:
    image = picture.convert("RGB")
    image.thumbnail((widest, widest * 2))
    return Strip(data_uri(image), f"{title}: a grid of images", image.width, image.height, False)


def data_uri(picture: Image.Image) -> str:
    """Return a picture as a data URI: WebP without loss where that is small, else of high quality."""
    exact = _encoded(picture, lossless=True, quality=50, method=2)
    if len(exact) > SMALL:
        exact = min(exact, _encoded(picture, quality=QUALITY, method=2), key=len)
    return f"data:image/webp;base64,{base64.b64encode(exact).decode()}"


def _encoded(picture: Image.Image, **options: int | bool) -> bytes:
    content = io.BytesIO()
    picture.save(content, format="WEBP", **options)
    return content.getvalue()
