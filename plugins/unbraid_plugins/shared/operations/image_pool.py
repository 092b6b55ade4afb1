"""A pool of images of earlier rounds, for a critic."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import torch
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, UnbraidError, network


class Pool(nn.Module):
    """Images of earlier rounds, and values that belong to them.  seen: the number of images given to it until now."""

    seen: Tensor

    def __init__(self, name: str, size: int, shapes: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.name, self.size, self.count = name, size, len(shapes)
        for i, shape in enumerate(shapes):
            self.register_buffer(f"stored{i}", torch.zeros(size, *shape))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def forward(self, *images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(B, ...) -> the same shape, with some rows of earlier rounds; a tuple for several values."""
        stored = [getattr(self, f"stored{i}") for i in range(self.count)]
        batch = self._check(images, stored)
        place = self.seen + torch.arange(batch, device=self.seen.device)
        full = self.seen >= self.size
        chance = torch.rand(self.size + batch, device=self.seen.device)
        exchanged = full & (chance[self.size:] < 0.5)
        slot = torch.where(full, chance[:self.size].argsort()[:batch], place % self.size)      # each slot once
        taken = torch.where(full, exchanged, place < self.size)
        shown = []
        for image, kept in zip(images, stored, strict=True):
            old = kept[slot]
            kept.index_copy_(0, slot, torch.where(_rows(taken, old), image.detach().to(kept.dtype), old))
            shown.append(torch.where(_rows(exchanged, old), old.to(image.dtype), image.detach()))
        self.seen += batch
        return shown[0] if len(shown) == 1 else tuple(shown)

    def _check(self, images: tuple[Tensor, ...], stored: list[Tensor]) -> int:
        """Return the batch size.  Raises UnbraidError where the batch does not fit the pool, or where shapes differ."""
        batch = len(images[0])
        own, found = ([tuple(t.shape[1:]) for t in side] for side in (stored, images))
        if own != found or any(len(t) != batch for t in images):
            raise UnbraidError(f"{self.name} keeps a batch of {_shapes(own)}; this is {_shapes(map(_shape, images))}",
                               hint="give every kind of image a pool of its own")
        if batch > self.size:
            raise UnbraidError(f"{self.name} has room for {self.size} images; a batch has {batch}",
                               hint=f"make it larger:  size: {max(50, batch)}")
        return batch


def _shape(t: Tensor) -> tuple[int, ...]:
    return tuple(t.shape)


def _shapes(shapes: Iterable[tuple[int, ...]]) -> str:
    return " and ".join(" x ".join(map(str, shape)) for shape in shapes)


def _rows(chosen: Tensor, like: Tensor) -> Tensor:
    return chosen.reshape(-1, *[1] * (like.ndim - 1))


@network(remembers=True)
@attrs.frozen(kw_only=True)
class ImagePool:
    """Pool of generated images of earlier rounds, for a critic (Shrivastava et al. 2017, section 2.3).

    Images (B, C, H, W) -> the same shape; with labels or other values (B, ...) of the images, a tuple of all of them.
    The first `size` images are stored and returned unchanged. Later, each image replaces, with probability 1/2, a
    stored one, which is returned instead (Zhu et al. 2017, section 4). No gradient goes through the pool.

    size: number of stored images, 50 in CycleGAN; at least a batch.
    """

    size: int = attrs.field(default=50, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for values of these shapes."""
        if not inputs:
            raise UnbraidError(f"{context.name} is called without a value", hint=f"give it an image: {context.name}(x)")
        return Pool(context.name, self.size, [tuple(v.shape[1:]) for v in inputs])
