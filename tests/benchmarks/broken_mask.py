"""A mask on the wrong axis, to see that what depends on it fails: every image is taken whole from x1 or from x2."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import Layout, Random, hookimpl, operation


@operation
def whole_images(*, random: Random, layout: Layout) -> Tensor:
    """One coin per image for all its chunks: a mask on the batch axis instead of the chunks'.

    Returns (B, number of chunks) of zeros and ones.
    """
    coins = random.uniform(random.batch, 1) < 0.5
    return coins.to(torch.get_default_dtype()).expand(-1, len(layout.parts))


@hookimpl
def unbraid_components() -> list:
    """What this plugin contributes."""
    return [whole_images]
