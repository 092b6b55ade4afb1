"""Operations on sets: several images of one person, or the frames of a clip."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from unbraid import Set, Value, operation
from unbraid.values import records as values


@operation
def one(v: Set) -> Value:
    """The first value of every set, for values that its members share, for example the label.

    v: set of any values.  Returns one value per sample, (B, ...).
    """
    return v.first()


@operation
def last(v: Set) -> Value:
    """The last value of every set, for example the last frame that was seen of a clip.

    v: set of any values.  Returns one value per sample, (B, ...).
    """
    return values.map_tensors(lambda t: t[:, -1], v.unfolded())


@operation
def mean_of(v: Set) -> Value:
    """The mean of every set:  1/n sum_i v_i.

    v: set of tensors or codes.  Returns one value per sample, (B, ...).  Raises ValueError for labels.
    """
    if any(not t.is_floating_point() for t in values.tensors(v)):
        raise ValueError("mean_of takes a set of numbers; a label has no mean, take one(...)")
    return values.map_tensors(lambda t: t.mean(1), v.unfolded())


def _some(v: Set, choose: Callable[[Tensor], Tensor], name: str) -> Set:
    if v.count < 2:
        raise ValueError(f"{name} needs a set of at least two values; this has {v.count}")
    return Set.fold(values.map_tensors(choose, v.unfolded()))


@operation
def before_last(v: Set) -> Set:
    """The set without its last value: the input of a forecast.

    v: set of n values.  Returns a set of n - 1.  Raises ValueError for a set of one.
    """
    return _some(v, lambda t: t[:, :-1], "before_last")


@operation
def after_first(v: Set) -> Set:
    """The set without its first value: the target of a forecast.

    v: set of n values.  Returns a set of n - 1.  Raises ValueError for a set of one.
    """
    return _some(v, lambda t: t[:, 1:], "after_first")
