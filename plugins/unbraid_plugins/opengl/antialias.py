"""Images whose outlines move smoothly with the surface."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.pixels import add, gathered
from unbraid_plugins.opengl.silhouettes import Crossings


def antialiased(colour: Tensor, alpha: Tensor, outline: Crossings, tips: Tensor) -> tuple[Tensor, Tensor]:
    """Blend the two pixels of every crossing by how much of each the surface covers: (B, C, H, W) and (B, 1, H, W).

    A surface that reaches r > 1/2 from the inner pixel covers r - 1/2 of the outer one; with r < 1/2, what is behind it
    covers 1/2 - r of the inner one. Linear in r in both cases, so the gradient is that of the covered area times the
    difference of the two pixels. Tips (T, C) are what the surface looks like at the crossings whose inner pixel does
    not see it: they add r - 1/2 of it, or take it away. Every pixel stays a mean of pixels and tips. Differentiable
    once; fresh contiguous images are changed in place.
    """
    if not len(outline.reach):
        return colour, alpha
    return _Antialiased.apply(colour, alpha, outline.reach, tips, outline)       # type: ignore[no-any-return]


class _Antialiased(torch.autograd.Function):
    """Only the pixels at crossings are touched, forwards and backwards; what happens there torch differentiates."""

    @staticmethod
    def forward(ctx: Any, colour: Tensor, alpha: Tensor, reach: Tensor, tips: Tensor, outline: Crossings,
                ) -> tuple[Tensor, Tensor]:
        images, wanted = [t.detach().contiguous() for t in (colour, alpha)], ctx.needs_input_grad
        pixels = torch.cat([outline.inner, outline.outer])
        here = torch.cat([gathered(image, pixels) for image in images], 1)
        leaves = [t.detach().requires_grad_(need)
                  for t, need in ((here, wanted[0] or wanted[1]), (reach, wanted[2]), (tips, wanted[3]))]
        with torch.set_grad_enabled(any(wanted)):
            touched, added = _added(leaves[0], leaves[1], leaves[2], outline, alpha.numel())
        ctx.leaves, ctx.pixels, ctx.touched, ctx.added = leaves, pixels, touched, added
        ctx.set_materialize_grads(False)
        parts = added.detach().split([colour.shape[1], 1], 1)
        return tuple(add(image, touched, part)                # type: ignore[return-value]
                     for image, part in zip(images, parts, strict=True))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        counts = ctx.added.shape[1] - 1, 1
        slopes = tuple(None if slope is None else slope.contiguous() for slope in slopes)
        of_added = torch.cat([
            ctx.added.new_zeros(len(ctx.added), count) if slope is None else gathered(slope, ctx.touched)
            for slope, count in zip(slopes, counts, strict=True)], 1)
        wanted = [t for t in ctx.leaves if t.requires_grad]
        found = iter(torch.autograd.grad(ctx.added, wanted, of_added, retain_graph=True, allow_unused=True))
        of_here, of_reach, of_tips = (next(found) if t.requires_grad else None for t in ctx.leaves)
        of_images = [None if slope is None or not need else add(slope.clone(), ctx.pixels, part)
                     for slope, need, part in zip(slopes, ctx.needs_input_grad[:2], of_here.split(counts, 1),
                                                  strict=True)] if of_here is not None else [None, None]
        return *of_images, of_reach, of_tips, None


def _added(here: Tensor, reach: Tensor, tips: Tensor, outline: Crossings, count: int) -> tuple[Tensor, Tensor]:
    """What which of `count` pixels get: numbers (M,), some of them several times, and colours and alphas (M, C + 1).

    here: (2 K, C + 1), what the inner pixels show, and the outer ones.
    """
    out = reach > 0.5
    target = torch.where(out, outline.outer, outline.inner)
    inner, outer = here.chunk(2)
    shown = torch.where(out[:, None], outer, inner)
    share = (reach - 0.5).to(here.dtype)
    seen, alone = (which.nonzero().squeeze(1) for which in (outline.covered, ~outline.covered))
    at, some = target.index_select(0, seen), share.index_select(0, seen).abs()
    total = some.new_zeros(count).index_add_(0, at, some.detach())
    blended = some / total.index_select(0, at).clamp_min(1)
    added = blended[:, None] * (inner + outer - 2 * shown).index_select(0, seen)
    if not len(tips):
        return at, added
    spot, place = target.index_select(0, alone).unique(return_inverse=True)
    share = share.index_select(0, alone)
    weight = share.new_zeros(len(spot)).index_add(0, place, share)
    free = 1 - total.index_select(0, spot).clamp_max(1)
    weight = weight + (weight.detach().clamp_min(0).minimum(free) - weight.detach())   # the gradient goes on
    part = share.detach().abs() + 1e-6
    part = part / part.new_zeros(len(spot)).index_add_(0, place, part).index_select(0, place)
    solid = functional.pad(tips, (0, 1), value=1.0)
    colour = solid.new_zeros(len(spot), solid.shape[1]).index_add(0, place, part[:, None] * solid)
    below = shown.index_select(0, torch.zeros_like(spot).scatter_(0, place, alone))
    return torch.cat([at, spot]), torch.cat([added, weight[:, None] * (colour - below)])
