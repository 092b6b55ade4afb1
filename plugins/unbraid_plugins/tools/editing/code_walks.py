"""Walks through the space of codes: codes that differ in one dimension or one factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import torch

from unbraid.values import RANGES, Code, Layout, Part, choose


@attrs.frozen(eq=False)
class Walk:
    """Codes in which one dimension or one factor of classes varies.

    what: the factor of classes, or the dimension, as text.
    first, last: its first and last value.
    spot: the dimension, or the part of the code that is a factor of classes.
    """

    what: str
    first: float
    last: float
    spot: int | Part

    def along(self, f: Code, steps: int) -> Code:
        """Repeat the first code with each value of the walk: all classes of a factor, or `steps` values."""
        if isinstance(self.spot, Part):
            many = Code(f.tensor[:1].expand(self.spot.size, -1), f.layout)
            return choose(many, {self.spot.name: torch.arange(self.spot.size)})
        tensor = f.tensor[:1].repeat(steps, *[1] * (f.tensor.ndim - 1))
        values = torch.linspace(self.first, self.last, steps, device=tensor.device, dtype=tensor.dtype)
        tensor[:, self.spot] = values.reshape(-1, *[1] * (tensor.ndim - 2))
        return Code(tensor, f.layout)


def walks(layout: Layout, numbers: Sequence[int], low: float | None = None, high: float | None = None
          ) -> Iterator[Walk]:
    """Yield the walks of a traversal: one for each of these dimensions; a factor of classes gets one walk as a whole.

    low, high: the ends of a walk; None: the range of the prior's mass: -3 to 3 (normal), -1 to 1 (uniform), 0 to 1
        (binary).
    """
    start, seen = 0, set[str]()
    spans = []
    for p in layout.parts:
        spans.append((start, start + p.size, p))
        start += p.size
    for n in numbers:
        p = next(p for a, b, p in spans if a <= n < b)
        if p.prior == "classes":
            if p.name not in seen:
                yield Walk(p.name, 0, p.size - 1, p)
            seen.add(p.name)
        else:
            least, most = RANGES.get(p.prior, (0.0, 1.0))
            yield Walk(str(n), least if low is None else low, most if high is None else high, n)


def blended(a: Code, b: Code, by: Mapping[str, float]) -> Code:
    """Return a with these factors moved towards b: 0 keeps a's, 1 takes b's."""
    share = torch.cat([a.tensor.new_full((p.size,), by.get(p.name, by.get(p.group, 0.0))) for p in a.layout.parts])
    share = share.reshape(1, -1, *[1] * (a.tensor.ndim - 2))
    return Code(torch.where(share == 1, b.tensor, torch.lerp(a.tensor, b.tensor, share)), a.layout)
