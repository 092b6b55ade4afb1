"""Settings of a probe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import attrs

from unbraid_registry import UnbraidError

Budget: TypeAlias = "int | None"                   # labels of every class; None: all labels
ALL = "all"


def _budgets(given: Iterable[int | str | None]) -> tuple[Budget, ...]:
    """Return numbers of labels in rising order, each once.  Raises ProbeError."""
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
    """The numbers of labels and the largest numbers of images.

    labels: numbers of labels of every class; None or "all" stands for all.
    draws: the number of draws of few labels.
    neighbours: the number of neighbours that vote.
    images: images to fit on, labelled or not.
    test_images: images to judge on.
    seed: of the choice of images and labels.
    supervised: also train networks on the same labels, which takes minutes.

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


def budget_name(budget: Budget) -> int | str:
    """Return a number of labels as it is written."""
    return ALL if budget is None else budget


class ProbeError(UnbraidError):
    """A probe that is not possible."""
