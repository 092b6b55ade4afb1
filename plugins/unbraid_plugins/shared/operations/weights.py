"""Operations on networks, for a player's `then:`."""

from __future__ import annotations

import torch
from torch import nn

from unbraid import operation


@operation
def clip_weights(*networks: nn.Module, limit: float) -> None:
    """Clip every weight of the networks to [-limit, limit], in place (Arjovsky, Chintala, Bottou 2017, algorithm 1).

    networks: the critics; limit: 0.01 in the paper, > 0.  Raises ValueError for a limit that is not positive.
    """
    if limit <= 0:
        raise ValueError(f"clip_weights needs a positive limit; it is {limit}")
    with torch.no_grad():
        for n in networks:
            for p in n.parameters():
                p.clamp_(-limit, limit)
