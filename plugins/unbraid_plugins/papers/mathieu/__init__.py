"""Disentangling factors of variation in deep representations using adversarial training (Mathieu, Zhao, Sprechmann,
Ramesh, LeCun, NIPS 2016).

The method is the recipe `mathieu`. This package has the paper's networks. docs/methods/mathieu.md maps the equations,
README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.mathieu.networks import Critic, Encoder, Generator


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks."""
    return [Encoder, Generator, Critic]
