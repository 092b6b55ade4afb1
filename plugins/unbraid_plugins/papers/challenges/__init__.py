"""Challenges in disentangling independent factors of variation (Szabó, Hu, Portenier, Zwicker, Favaro, 2017).

The game itself is the recipe `challenges`; here are the paper's networks. README.md maps the equations.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.challenges.networks import Encoder, Generator, PairCritic


@hookimpl
def unbraid_components() -> list[Any]:
    """The paper's networks."""
    return [Encoder, Generator, PairCritic]
