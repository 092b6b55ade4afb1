"""The representation: one tensor and the layout of its named factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from unbraid.values.records import static, value
from unbraid_configs import Factor

if TYPE_CHECKING:
    from unbraid.values.random import Random


@attrs.frozen
class Part:
    """A part of the code: `chunk3` of the group `chunk`, or a factor by itself."""

    name: str
    size: int
    group: str = ""
    prior: str = "normal"


@attrs.frozen
class Layout:
    """The named parts of a code, in order.

    >>> layout = Layout.of({"chunk": Factor(name="chunk", count=2, size=3), "pose": Factor(name="pose", size=4)})
    >>> layout.names, layout.size
    (('chunk1', 'chunk2', 'pose'), 10)
    >>> layout.select(["chunk"]).names
    ('chunk1', 'chunk2')
    """

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, factors: Mapping[str, Factor]) -> Layout:
        """Return the layout that a recipe's `code:` declares."""
        parts: list[Part] = []
        for f in factors.values():
            if f.count is None:
                parts.append(Part(f.name, f.size, "", f.prior))
            else:
                parts += [Part(f"{f.name}{i + 1}", f.size, f.name, f.prior) for i in range(f.count)]
        return cls(tuple(parts))

    @property
    def size(self) -> int:
        """The dimension of a code of this layout (of a spatial code: its channels)."""
        return sum(p.size for p in self.parts)

    @property
    def sizes(self) -> list[int]:
        """The size of each part."""
        return [p.size for p in self.parts]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(p.name for p in self.parts)

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of groups and parts."""
        groups = dict.fromkeys(p.group for p in self.parts if p.group)
        return (*groups, *self.names)

    def __contains__(self, name: str) -> bool:
        return any(name in (p.name, p.group) for p in self.parts)

    def spans(self, names: Iterable[str]) -> list[tuple[int, int]]:
        """Return start and end of each part whose name or group is in `names`."""
        wanted, found, start = set(names), [], 0
        for p in self.parts:
            if p.name in wanted or p.group in wanted:
                found.append((start, start + p.size))
            start += p.size
        return found

    def select(self, names: Iterable[str]) -> Layout:
        """Return the layout of some parts, in this layout's order.  Raises KeyError for an unknown name."""
        wanted = list(names)
        for name in wanted:
            if name not in self:
                raise KeyError(name)
        return Layout(tuple(p for p in self.parts if p.name in wanted or p.group in wanted))

    def take(self, tensor: Tensor, *names: str) -> Tensor:
        """Return the named parts of a tensor of this layout, joined: (B, D, ...) -> (B, d, ...)."""
        pieces = [tensor[:, a:b] for a, b in self.spans(names)]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)

    def draw(self, random: Random) -> Code:
        """Draw a code with each part from its prior: N(0, I), U(-1, 1), a uniform class or fair coins; (B, D)."""
        pieces = []
        for p in self.parts:
            match p.prior:
                case "normal":
                    piece = random.normal(random.batch, p.size)
                case "uniform":
                    piece = 2 * random.uniform(random.batch, p.size) - 1
                case "binary":
                    piece = (random.uniform(random.batch, p.size) < 0.5).to(torch.get_default_dtype())
                case _:
                    chosen = random.integers(p.size, random.batch)
                    numbers = torch.arange(p.size, device=chosen.device)
                    piece = (chosen.unsqueeze(1) == numbers).to(torch.get_default_dtype())
            pieces.append(piece)
        return Code(torch.cat([p.to(pieces[0].dtype) for p in pieces], 1), self)


@value
class Code:
    """A representation with named factors.  tensor: (B, D), or (B, D, h, w) for a spatial code.

    `f.pose` is the part (or group of parts) named pose, a Code again.
    """

    tensor: Tensor
    layout: Layout = static()

    def part(self, name: str) -> Code:
        """Return the factor or the group of factors with this name.  Raises KeyError."""
        return Code(self.layout.take(self.tensor, name), self.layout.select([name]))

    def __getattr__(self, name: str) -> Code:
        if name.startswith("_") or name not in self.layout:
            raise AttributeError(f"the code has no factor {name!r}; it has {', '.join(self.layout.all_names)}")
        return self.part(name)

    def replace(self, **parts: Tensor | Code) -> Code:
        """Return this code with some factors replaced."""
        tensor = self.tensor.clone()
        for name, new in parts.items():
            new_tensor, at = new.tensor if isinstance(new, Code) else new, 0
            for a, b in self.layout.spans([name]):
                tensor[:, a:b] = new_tensor[:, at:at + b - a]
                at += b - a
        return Code(tensor, self.layout)


def _same_layout(a: Code, b: Code) -> None:
    if a.layout != b.layout:
        raise ValueError(f"the codes have different factors: {', '.join(a.layout.names)} and "
                         f"{', '.join(b.layout.names)}")


def swap(a: Code, b: Code, *names: str) -> Code:
    """Return a with the named factors of b."""
    _same_layout(a, b)
    return a.replace(**{name: b.part(name) for name in names})


def mix(a: Code, b: Code, mask: Tensor) -> Code:
    """Take the parts where mask = 1 from a, the others from b (Hu et al. 2018):  m * a + (1 - m) * b.

    mask: (B, number of parts) or (1, number of parts), of zeros and ones.  Raises ValueError.
    """
    _same_layout(a, b)
    if mask.ndim != 2 or mask.shape[1] != len(a.layout.parts) or mask.shape[0] not in (1, a.tensor.shape[0]):
        raise ValueError(f"the mask has shape {tuple(mask.shape)}; the code has {len(a.layout.parts)} parts "
                         f"and a batch of {len(a.tensor)}")
    sizes = torch.tensor(a.layout.sizes, device="cpu" if mask.is_meta else mask.device)
    if len(set(a.layout.sizes)) == 1:
        m = mask.repeat_interleave(a.layout.sizes[0], dim=1)
    else:
        m = torch.cat([mask[:, i:i + 1].expand(-1, int(s)) for i, s in enumerate(sizes)], 1)
    m = m.to(a.tensor.dtype).reshape(*m.shape, *[1] * (a.tensor.ndim - 2))
    return Code(m * a.tensor + (1 - m) * b.tensor, a.layout)


def join(*codes: Code) -> Code:
    """Join codes of different factors into one.  Raises ValueError where two have the same factor."""
    parts = [p for c in codes for p in c.layout.parts]
    names = [p.name for p in parts]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two of the codes have the factor {name!r}")
    return Code(torch.cat([c.tensor for c in codes], 1), Layout(tuple(parts)))


def interpolate(a: Code, b: Code, *, by: float) -> Code:
    """Interpolate linearly from a (by = 0) to b (by = 1)."""
    _same_layout(a, b)
    return Code(torch.lerp(a.tensor, b.tensor, by), a.layout)
