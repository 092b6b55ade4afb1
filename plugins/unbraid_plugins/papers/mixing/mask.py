"""The random choice of chunks from two images."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unbraid import Layout, Random, operation


@operation
def random_mask(*, per: Literal["sample", "batch"] = "sample", random: Random, layout: Layout) -> Tensor:
    """A fair coin for every chunk:  m_i in {0, 1};  `mix(f1, f2, m)` takes the chunks with m_i = 1 from f1.

    per: "sample" throws the coins for every sample, "batch" once for the whole batch, as in the authors' code.
    layout: the layout of the recipe's code; the engine gives it, as it gives `random`.

    Returns (B, number of chunks) of zeros and ones.  Raises ValueError for any other `per`.
    """
    if per not in ("sample", "batch"):
        raise ValueError(f"random_mask throws its coins per 'sample' or per 'batch', not per {per!r}")
    throws = random.uniform(random.batch if per == "sample" else 1, len(layout.parts))
    return (throws < 0.5).to(torch.get_default_dtype()).expand(random.batch, -1)
