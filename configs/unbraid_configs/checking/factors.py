"""The sizes of a code's factors: `10`, `8 x 64`, `62 uniform`, `10 classes`, `3 binary`."""

from __future__ import annotations

import re

from unbraid_configs import Factor
from unbraid_configs.checking.invalid import wrong
from unbraid_configs.checking.wording import describe
from unbraid_configs.reading import Node
from unbraid_registry import closest

PATTERN = r"(?:(\d[\d_]{0,11})\s*[x×*]\s*)?(\d[\d_]{0,11})(?:\s+(\w+))?"
MOST, MOST_PARTS = 1_000_000, 10_000                # numbers and parts of a factor
PRIORS = ("normal", "uniform", "classes", "binary")


def structure_factor(name: str, node: Node) -> Factor:
    """Read a factor from its size."""
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise wrong(node, f"a factor has at least 1 number, got {value}")
        if value > MOST:
            raise wrong(node, f"a factor has at most {MOST:,} numbers, got {value}")
        return Factor(name=name, size=value)
    found = re.fullmatch(PATTERN, value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(node, f"expected the size of a factor, got {describe(node)}",
                    "write 64, 8 x 64 (eight parts of 64 numbers), 2 uniform, 10 classes, or 3 binary")
    count, size, prior = found[1], int(found[2]), found[3] or "normal"
    if prior not in PRIORS:
        near = "did you mean 'classes'?" if prior == "class" else closest(prior, PRIORS)
        raise wrong(node, f"no prior is called {prior!r}", near or f"there is {', '.join(PRIORS)}")
    if size < 1 or (count is not None and int(count) < 1):
        raise wrong(node, f"a factor has at least 1 number, got {describe(node)}")
    if int(count or 1) * size > MOST or int(count or 1) > MOST_PARTS:
        raise wrong(node, f"a factor has at most {MOST:,} numbers in {MOST_PARTS:,} parts, got {describe(node)}")
    return Factor(name=name, size=size, count=int(count) if count is not None else None,
                  prior=prior)                      # type: ignore[arg-type]


def write_factor(factor: Factor) -> str | int:
    """Return a factor's size as a recipe writes it."""
    if factor.count is None and factor.prior == "normal":
        return factor.size
    count = f"{factor.count} x " if factor.count is not None else ""
    return f"{count}{factor.size}{'' if factor.prior == 'normal' else f' {factor.prior}'}"


def part_names(factor: Factor) -> list[str]:
    """Return the names of a factor's parts: `chunk1` ... `chunk8`, or the factor's name."""
    if factor.count is None:
        return [factor.name]
    return [f"{factor.name}{number}" for number in range(1, factor.count + 1)]
