"""Challenges in disentangling independent factors of variation (Szabó, Hu, Portenier, Zwicker, Favaro, 2017).

The method is the recipe `challenges`. This package has the paper's networks. docs/methods/challenges.md maps the
equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.challenges.networks import Encoder, Generator, PairCritic


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks."""
    return [Encoder, Generator, PairCritic]
