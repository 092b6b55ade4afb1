"""How much is probed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import attrs

from unbraid_registry import UnbraidError

Budget: TypeAlias = "int | None"                   # labels of every class; None: all that there are
ALL = "all"


def _budgets(given: Iterable[int | str | None]) -> tuple[Budget, ...]:
    """Numbers of labels in rising order, each once.  Raises ProbeError."""
    found: set[Budget] = set()
    for word in given:
        text = ALL if word is None else str(word).strip()
        if text != ALL and (not text.isascii() or not text.isdigit() or int(text) < 1):
            raise ProbeError(f"labels of every class are numbers from 1, or {ALL!r}; found {text!r}",
                             hint=f"for example 1,5,20,{ALL}")
        found.add(None if text == ALL else int(text))
    if not found:
        raise ProbeError("without labels there is nothing to fit", hint=f"for example 1,5,20,{ALL}")
    return tuple(sorted(found, key=lambda n: (n is None, n)))


def _positive(_: object, attribute: attrs.Attribute[int], number: int) -> None:
    if number < 1:
        raise ProbeError(f"{attribute.name} must be 1 at least; found {number}")


@attrs.frozen(kw_only=True)
class Settings:
    """How many labels there are, and how many images, at most.

    labels: of every class, one number after the other, None or "all": all; draws: how often few labels are drawn;
    neighbours: that vote; images: to fit on, labelled or not; test_images: to judge on; seed: of the choice of images
    and labels; supervised: whether networks are trained on the same labels, which takes minutes.

    >>> Settings(labels=["all", 20, 1]).labels
    (1, 20, None)
    """

    labels: tuple[Budget, ...] = attrs.field(default=(1, 5, 20, 100, None), converter=_budgets)
    draws: int = attrs.field(default=3, validator=_positive)
    neighbours: int = attrs.field(default=1, validator=_positive)
    images: int = attrs.field(default=5000, validator=_positive)
    test_images: int = attrs.field(default=2000, validator=_positive)
    seed: int = 0
    supervised: bool = False


def said(budget: Budget) -> int | str:
    """A number of labels as it is written."""
    return ALL if budget is None else budget


class ProbeError(UnbraidError):
    """Nothing can be probed so."""
