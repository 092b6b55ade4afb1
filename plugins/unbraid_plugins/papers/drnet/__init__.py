"""DrNet: unsupervised learning of disentangled representations from video (Denton, Birodkar, NIPS 2017).

The method is the recipe `drnet`. Its encoders, its generator and its critic are of the shared families; this package
has the pairs that the critic looks at, and the predictor of poses. docs/methods/drnet.md maps the equations, README.md
lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.drnet.predictor import Lstm
from unbraid_plugins.papers.drnet.scenes import shuffle_half


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's pairs of poses and its predictor."""
    return [shuffle_half, Lstm]
