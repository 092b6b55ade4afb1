"""Edits of codes by the names of their factors."""

from __future__ import annotations

from torch import Tensor

from unbraid import Code, Gaussian, Label, Layout, Record, Value, operation
from unbraid.values import code


@operation
def mix(a: Code, b: Code, mask: Tensor) -> Code:
    """Mix of two codes, from a where mask = 1 and from b elsewhere (Hu et al. 2018):  m * a + (1 - m) * b.

    a, b: codes of the same factors.
    mask: (B, number of factors), or (1, number of factors) for the whole batch, of zeros and ones.

    Returns a Code.  Raises ValueError where factors or shapes differ.
    """
    return code.mix(a, b, mask)


@operation
def swap(a: Code, b: Code, *, factor: str) -> Code:
    """Code a with one factor (or group of factors) taken from b.

    a, b: codes of the same factors.  Returns a Code.
    Raises ValueError where their factors differ or the factor is not among them.
    """
    if factor not in a.layout:
        raise ValueError(f"the code has no factor {factor!r}; it has {', '.join(a.layout.all_names)}")
    return code.swap(a, b, factor)


def _codes(v: Value) -> list[Code]:
    if isinstance(v, Code):
        return [v]
    if isinstance(v, Gaussian):
        return _codes(v.mean)
    if isinstance(v, Record):
        found = [c for part in v.parts.values() if isinstance(part, Code | Gaussian | Record) for c in _codes(part)]
        if found:
            return found
    raise ValueError(f"join takes codes and records of codes; this is a {type(v).__name__.lower()}")


@operation
def join(*codes: Code | Gaussian | Record) -> Code:
    """Concatenation of codes of different factors, in order; a record gives all its codes, a Gaussian its mean.

    codes: (B, d) each, or all (B, d, h, w).  Returns a Code, (B, sum of d, ...).
    Raises ValueError where two have the same factor, or for anything that has no factors.
    """
    return code.join(*(c for v in codes for c in _codes(v)))


@operation
def as_factor(v: Value, *, name: str, layout: Layout) -> Code:
    """A vector or a label as a factor of the code, which `join` and `swap` then know by its name.

    v: (B, d), or a label of d classes, which becomes one-hot.
    name: the factor of d numbers.
    layout: the layout of the recipe's code; the engine gives it.

    Returns a Code, (B, d).  Raises ValueError for an unknown factor, or one of another size.
    """
    if name not in layout:
        raise ValueError(f"the code has no factor {name!r}; it has {', '.join(layout.all_names) or 'none'}")
    part = layout.select([name])
    if isinstance(v, Label) and v.classes != part.size:
        raise ValueError(f"the label has {v.classes} classes, the code's factor {name!r} {part.size} numbers: write  "
                         f"{name}: {v.classes} classes  in `code`")
    tensor = v.one_hot() if isinstance(v, Label) else v
    if not isinstance(tensor, Tensor) or tensor.ndim < 2 or tensor.shape[1] != part.size:
        found = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(v).__name__.lower()
        raise ValueError(f"the factor {name!r} has {part.size} numbers; this is {found}")
    return Code(tensor, part)


@operation
def interpolate(a: Code, b: Code, *, by: float) -> Code:
    """Point on the straight line from a (by = 0) to b (by = 1):  (1 - t) a + t b.

    a, b: codes of the same factors.  Returns a Code.  Raises ValueError where they differ.
    """
    return code.interpolate(a, b, by=by)
