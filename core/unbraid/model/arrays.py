"""Arrays and tensors that users give as images: their numbers, and the range that these must have."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unbraid_registry import UnbraidError


class ModelError(UnbraidError):
    """Raised where a model can't do what a caller asks."""


def numbers(array: Tensor | np.ndarray) -> Tensor:
    """Return floats of any array, reversed or big-endian ones too; whole numbers 0 ... 255 are scaled to [0, 1].

    Raises ModelError for other whole numbers, and for arrays that are not of numbers.
    """
    if (array.is_complex() or array.is_quantized or array.is_meta or array.layout != torch.strided
            if isinstance(array, Tensor) else array.dtype.kind not in "buif" or isinstance(array, np.ma.MaskedArray)):
        raise ModelError(f"images are numbers; these are {array.dtype}, {type(array).__name__}")
    if isinstance(array, np.ndarray):
        array = torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))
    found = array.to(torch.get_default_dtype())
    if array.dtype == torch.bool or array.is_floating_point():
        return found
    if array.dtype != torch.uint8 and found.numel() and not (found.min() >= 0 and found.max() <= 255
                                                             and found.max() != 1):
        raise ModelError(f"images of whole numbers go from 0 to 255; these go from {found.min():g} to {found.max():g}",
                         hint="divide by their white, to floats in [0, 1]")
    return found / 255


def in_range(images: Tensor) -> Tensor:
    """Return images whose values can be meant as [0, 1].  Raises ModelError for NaN, 0 ... 255 and -1 ... 1."""
    if images.numel() and not (images.amin() >= -0.5 and images.amax() <= 1.5):     # a generator may overshoot a little
        low, high = float(images.amin()), float(images.amax())
        if not np.isfinite(low + high):
            raise ModelError("images have values that are not finite", hint="NaN and infinity are no brightness")
        raise ModelError(f"images are floats in [0, 1]; these go from {low:g} to {high:g}",
                         hint="give (images + 1) / 2" if low < 0 and high <= 1.5 else "give images / 255" if low >= 0
                         else "scale them first")
    return images


def code_numbers(given: Any, size: int, ndim: int) -> Tensor:
    """Return codes (B, size, ...) of `ndim` axes from tensors, arrays or lists.  Raises ModelError for all else."""
    with suppress(TypeError, ValueError):
        found = torch.as_tensor(given if isinstance(given, Tensor) else np.array(given, np.float64))
        found = found.to(torch.get_default_dtype())
        found = found[None] if found.ndim == ndim - 1 else found
        if found.ndim == ndim and found.shape[1] == size and found.isfinite().all():
            return found
        given = tuple(found.shape)
    raise ModelError(f"a code is finite numbers of the shape (B, {size}{', h, w' * (ndim > 2)}); got {given!r:.60}")
