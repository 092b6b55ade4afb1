"""Disentangling factors of variation by mixing them (Hu, Szabó, Portenier, Favaro, Zwicker, CVPR 2018).

The method is the recipe `mixing`. This package has the paper's networks and its mask. docs/methods/mixing.md maps the
equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.mixing.chunk_classifier import ChunkClassifier
from unbraid_plugins.papers.mixing.mask import random_mask
from unbraid_plugins.papers.mixing.networks import Critic, Encoder, Generator


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks and operations."""
    return [Encoder, Generator, Critic, ChunkClassifier, random_mask]
