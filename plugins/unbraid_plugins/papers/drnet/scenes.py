"""Pairs of poses for the scene critic."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import Code, Random, operation


@operation
def shuffle_half(p: Code, *, random: Random) -> tuple[Code, Tensor]:
    """The batch's poses with every second one from another sample, and which are which (Denton, Birodkar 2017, 3).

    The critic C compares them with poses of other frames: C(p1_i, p2_i) are of one scene, C(p1_i, p2_j) of two. All
    exchanged poses come from one random number of samples away, so that none is the sample's own.

    p: poses of the second frames, (B, D), B at least 2.

    Returns the poses, (B, D), and (B, 1): 1 where a pose is the sample's own, 0 where it is of another sample.
    Raises ValueError for a batch of one.
    """
    batch, device = len(p.tensor), p.tensor.device
    if batch < 2:
        raise ValueError("shuffle_half takes poses of several clips; this is a batch of one")
    places = torch.arange(batch, device=device)
    strange = places % 2
    rows = (places + strange * (1 + random.integers(batch - 1, 1))) % batch
    return Code(p.tensor[rows], p.layout), (1 - strange).to(p.tensor.dtype).unsqueeze(1)
