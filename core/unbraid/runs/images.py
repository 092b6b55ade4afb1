"""Writing of image files."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from unbraid.data import PictureError
from unbraid_registry.files import write_whole


def write_image(path: Path, image: Tensor) -> Path:
    """Write an image (C, H, W) in [0, 1] to a file, whole or not at all.  Raises PictureError."""
    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    form = Image.registered_extensions().get(path.suffix.lower(), "PNG")
    try:
        picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
        return write_whole(path, lambda scratch: picture.save(scratch, format=form), error=PictureError,
                           what="the image", hint="")
    except (ValueError, KeyError) as error:        # a format that Pillow can't write
        raise PictureError(f"can't write the image {path}: {error}") from None
