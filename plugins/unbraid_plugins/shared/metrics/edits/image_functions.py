"""Functions that a recipe declares, as metrics get them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs
import numpy as np


@attrs.frozen(eq=False)
class ImageFunction:
    """A function of images, or of one clip.

    parameters: their names in the recipe.
    call: takes images (n, C, H, W) for each and gives images, or takes clips (n, T, C, H, W) and gives (n, h, C, H, W).
    frames: for a function of a clip, the number of frames with which it was trained.
    """

    parameters: tuple[str, ...]
    call: Callable[..., np.ndarray] = attrs.field(repr=False)
    frames: int = 0

    def __call__(self, *arguments: np.ndarray) -> np.ndarray:
        """Return what the function makes."""
        return self.call(*arguments)


ImageFunctions: TypeAlias = Mapping[str, ImageFunction]
