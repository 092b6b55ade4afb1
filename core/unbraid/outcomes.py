"""What a step did: its numbers, and how every turn ended."""

from __future__ import annotations

import attrs
from torch import Tensor

from unbraid import distributed

MOVED, STAYED, SHUT = "moved", "stayed", "shut"    # how a turn ended: updated; loss not finite; gate closed


@attrs.define(eq=False)
class Report:
    """What a step did.  values: every loss ('player/term') and watched value; outcomes: how each turn ended."""

    step: int
    values: dict[str, Tensor] = attrs.Factory(dict)
    outcomes: list[tuple[str, str]] = attrs.Factory(list)
    not_finite: list[str] = attrs.Factory(list)

    def numbers(self) -> dict[str, float]:
        """The values as numbers, their means over the ranks."""
        return distributed.means({name: float(v) for name, v in self.values.items()})
