"""Images whose outlines move smoothly with the surface."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unbraid_plugins.opengl.silhouettes import Crossings


def antialiased(image: Tensor, outline: Crossings, tips: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Blend the two pixels of every crossing by how much of each the surface covers: (B, H, W, C), in place.

    A surface that reaches r > 1/2 from the inner pixel covers r - 1/2 of the outer one; with r < 1/2, what is behind it
    covers 1/2 - r of the inner one. Linear in r in both cases, so the gradient is that of the covered area times the
    difference of the two pixels. Tips (T, C) are what the surface looks like at the crossings whose inner pixel does
    not see it: they add r - 1/2 of it, or take it away. Every pixel stays a mean of pixels and tips. Differentiable
    once.

    Returns the first channels and the last one as images: (B, channels, H, W) and (B, 1, H, W).
    """
    if len(outline.reach):
        return _Antialiased.apply(image, outline.reach, tips, outline, channels)  # type: ignore[no-any-return]
    return parted(image, channels)


def parted(image: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Colour and alpha of rows (B, H, W, C): the first channels, and the last one, (B, channels or 1, H, W)."""
    planes = image.permute(0, 3, 1, 2)
    return planes[:, :channels], planes[:, -1:]


class _Antialiased(torch.autograd.Function):
    """Only the pixels at crossings are touched, forwards and backwards; what happens there torch differentiates."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, reach: Tensor, tips: Tensor, outline: Crossings, channels: int,
                ) -> tuple[Tensor, Tensor]:
        pixels, place = torch.stack([outline.inner, outline.outer]).unique(return_inverse=True)
        rows = image.detach().view(-1, image.shape[3])
        wanted = ctx.needs_input_grad
        here, reach, tips = (t.detach().requires_grad_(need)
                             for t, need in zip((rows[pixels], reach, tips), wanted, strict=False))
        with torch.set_grad_enabled(any(wanted)):
            added = _added(here, reach, tips, place[0], place[1], outline.covered)
        rows.index_add_(0, pixels, added.detach())
        ctx.added, ctx.leaves, ctx.pixels, ctx.shape = added, (here, reach, tips), pixels, image.shape
        ctx.set_materialize_grads(False)
        return parted(image, channels)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, colour: Tensor | None, alpha: Tensor | None) -> tuple[Tensor | None, ...]:
        batch, height, width, count = ctx.shape
        planes = ctx.leaves[1].new_empty(batch, count, height, width)
        channels = 0 if colour is None else colour.shape[1]
        planes[:, :channels] = 0 if colour is None else colour
        planes[:, channels:] = 0
        if alpha is not None:
            planes[:, -1:] += alpha
        apart = height * width
        first = ctx.pixels + (count - 1) * apart * (ctx.pixels // apart)
        index = (first + apart * torch.arange(count, device=first.device)[:, None]).flatten()
        here = planes.view(-1).index_select(0, index).reshape(count, -1).T
        wanted = [t for t in ctx.leaves if t.requires_grad]
        found = iter(torch.autograd.grad(ctx.added, wanted, here, retain_graph=True, allow_unused=True))
        to_pixels, to_reach, to_tips = (next(found) if t.requires_grad else None for t in ctx.leaves)
        if to_pixels is not None:
            planes.view(-1).index_add_(0, index, to_pixels.T.flatten())
        return planes.permute(0, 2, 3, 1) if ctx.needs_input_grad[0] else None, to_reach, to_tips, None, None


def _added(pixels: Tensor, reach: Tensor, tips: Tensor, inner: Tensor, outer: Tensor, covered: Tensor) -> Tensor:
    """What M pixels (M, C) get, for crossings (K,) from inner to outer ones of them."""
    out = reach > 0.5
    target, other = torch.where(out, outer, inner), torch.where(out, inner, outer)
    share = (reach - 0.5).to(pixels.dtype)
    seen, alone = covered.nonzero().squeeze(1), (~covered).nonzero().squeeze(1)
    some = share[seen].abs()
    total = some.new_zeros(len(pixels)).index_add(0, target[seen], some.detach())
    blended = some / total[target[seen]].clamp_min(1)
    added = torch.zeros_like(pixels).index_add(
        0, target[seen], blended[:, None] * (pixels[other[seen]] - pixels[target[seen]]))
    if not len(tips):
        return added
    target, share = target[alone], share[alone]
    weight = total.new_zeros(len(pixels)).index_add(0, target, share)
    free = 1 - total.clamp_max(1)
    weight = weight + (weight.detach().clamp_min(0).minimum(free) - weight.detach())   # the gradient goes on
    part = share.detach().abs() + 1e-6
    part = part / part.new_zeros(len(pixels)).index_add(0, target, part)[target]
    colour = tips.new_zeros(len(pixels), tips.shape[1]).index_add(0, target, part[:, None] * tips)
    touched = target.unique()
    return added.index_add(0, touched, weight[touched, None] * (colour - pixels)[touched])
