"""Unsupervised image-to-image translation networks (Liu, Breuel, Kautz, UNIT, NIPS 2017).

The method is the recipes `unit` and `unit-adaptation`. This package has the networks of each, in pieces: separate ones
for each of the two domains (front, back, look) and shared ones (inner, outer, critic). A recipe shares a piece by
calling it for both domains. docs/methods/unit.md maps the equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.unit.adaptation import DigitBack, DigitCritic, DigitFront, DigitInner, DigitLook, DigitOuter
from unbraid_plugins.papers.unit.translation import Back, Critic, Front, Inner, Look, Outer


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks for translation and for the adaptation of digits."""
    return [Front, Inner, Outer, Back, Look, Critic,
            DigitFront, DigitInner, DigitOuter, DigitBack, DigitLook, DigitCritic]
