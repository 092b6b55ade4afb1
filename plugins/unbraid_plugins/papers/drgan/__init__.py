"""DR-GAN: disentangled representation learning GAN for pose-invariant face recognition (Tran, Yin, Liu, CVPR 2017), and
its extension, representation learning by rotating your faces (PAMI 2018).

The method is the recipe `drgan`, and `drgan-sets` for several images of a person. This package has the paper's networks
and the fusion of a set. docs/methods/drgan.md maps the equations, README.md lists the
differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.drgan.fusion import fuse, up_to, with_fused
from unbraid_plugins.papers.drgan.networks import Critic, Encoder, Generator
from unbraid_plugins.papers.drgan.poses import frontal


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks and operations."""
    return [Encoder, Generator, Critic, fuse, with_fused, up_to, frontal]
