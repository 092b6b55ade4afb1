"""Values of the flow: a tensor, or a record of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar, dataclass_transform

import attrs
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

Value: TypeAlias = Any                          # a tensor, a record under `@value`, a tuple or a dict of values

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True)
def value(cls: Class) -> Class:
    """Make an attrs class whose fields are values: the engine detaches, moves, folds and caches its tensors.

    Fields are values by default; a field that is no value (a layout, a number of classes) is declared with `static()`.

    >>> @value
    ... class Seen:
    ...     image: Tensor
    ...     scale: int = static(default=2)
    >>> map_tensors(lambda t: t + 1, Seen(torch.zeros(1)))
    Seen(image=tensor([1.]), scale=2)
    """
    if "__attrs_attrs__" in vars(cls):             # over @attrs.frozen, whose equality would ask tensors for one truth
        cls.__eq__, cls.__hash__ = object.__eq__, object.__hash__  # type: ignore[assignment]
    else:
        cls = attrs.frozen(cls, eq=False)
    dynamic = [a.name for a in attrs.fields(cls) if not a.metadata.get("static")]
    static = [a.name for a in attrs.fields(cls) if a.metadata.get("static")]
    pytree.register_pytree_node(
        cls,
        lambda v: ([getattr(v, n) for n in dynamic], tuple(getattr(v, n) for n in static)),
        lambda leaves, context: cls(**dict(zip(dynamic, leaves, strict=True)),
                                    **dict(zip(static, context, strict=True))),
        serialized_type_name=f"{cls.__module__}.{cls.__qualname__}",
    )
    return cls


def static(**options: Any) -> Any:
    """Declare a field of a record that is no value: it is the same for every batch.

    >>> @value
    ... class Scaled:
    ...     scale: int = static()
    >>> list(tensors(Scaled(3)))
    []
    """
    return attrs.field(metadata={"static": True}, **options)


def map_tensors(change: Callable[[Tensor], Tensor], *values: Value) -> Value:
    """Return the same structure with every tensor changed; several values of one structure are walked together."""
    return pytree.tree_map_only(Tensor, change, values[0]) if len(values) == 1 else pytree.tree_map(change, *values)


def tensors(v: Value) -> Iterator[Tensor]:
    """Yield all tensors in a value, depth first."""
    return (leaf for leaf in pytree.tree_leaves(v) if isinstance(leaf, Tensor))


@value
class Gaussian:
    """A diagonal normal distribution.  mean: (B, D) or a Code; logvar: (B, D), the logarithm of the variance."""

    mean: Value
    logvar: Tensor

    @property
    def std(self) -> Tensor:
        """The standard deviations, (B, D)."""
        return (0.5 * self.logvar).exp()

    def kl(self) -> Tensor:
        """Return KL(q || N(0, I)) per sample and dimension, (B, D), in nats."""
        mean = plain(self.mean)
        return 0.5 * (mean.square() + self.logvar.exp() - self.logvar - 1)

    def sample(self, noise: Tensor) -> Value:
        """Return mean + std * noise (Kingma & Welling 2014, eq. 10); a Code where the mean is one."""
        z = plain(self.mean) + self.std * noise
        return attrs.evolve(self.mean, tensor=z) if not isinstance(self.mean, Tensor) else z


@value
class Label:
    """A class for every image.  index: (B,) integers, -1 where unknown; classes: the number of classes."""

    index: Tensor
    classes: int = static()

    def one_hot(self) -> Tensor:
        """Return (B, classes) zeros and ones; all zeros where the label is unknown."""
        numbers = torch.arange(self.classes, device=self.index.device)
        return (self.index.unsqueeze(-1) == numbers).to(torch.get_default_dtype())


@value
class Set:
    """Several values of every sample.  folded: a value with a batch of B * count, the values of a sample in a row."""

    folded: Value
    count: int = static()

    def first(self) -> Value:
        """Return the first value of every sample."""
        return map_tensors(lambda t: t[:: self.count], self.folded)

    def unfolded(self) -> Value:
        """Return tensors of shape (B, count, ...)."""
        return map_tensors(lambda t: t.unflatten(0, (-1, self.count)), self.folded)

    @staticmethod
    def fold(unfolded: Value) -> Set:
        """Return the set of tensors of shape (B, count, ...)."""
        count = next(tensors(unfolded)).shape[1]
        return Set(map_tensors(lambda t: t.flatten(0, 1), unfolded), count)


@value
class Record:
    """Named values without a separate class, such as the result of a network with several heads."""

    parts: dict[str, Value]


def plain(v: Value) -> Value:
    """Return what networks and unannotated losses get: a code's tensor, a label's one-hot, a Gaussian's mean."""
    if isinstance(v, Tensor | torch.nn.Module):
        return v
    if isinstance(v, Gaussian):
        return plain(v.mean)
    if isinstance(v, Label):
        return v.one_hot()
    if isinstance(v, Set):
        return Set(plain(v.folded), v.count)
    return v.tensor if hasattr(v, "layout") and hasattr(v, "tensor") else v


def access(v: Value, name: str) -> Value:
    """Return `v.name`: a factor of a code, a part of a record, a field of a value.

    Raises AttributeError with the names that exist.
    """
    if isinstance(v, Set):
        return Set(access(v.folded, name), v.count)
    if isinstance(v, Record):
        if name in v.parts:
            return v.parts[name]
        raise AttributeError(f"no part {name!r}; it has {', '.join(v.parts)}", name=name, obj=list(v.parts))
    layout = None if isinstance(v, Tensor) else getattr(v, "layout", None)      # tensors have another layout
    if layout is not None and name in layout:
        return v.part(name)
    if isinstance(v, Gaussian) and not isinstance(v.mean, Tensor) and name in v.mean.layout:
        return Gaussian(v.mean.part(name), v.mean.layout.take(v.logvar, name))
    fields = [a.name for a in attrs.fields(type(v))] if attrs.has(type(v)) else []
    if name in fields:
        return getattr(v, name)
    if layout is not None:
        names = layout.all_names
        raise AttributeError(f"the code has no factor {name!r}; it has {', '.join(names)}", name=name, obj=list(names))
    what = type(v).__name__.lower() if attrs.has(type(v)) else "tensor"
    has = f"; it has {', '.join(fields)}" if fields else ""
    raise AttributeError(f"a {what} has no part {name!r}{has}", name=name, obj=fields)
