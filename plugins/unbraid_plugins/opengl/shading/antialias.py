"""Antialiasing: images whose outlines move smoothly with the surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.numerics.pixels import add, gathered
from unbraid_plugins.opengl.shading.silhouettes import Crossings


def antialiased(colour: Tensor, alpha: Tensor, outline: Crossings, tips: Tensor) -> tuple[Tensor, Tensor]:
    """Blend the two pixels of every crossing by how much of each the surface covers: (B, C, H, W) and (B, 1, H, W).

    A surface that reaches r > 1/2 from the inner pixel covers r - 1/2 of the outer one. With r < 1/2, the scene behind
    it covers 1/2 - r of the inner one. Both are linear in r, so the gradient is that of the covered area times the
    difference of the two pixels. Tips (T, C) are the surface's colours at the crossings whose inner pixel does not see
    it: they add r - 1/2 of it, or take it away. Every pixel stays a mean of pixels and tips. Differentiable once; fresh
    contiguous images are changed in place.
    """
    if not len(outline.reach):
        return colour, alpha
    return _Antialiased.apply(colour, alpha, outline.reach, tips, outline)     


class _Antialiased(torch.autograd.Function):
    """Antialiasing that touches only the pixels at crossings, forwards and backwards.

    A target pixel a gets s (o - a) of the other one o for each of its crossings that are seen, with s = |r - 1/2|. For
    all of its tips together it gets w (t - a), with w their sum of r - 1/2 and t their mean colour. A mean has no more
    than 1 to give away: s is divided by the sum of all where that is more, and w is kept within [0, the rest]. The
    gradients ignore both limits.
    """

    @staticmethod
    def forward(ctx: Any, colour: Tensor, alpha: Tensor, reach: Tensor, tips: Tensor, outline: Crossings,
                ) -> tuple[Tensor, Tensor]:
        images = [t.detach().contiguous() for t in (colour, alpha)]
        out, share = reach > 0.5, (reach - 0.5).to(colour.dtype)
        target, other = (torch.where(out, *pair) for pair in ((outline.outer, outline.inner),
                                                              (outline.inner, outline.outer)))
        shown = _shown(images, target)
        seen, alone = outline.covered.nonzero().squeeze(1), (~outline.covered).nonzero().squeeze(1)
        at, beside, part = target.index_select(0, seen), other.index_select(0, seen), share.index_select(0, seen)
        total = part.new_zeros(alpha.numel()).index_add_(0, at, part.abs())
        most = total.index_select(0, at).clamp_min_(1)
        apart = (_shown(images, beside) - shown.index_select(0, seen)) / most[:, None]
        added = part.abs()[:, None] * apart
        spot, place = target.index_select(0, alone).unique(return_inverse=True)
        tip = share.index_select(0, alone)
        weight = tip.new_zeros(len(spot)).index_add_(0, place, tip)
        weight = weight.clamp_min_(0).minimum(1 - total.index_select(0, spot).clamp_max_(1))
        mix = tip.abs() + 1e-6
        mix = mix / mix.new_zeros(len(spot)).index_add_(0, place, mix).index_select(0, place)
        solid = functional.pad(tips, (0, 1), value=1.0)
        mean = solid.new_zeros(len(spot), solid.shape[1]).index_add_(0, place, mix[:, None] * solid)
        lack = mean - shown.index_select(0, torch.zeros_like(spot).scatter_(0, place, alone))
        ctx.save_for_backward(seen, alone, at, beside, part, part.abs() / most, apart, spot, place, mix, weight, lack)
        ctx.count = len(reach), reach.dtype
        ctx.set_materialize_grads(False)
        _spread(images, at, added)
        _spread(images, spot, weight[:, None] * lack)
        return images[0], images[1]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        seen, alone, at, beside, part, blend, apart, spot, place, mix, weight, lack = ctx.saved_tensors
        images = [None if slope is None else slope.contiguous() for slope in slopes]
        counts = apart.shape[1] - 1, 1
        here, there = (torch.cat([apart.new_zeros(len(pixels), count) if image is None else gathered(image, pixels)
                                  for image, count in zip(images, counts, strict=True)], 1) for pixels in (at, spot))
        count, dtype = ctx.count
        of_reach = here.new_empty(count)
        of_reach[seen] = part.sign() * (here * apart).sum(1)
        of_reach[alone] = (there * lack).sum(1).index_select(0, place)
        of_tips = (mix * weight.index_select(0, place))[:, None] * there[:, :-1].index_select(0, place)
        fresh = [None if image is None or not need else image.clone()
                 for image, need in zip(images, ctx.needs_input_grad[:2], strict=True)]
        given = blend[:, None] * here
        for pixels, rows in ((beside, given), (at, -given), (spot, -weight[:, None] * there)):
            _spread(fresh, pixels, rows)
        return *fresh, of_reach.to(dtype), of_tips, None


def _shown(images: list[Tensor], pixels: Tensor) -> Tensor:
    """Return all channels of both images at pixels (M,): (M, C + 1)."""
    return torch.cat([gathered(image, pixels) for image in images], 1)


def _spread(images: Sequence[Tensor | None], pixels: Tensor, rows: Tensor) -> None:
    """Add rows (M, C + 1) to pixels (M,) of the images that are given."""
    for image, part in zip(images, rows.split([rows.shape[1] - 1, 1], 1), strict=True):
        if image is not None:
            add(image, pixels, part)
