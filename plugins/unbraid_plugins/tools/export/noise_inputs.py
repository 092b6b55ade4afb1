"""Noise as an input of an exported function, because a foreign runtime has no streams with addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import attrs
from torch import Tensor

from unbraid.values import Noise, Random
from unbraid_plugins.tools.export.formats import ExportError


@attrs.frozen
class Asked:
    """A request of a random operation for numbers.

    high: the upper bound of integers.
    numbers: the numbers that the operation got.
    """

    address: str
    distribution: Literal["normal", "uniform", "integers", "permutation"]
    high: int | None
    numbers: Tensor


@attrs.define
class Listening(Noise):
    """The model's own noise; it records every request."""

    asked: list[Asked] = attrs.Factory(list)

    def at(self, name: str) -> Random:
        """Return the stream of the operation with this name, from its beginning."""
        own = Noise.at(self, name)
        return _Listened(own.batch, own.device, own.generator, own.dtype, inner=own, address=name, asked=self.asked)


@attrs.define
class _Listened(Random):
    inner: Random = attrs.field(kw_only=True)
    address: str = attrs.field(kw_only=True)
    asked: list[Asked] = attrs.field(kw_only=True)

    def _noted(self, distribution: Any, high: int | None, numbers: Tensor) -> Tensor:
        self.asked.append(Asked(self.address, distribution, high, numbers))
        return numbers

    def normal(self, *shape: int) -> Tensor:
        return self._noted("normal", None, self.inner.normal(*shape))

    def uniform(self, *shape: int) -> Tensor:
        return self._noted("uniform", None, self.inner.uniform(*shape))

    def integers(self, high: int, *shape: int) -> Tensor:
        return self._noted("integers", int(high), self.inner.integers(high, *shape))

    def permutation(self, n: int) -> Tensor:
        return self._noted("permutation", None, self.inner.permutation(n))


@attrs.define
class Given(Noise):
    """Noise made elsewhere; each request takes the next tensor."""

    tensors: list[Tensor] = attrs.Factory(list)

    def at(self, name: str) -> Random:
        """Return a stream that hands out the next tensors."""
        return _Handed(self.batch, self.device, tensors=self.tensors)


@attrs.define
class _Handed(Random):
    tensors: list[Tensor] = attrs.field(kw_only=True)

    def normal(self, *shape: int) -> Tensor:
        return self.tensors.pop(0)

    def uniform(self, *shape: int) -> Tensor:
        return self.tensors.pop(0)

    def integers(self, high: int, *shape: int) -> Tensor:
        return self.tensors.pop(0)

    def permutation(self, n: int) -> Tensor:
        return self.tensors.pop(0)


def per_batch(small: Sequence[Asked], large: Sequence[Asked], sizes: tuple[int, int]) -> list[tuple[int | None, ...]]:
    """Return how the shape of every noise tensor grows with the batch.

    An entry n of a shape stands for n times the batch size, None for a constant size.

    small, large: the requests of the same function with batches of these two sizes.

    Raises ExportError where a size grows in another way.
    """
    a, b = sizes
    if [(n.address, n.distribution) for n in small] != [(n.address, n.distribution) for n in large]:
        raise ExportError("which noise is drawn depends on the size of the batch", hint="fix the size: --batch N")
    found = []
    for one, other in zip(small, large, strict=True):
        shape: list[int | None] = []
        for p, q in zip(one.numbers.shape, other.numbers.shape, strict=True):
            if p != q and (p * b != q * a or p % a):
                raise ExportError(f"the noise of {one.address} has the sizes {p} and {q} for batches of {a} and {b}",
                                  hint="fix the size: --batch N")
            shape.append(None if p == q else p // a)
        found.append(tuple(shape))
    return found
