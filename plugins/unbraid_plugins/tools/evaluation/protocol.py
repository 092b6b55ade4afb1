"""How much is measured: a look in a minute, or the counts of a study."""

from __future__ import annotations

from typing import Any

import attrs

from unbraid_registry import UnbraidError, closest


@attrs.frozen(kw_only=True)
class Protocol:
    """How many images an evaluation uses, at most.

    images: those that are judged one by one, and other ones that probes are fitted on; measured, train, test: rows of
    the table of complete rows, for metrics that fit nothing, to fit on and to judge on; drawn: rows that groups are
    drawn from, None: those that are encoded anyway; resamples: of the bootstrap; work: numbers (rows times columns)
    that a costly fit may have, None: any; options: of metrics, by the name of the option.
    """

    name: str
    images: int
    measured: int
    train: int
    test: int
    drawn: int | None
    resamples: int = 200
    work: int | None = None
    options: dict[str, Any] = attrs.Factory(dict)


QUICK = Protocol(name="quick", images=2000, measured=4000, train=1000, test=2000, drawn=None, work=200_000, options={
    "train_points": 2000, "points": 2000, "train_votes": 2000, "votes": 2000})
STUDY = Protocol(name="study", images=2000, measured=10_000, train=10_000, test=5000, drawn=100_000, options={
    "train_points": 10_000, "points": 5000, "train_votes": 10_000, "votes": 5000})
PROTOCOLS = {p.name: p for p in (QUICK, STUDY)}


def protocol_of(name: str) -> Protocol:
    """A protocol by name.  Raises UnbraidError with the closest one."""
    if name not in PROTOCOLS:
        raise UnbraidError(f"there is no protocol {name!r}",
                           hint=closest(name, PROTOCOLS) or f"there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
