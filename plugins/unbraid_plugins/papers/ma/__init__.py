"""Disentangled person image generation (Ma, Sun, Georgoulis, Van Gool, Schiele, Fritz, CVPR 2018).

The method is two recipes: `ma`, which takes images of persons apart into foreground, background and pose, and
`ma-sampling`, which learns to sample each of the three. This package has the paper's networks.
docs/methods/ma.md maps the equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.ma.appearance import BackgroundEncoder, PartEncoder, Stem
from unbraid_plugins.papers.ma.critic import Critic
from unbraid_plugins.papers.ma.generator import Generator
from unbraid_plugins.papers.ma.pose import Mapping, PoseDecoder, PoseEncoder


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks."""
    return [Stem, PartEncoder, BackgroundEncoder, Generator, Critic, PoseEncoder, PoseDecoder, Mapping]
