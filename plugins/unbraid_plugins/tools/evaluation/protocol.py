"""Protocols: the numbers of images of an evaluation, for a quick look or for a study."""

from __future__ import annotations

from typing import Any

import attrs

from unbraid_registry import UnbraidError, closest


@attrs.frozen(kw_only=True)
class Protocol:
    """The largest numbers of images and rows that an evaluation uses.

    images: images to judge one by one, and other images to fit probes on.
    measured: rows of the table for metrics that fit nothing.
    train, test: rows of the table to fit on, and to judge on.
    drawn: rows that groups are drawn from; by default the rows that are encoded anyway.
    resamples: samples of the bootstrap.
    work: the largest size (rows times columns) of a costly fit; unlimited by default.
    options: values for options of metrics, by the name of the option.
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
    """Return a protocol by name.  Raises UnbraidError with the closest name."""
    if name not in PROTOCOLS:
        raise UnbraidError(f"there is no protocol {name!r}",
                           hint=closest(name, PROTOCOLS) or f"there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
