"""Codes some of whose factors a user chooses: c1 = 3, c2 = -0.5; and codes along which one factor goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import torch

from unbraid.values import RANGES, Code, Layout, Part, choose


@attrs.frozen(eq=False)
class Walk:
    """Codes along which one thing goes.

    what: a factor of classes, or a number of the code; first, last: its values; change: code (1, D) -> codes (n, D).
    """

    what: str
    first: float
    last: float
    spot: int | Part

    def along(self, f: Code, steps: int) -> Code:
        """The code (1, D), n times, with the thing at each of its values: all classes, or so many steps."""
        if isinstance(self.spot, Part):
            many = Code(f.tensor[:1].expand(self.spot.size, -1), f.layout)
            return choose(many, {self.spot.name: torch.arange(self.spot.size)})
        tensor = f.tensor[:1].repeat(steps, *[1] * (f.tensor.ndim - 1))
        values = torch.linspace(self.first, self.last, steps, device=tensor.device, dtype=tensor.dtype)
        tensor[:, self.spot] = values.reshape(-1, *[1] * (tensor.ndim - 2))
        return Code(tensor, f.layout)


def walks(layout: Layout, numbers: Sequence[int], low: float | None = None, high: float | None = None
          ) -> Iterator[Walk]:
    """What goes along the rows of a traversal: these numbers of the code; a factor of classes as a whole, once.

    low, high: None: where the prior of the number has its mass, -3 to 3 or -1 to 1.
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
