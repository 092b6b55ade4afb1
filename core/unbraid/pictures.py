"""Images to and from files, and the pictures that show what a model learned."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unbraid.code import swap
from unbraid.data.picture_file import BadPicture, read_picture
from unbraid.disk import reason, remedy
from unbraid_registry.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.model import Model

GAP = 2                                            # pixels between the images of a grid
TRAVERSAL = (-3, 3)                                # where the prior of a variational code has its mass


class PictureError(UnbraidError):
    """An image file that can't be read or written."""


def read_image(path: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """An image file as uint8 (C, H, W), as a source of images would read it.  Raises PictureError."""
    try:
        return read_picture(path.expanduser(), size, channels)
    except BadPicture as error:
        missing = not path.expanduser().exists()
        raise PictureError(f"no image at {path}" if missing else f"can't read the image {path}: {error}") from None


def write_image(path: Path, image: Tensor) -> Path:
    """Write an image (C, H, W) in [0, 1] to a file, whole or not at all.  Raises PictureError."""
    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    scratch = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
        picture.save(scratch, format=Image.registered_extensions().get(path.suffix.lower(), "PNG"))
        scratch.replace(path)
    except (OSError, ValueError, KeyError) as error:
        with suppress(OSError):
            scratch.unlink()
        raise PictureError(f"can't write the image {path}: {reason(error)}",
                           hint=remedy(error) if isinstance(error, OSError) else "") from None
    return path


def grid(rows: Sequence[Tensor], *, gap: int = GAP, scale: int = 1) -> Tensor:
    """Rows of images (n, C, H, W) as one picture (C, height, width) on white, each pixel enlarged `scale` times."""
    columns = max(len(r) for r in rows)
    channels, height, width = rows[0].shape[1:]
    rows = [r.float().cpu().repeat_interleave(scale, 2).repeat_interleave(scale, 3) for r in rows]
    height, width = height * scale, width * scale
    page = torch.ones(channels, len(rows) * (height + gap) + gap, columns * (width + gap) + gap)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            y, x = gap + i * (height + gap), gap + j * (width + gap)
            page[:, y:y + height, x:x + width] = image
    return page


def scale_for(image: tuple[int, int, int]) -> int:
    """How much to enlarge images of this shape to be looked at."""
    return max(1, 64 // max(image[1:]))


def reconstructions(model: Model, images: Tensor) -> Tensor:
    """Images above what the model makes of their codes."""
    return grid([images, model.reconstruct(images)], scale=scale_for(model.image_shape))


def swaps(model: Model, images: Tensor, others: Tensor, factors: Sequence[str] | None = None) -> Tensor:
    """A column for every pair: the image, the other, then the image with each factor of the other."""
    factors = list(model.layout.names) if factors is None else list(factors)
    a, b = model.code(images), model.code(others)
    rows = [images, others, *(model.decoded(swap(a, b, name)) for name in factors)]
    return grid(rows, scale=scale_for(model.image_shape))


def traversals(model: Model, image: Tensor, numbers: Sequence[int] | None = None, steps: int = 9) -> Tensor:
    """A row for every number of the code: the image with it from -3 to 3."""
    numbers = range(min(model.layout.size, 16)) if numbers is None else numbers
    values = np.linspace(*TRAVERSAL, steps).tolist()
    return grid([model.traverse(image, n, values) for n in numbers], scale=scale_for(model.image_shape))


def translations(model: Model, images: Tensor, source: str, target: str) -> Tensor:
    """Images of one domain above their translations into another and, where the model knows the way, back."""
    rows = [images, model.translate(images, source, target)]
    if (target, source) in model.translations:
        rows.append(model.translate(rows[-1], target, source))
    return grid([row.cpu() for row in rows], scale=scale_for(model.image_shape))


def solids(model: Model, images: Tensor) -> dict[str, tuple[Tensor, Tensor, Tensor | None]]:
    """What a recipe's `mesh_of(x)` makes of images: vertices (B, V, 3), faces (F, 3), colours (B, V, 3), by name.

    A mesh is a value that has a method `surface()`, which gives these.
    """
    if len(model.functions.get("mesh_of", ())) != 1:
        return {}
    found = model("mesh_of", images)
    return {"mesh": found.surface()} if hasattr(found, "surface") else {}


def overview(model: Model, images: Tensor, others: Tensor) -> dict[str, Tensor]:
    """The pictures that fit a model: reconstructions, swaps of its factors or traversals of its numbers, samples."""
    pictures = {}
    if {"encode", "decode"} <= model.functions.keys() and len(model.functions["decode"]) == 1 and (
            len(model.functions["encode"]) == 1):
        pictures["reconstructions"] = reconstructions(model, images)
        if len(model.layout.parts) > 1:
            pictures["swaps"] = swaps(model, images, others)
        if model.method.variational:
            pictures["traversals"] = traversals(model, images[:1])
    if "generate" in model.functions or (pictures and model.method.variational):
        pictures["samples"] = grid(model.sample(32).split(8), scale=scale_for(model.image_shape))
    return pictures
