"""A plugin file of tests: a ball from a code."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import hookimpl, operation
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology

POINTS = torch.tensor([[1., 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
TOPOLOGY = Topology(torch.tensor([[4, 0, 2], [4, 2, 1], [4, 1, 3], [4, 3, 0], [5, 2, 0], [5, 1, 2], [5, 3, 1],
                                  [5, 0, 3]]))


@operation
def octahedron(lengths: Tensor) -> Mesh:
    """An octahedron whose corners are at the sigmoids of these lengths (B, 6).  Returns a Mesh."""
    points = POINTS.to(lengths.device) * lengths.sigmoid()[:, :, None]
    return Mesh(points, TOPOLOGY, points * 0.5 + 0.5)


@hookimpl
def unbraid_components() -> list[object]:
    return [octahedron]
