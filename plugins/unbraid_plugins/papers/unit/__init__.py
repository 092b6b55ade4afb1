"""Unsupervised image-to-image translation networks (Liu, Breuel, Kautz, UNIT, NIPS 2017).

The games are the recipes `unit` and `unit-adaptation`; here are the networks of each, in the pieces that two domains
have for themselves (front, back, look) and the ones that they share (inner, outer, critic): a recipe shares a piece by
calling it for both. README.md maps the equations.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.unit.adaptation import DigitBack, DigitCritic, DigitFront, DigitInner, DigitLook, DigitOuter
from unbraid_plugins.papers.unit.translation import Back, Critic, Front, Inner, Look, Outer


@hookimpl
def unbraid_components() -> list[Any]:
    """The paper's networks for translation and for the adaptation of digits."""
    return [Front, Inner, Outer, Back, Look, Critic,
            DigitFront, DigitInner, DigitOuter, DigitBack, DigitLook, DigitCritic]
