"""Cycle consistency: a value that is translated there and back should be the same again."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from unbraid import Code, loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def cycle(again: Tensor, image: Tensor, *, norm: Literal["l1", "l2"] = "l1") -> Tensor:
    """Cycle consistency of images (Zhu et al. 2017, eq. 2, with l1; Hu et al. 2018, with l2):  mean |F(G(x)) - x|^p.

    again, image: (B, C, H, W).  Returns a scalar, the mean over batch and elements (l2: of squares, without the root).
    Raises ValueError for different shapes or any other norm.
    """
    same_shape("cycle", again, image)
    if norm not in ("l1", "l2"):
        raise ValueError(f"cycle knows the norms 'l1' and 'l2'; this is {norm!r}")
    difference = again - image
    return difference.abs().mean() if norm == "l1" else difference.square().mean()


@loss
def cycle_code(again: Code, code: Code, *, norm: Literal["l1", "l2"] = "l1") -> Tensor:
    """Cycle consistency of codes:  mean |E(G(z)) - z|^p, between codes of the same factors.

    again, code: (B, D) or (B, D, h, w).  Returns a scalar, the mean over batch and elements.
    Raises ValueError where factors or shapes differ.
    """
    if again.layout != code.layout:
        raise ValueError(f"cycle_code compares codes of the same factors; these have {', '.join(again.layout.names)} "
                         f"and {', '.join(code.layout.names)}")
    return cycle(again.tensor, code.tensor, norm=norm)
