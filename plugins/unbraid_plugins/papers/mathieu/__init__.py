"""Disentangling factors of variation in deep representations using adversarial training (Mathieu, Zhao, Zhao, Ramesh,
Sprechmann, LeCun, NIPS 2016).

The game itself is the recipe `mathieu`; here are the paper's networks. README.md maps the equations.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.mathieu.networks import Critic, Encoder, Generator


@hookimpl
def unbraid_components() -> list[Any]:
    """The paper's networks."""
    return [Encoder, Generator, Critic]
