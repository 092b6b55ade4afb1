"""Conversion of values to named tensors, which foreign runtimes need, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
from torch import Tensor

from unbraid.values import Code, Gaussian, Label, Record, Set, Value
from unbraid_plugins.tools.export.formats import ExportError


def leaves(name: str, v: Value) -> dict[str, Tensor]:
    """Return the tensors of a value by name.

    The names are x for a tensor, a code or a label; q_mean, q_logvar for a distribution; h_score, ... for the parts of
    a record; y_1, y_2, ... for those of a tuple. A set is unfolded: (B, count, ...).

    Raises ExportError for a value without tensors.
    """
    if isinstance(v, Tensor):
        return {name: v}
    if isinstance(v, Set):
        return {n: t.unflatten(0, (-1, v.count)) for n, t in leaves(name, v.folded).items()}
    return {n: t for part, inner in _parts(name, v) for n, t in leaves(part, inner).items()}


def restored(name: str, like: Value, tensors: Mapping[str, Tensor]) -> Value:
    """Build a value with the structure of `like` from its leaves."""
    if isinstance(like, Tensor):
        return tensors[name]
    if isinstance(like, Set):
        return Set(restored(name, like.folded, {n: t.flatten(0, 1) if n in leaves(name, like.folded) else t
                                                for n, t in tensors.items()}), like.count)
    parts = [restored(part, inner, tensors) for part, inner in _parts(name, like)]
    if isinstance(like, Record):
        return Record(dict(zip(like.parts, parts, strict=True)))
    if isinstance(like, tuple | list):
        return tuple(parts)
    return attrs.evolve(like, **dict(zip(_fields(like), parts, strict=True)))


def _parts(name: str, v: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(v, Record):
        yield from ((f"{name}_{part}", inner) for part, inner in v.parts.items())
    elif isinstance(v, tuple | list):
        yield from ((f"{name}_{i}", inner) for i, inner in enumerate(v, 1))
    elif attrs.has(type(v)):
        fields = _fields(v)
        single = isinstance(v, Code | Label) or len(fields) == 1
        yield from ((name if single else f"{name}_{field}", getattr(v, field)) for field in fields)
    else:
        raise ExportError(f"{name} is a {type(v).__name__.lower()}; what is exported takes and gives tensors")


def _fields(v: Value) -> list[str]:
    return [a.name for a in attrs.fields(type(v)) if not a.metadata.get("static")]


def kind(v: Value) -> str:
    """Return the kind of a value in a word: image, code, label, distribution, numbers or record."""
    if isinstance(v, Set):
        return kind(v.folded)
    if isinstance(v, Tensor):
        return "image" if v.ndim == 4 and v.shape[1] in (1, 3) else "numbers"
    return {Code: "code", Label: "label", Gaussian: "distribution"}.get(type(v), "record")
