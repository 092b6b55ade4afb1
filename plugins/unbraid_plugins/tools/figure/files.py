"""The figure of a method as a file, or as an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unbraid.runs import write_whole
from unbraid_configs import Recipe
from unbraid_registry import UnbraidError

if TYPE_CHECKING:
    from torch import Tensor

    from unbraid_plugins.tools.figure.diagram import Diagram

SUFFIXES = (".svg", ".png", ".pdf")
DOTS = 200                                         # dots per inch of a PNG file
SMALL_DOTS = 100                                   # dots per inch of the image for TensorBoard


class FigureError(UnbraidError):
    """A figure that can't be written."""


def draw_figure(recipe: Recipe, path: Path) -> Path:
    """Write the method's figure to an SVG, PNG or PDF file and return its path.

    Raises FigureError for another suffix or if the file can't be written, RecipeError for an invalid flow.
    """
    from unbraid_plugins.tools.figure.paint import painted

    path = Path(path).expanduser()
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FigureError(f"can't draw a figure as {path.name!r}", hint=f"end its name with {', '.join(SUFFIXES)}")
    content = painted(_diagram(recipe), suffix[1:], DOTS)
    return write_whole(path, content, error=FigureError, hint="or choose another place")


def figure_image(recipe: Recipe) -> Tensor:
    """Return the method's figure as an image (3, H, W) in [0, 1]."""
    import io

    import numpy as np
    import torch
    from PIL import Image

    from unbraid_plugins.tools.figure.paint import painted

    with Image.open(io.BytesIO(painted(_diagram(recipe), "png", SMALL_DOTS)), formats=["PNG"]) as image:
        pixels = np.asarray(image.convert("RGB"))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def _diagram(recipe: Recipe) -> Diagram:
    from unbraid_plugins.tools.figure.diagram import diagram_of
    from unbraid_registry import registry

    return diagram_of(recipe, registry().catalog)
