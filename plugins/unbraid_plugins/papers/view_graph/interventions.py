"""Functions of a fitted view graph: images turned a little, views at an angle, the graph itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unbraid import UnbraidError, operation
from unbraid_plugins.papers.view_graph.rotations import Descriptor
from unbraid_plugins.shared.views import ViewGraph

SMALL = 60                                         # degrees; beyond, a plane shows little of an object


@operation
def turn(graph: Any, x: Tensor, features: Descriptor, angle: Any) -> Tensor:
    """The hallucinated small rotation of images:  W_{h,r} x  by the plane h that makes it look most real.

    graph: the fitted network.
    x: (B, C, H, W) in [0, 1].
    features: the network that describes images.
    angle: radians, a number or (B,); the camera goes round the object to its right.

    Returns (B, C, H, W).  Raises UnbraidError for more than 60 degrees.
    """
    angles = _angles(angle, x)
    if float(angles.abs().max()) > torch.tensor(SMALL).deg2rad():
        raise UnbraidError(f"a plane is turned by {SMALL} degrees at most; this is {angles.abs().max().rad2deg():.0f}",
                           hint="angles are in radians; for larger ones ask for the nearest view")
    return graph.turned(x, features, angles)


@operation
def nearest_view(graph: Any, looks: Tensor, angle: Any) -> Tensor:
    """The image of the source whose view is nearest to one an angle further than that of an image.

    graph: the fitted network.
    looks: the image's descriptors (B, ...).
    angle: radians, a number or (B,), any.

    Returns (B, C, H, W) in [0, 1].  Raises UnbraidError before the fit.
    """
    if not len(graph.looks):
        raise UnbraidError("the view graph is not fitted yet, and knows no views")
    return graph.nearest(looks, _angles(angle, looks))


@operation
def edges(graph: Any) -> ViewGraph:
    """The fitted view graph as a record: nodes with their azimuths, and edges with their small rotations."""
    return graph.record()


def _angles(angle: Any, like: Tensor) -> Tensor:
    """Return angles in radians, (B,).  Raises UnbraidError for another number of them, or one that is not finite."""
    angles = torch.as_tensor(angle, dtype=torch.float32, device=like.device).reshape(-1)
    if len(angles) not in (1, len(like)) or not bool(angles.isfinite().all()):
        raise UnbraidError(f"{len(angles)} angles for {len(like)} images, or some not finite",
                           hint="give one finite angle in radians, or one for each image")
    return angles.expand(len(like))
