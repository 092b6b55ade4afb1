"""Clips from files: an animated GIF, WebP or PNG, or a folder of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, ImageSequence
from torch import Tensor

from unbraid.data import BadPicture, PictureError, open_picture
from unbraid.model import Model
from unbraid_plugins.shared.sources.picture_search import find_pictures

MOST_FRAMES = 1000                                 # of a clip that is read
MOST_PIXELS = 2 ** 30                              # of all its frames together


def read_clip(model: Model, path: Path, frames: int | None = None) -> Tensor:
    """Read a clip and fit its frames to the model's images, float (1, T, C, H, W) in [0, 1].

    path: an animated picture, a single one (a clip of one frame), or a folder of pictures in the order of their names.
    frames: the largest number of frames, from the first on.

    Raises PictureError.
    """
    most = min(frames or MOST_FRAMES, MOST_FRAMES)
    if path.is_dir():
        files = [p for p in find_pictures(path).paths if p.parent == path][:most]
        if not files:
            raise PictureError(f"there are no pictures in {path}", hint="a clip is a folder of frames, or one "
                               "animated file")
        return model.clips([str(f) for f in files]).unfolded()
    if not path.exists():
        raise PictureError(f"no clip at {path}")
    channels, height, width = model.image_shape
    try:
        with open_picture(path) as image:
            count = min(getattr(image, "n_frames", 1), most)
            if image.size[0] * image.size[1] * count > MOST_PIXELS:
                raise BadPicture(f"{count} frames of {image.size[0]} x {image.size[1]} pixels are too many together")
            found = [_fitted(frame, (width, height), channels)
                     for _, frame in zip(range(most), ImageSequence.Iterator(image), strict=False)]
    except (BadPicture, OSError, SyntaxError, ValueError, EOFError) as error:
        raise PictureError(f"can't read the clip {path}: {error or type(error).__name__}",
                           hint="give an animated GIF, WebP or PNG, or a folder of frames") from None
    return model.clips(torch.from_numpy(np.stack(found))).unfolded()


def _fitted(frame: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return a frame on white, scaled to fill (width, height) and cut around its middle, uint8 (C, H, W)."""
    shown = frame.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(ImageOps.fit(flat, size, Image.Resampling.BICUBIC), np.uint8)
    return pixels[None] if channels == 1 else np.moveaxis(pixels, -1, 0)
