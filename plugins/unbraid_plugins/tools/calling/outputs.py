"""Results of functions as files: images as a picture, sets of images as a film, codes and numbers as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from unbraid.model import ModelError
from unbraid.runs import write_image, write_whole
from unbraid.values import Code, Gaussian, Label, Record, Set, Value
from unbraid_plugins.opengl import write_film
from unbraid_plugins.tools.display import grid
from unbraid_registry.files import to_json

STILL = (".png", ".jpg", ".jpeg")
MOVING = (".gif", ".webp", ".apng", ".mp4")
RATE = 8.0                                         # frames per second of a film


def is_pictures(v: Value) -> bool:
    """Whether a value is images (B, C, H, W) with 1 or 3 channels."""
    return isinstance(v, Tensor) and v.ndim == 4 and v.shape[1] in (1, 3)


def write_result(v: Value, out: Path | None, name: str, scale: int) -> list[Path]:
    """Write a function's result and return the paths; none where it is numbers and no file is asked for.

    A set of images is a film (.gif, .webp, .apng, .mp4), a folder of frames (a path without ending), or a strip
    (.png, .jpg). Images are one row. Everything else is JSON.

    out: the file or folder; by default name.png, or name.gif for a set.
    scale: the factor by which to enlarge every pixel.

    Raises UnbraidError.
    """
    if isinstance(v, Set) and is_pictures(v.folded):
        return _write_frames(v, out or Path(f"{name}.gif"), scale)
    if is_pictures(v):
        assert isinstance(v, Tensor)
        _check_ending(out, STILL)
        return [write_image(out or Path(f"{name}.png"), grid([v.clamp(0, 1)], scale=scale))]
    return [] if out is None else [write_whole(out, to_json(as_numbers(v), indent=1) + "\n")]


def _write_frames(v: Set, out: Path, scale: int) -> list[Path]:
    frames = v.unfolded()[0].clamp(0, 1)                             # (T, C, H, W)
    if out.suffix.lower() in MOVING:
        return [write_film(out, list(as_bytes(frames, scale)), rate=RATE)]
    _check_ending(out, (*MOVING, *STILL))
    if out.suffix:
        return [write_image(out, grid([frames], scale=scale))]
    digits = max(2, len(str(len(frames) - 1)))
    return [write_image(out / f"{i:0{digits}}.png", frame) for i, frame in enumerate(frames)]


def _check_ending(out: Path | None, allowed: tuple[str, ...]) -> None:
    if out is not None and out.suffix and out.suffix.lower() not in allowed:
        raise ModelError(f"can't write {out}: a result like this is written as {', '.join(allowed)}")


def as_bytes(frames: Tensor, scale: int = 1) -> np.ndarray:
    """Return frames (T, C, H, W) in [0, 1] as bytes (T, H, W, 3), enlarged."""
    pixels = (frames.detach().float().cpu().nan_to_num().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3)).repeat(scale, 1).repeat(scale, 2)


def as_numbers(v: Value) -> Any:
    """Return codes by their factors, labels as class numbers, and tensors as lists.  Raises ModelError."""
    match v:
        case Code():
            return {part.name: as_numbers(v.layout.take(v.tensor, part.name)) for part in v.layout.parts}
        case Gaussian():
            return {"mean": as_numbers(v.mean), "std": as_numbers(v.std)}
        case Label():
            return as_numbers(v.index)
        case Set():
            return as_numbers(v.unfolded())
        case Record():
            return {name: as_numbers(part) for name, part in v.parts.items()
                    if isinstance(part, Code | Gaussian | Label | Record | Tensor)}
        case Tensor():
            found = v.detach().cpu().tolist()
            return found[0] if isinstance(found, list) and len(found) == 1 else found
        case tuple():
            return [as_numbers(item) for item in v]
    raise ModelError(f"the function gives a {type(v).__name__.lower()}, which is no image and no numbers",
                     hint="a mesh is drawn by  unbraid render")
