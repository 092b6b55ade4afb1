"""Edits of trained models: moves along attributes, photographs under another light, sheets of all layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from unbraid import Code, operation

if TYPE_CHECKING:
    from unbraid import Model


@operation
def towards(f: Code, source: Code, target: Code, *, by: float = 1.0, factors: str = "albedo normals") -> Code:
    """Code moved along an attribute:  z + by (mean of z over the target set - mean over the source set)  (section 5.1).

    f: codes to move, (B, D).
    source, target: codes of two sets of images, without and with the attribute, (n, D) and (m, D).
    by: strength.
    factors: names of the factors that move, with blanks between; the paper's smile moves albedo and normals.

    Returns a Code, (B, D).  Raises ValueError for factors that the code does not have.
    """
    way = target.tensor.mean(0, keepdim=True) - source.tensor.mean(0, keepdim=True)
    moved = f.tensor.clone()
    for name in factors.split():
        if name not in f.layout:
            raise ValueError(f"the code has no factor {name!r}; it has {', '.join(f.layout.all_names)}")
        for start, end in f.layout.spans([name]):
            moved[:, start:end] += by * way[:, start:end]
    return Code(moved, f.layout)


def traversal(model: Model, images: Any, source: Any, target: Any, strengths: Sequence[float] = (0, 0.5, 1, 1.5),
              factors: str = "albedo normals") -> Tensor:
    """Move images along an attribute by several strengths, (B, len(strengths), C, H, W) in [0, 1].

    model: a trained one.
    images: (B, C, H, W), or paths of files.
    source, target: two sets of images, without and with the attribute.
    strengths: of the move; 0 is the model's own copy.
    factors: names of the factors that move, with blanks between.
    """
    f, without, having = (model.code(v) for v in (images, source, target))
    return torch.stack([model.decoded(towards(f, without, having, by=float(s), factors=factors)) for s in strengths], 1)


@operation
def quotient(x: Tensor, shading: Tensor, other: Tensor, matte: Tensor, *, least: float = 0.05) -> Tensor:
    """Image under another light that keeps its details:  x (S' + 0.05) / (S + 0.05) where the matte is.

    The quotient of two shadings (Riklin-Raviv & Shashua 1999). The paper relights the model's copy, which is softer
    than the image.

    x: (B, C, H, W) in [0, 1].
    shading, other: S and S', (B, C, H, W), at least 0.
    matte: (B, 1, H, W) in [0, 1].
    least: a little light, so that a black place does not become bright.

    Returns (B, C, H, W) in [0, 1].
    """
    lit = (x * (other + least) / (shading + least)).clamp(0, 1)
    return x + matte * (lit - x)


@operation
def contact_sheet(x: Tensor, image: Tensor, albedo: Tensor, normals: Tensor, shading: Tensor, matte: Tensor,
                  background: Tensor) -> Tensor:
    """Sheet of an image and all of its layers, side by side: x, its copy, albedo, normals, shading, matte, background.

    x, image, albedo, background: (B, 3, H, W) in [0, 1].
    normals: (B, 3, H, W), unit vectors.
    shading: (B, 3, H, W), at least 0; 1.5 is shown as white.
    matte: (B, 1, H, W) in [0, 1].

    Normals and shading are shown where the matte is.  Returns (B, 3, H, 7 W) in [0, 1].
    """
    shown = [x, image, albedo, matte * (0.5 * (normals + 1)), matte * (shading / 1.5), matte.expand_as(x), background]
    return torch.cat(shown, 3).clamp(0, 1)
