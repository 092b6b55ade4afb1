"""Views of things: the graph of the views of a category, as methods make it and tools show it."""

from __future__ import annotations

from torch import Tensor

from unbraid import static, value


@value
class ViewGraph:
    """A graph of views: images of about one view are a node, and an edge is a small rotation of the camera.

    images: (M, C, H, W) in [0, 1], an image of each node.
    azimuths: (M,) radians, of the nodes; they have no common zero with any other data.
    members: (N,) the node of every image of the training split, in order.
    ends: (E, 2), nodes a < b.
    turns: (E,) radians, the rotation from a to b; the camera goes round the thing to its right.
    affinities: (E,), how much the one looks like the other rotated; high is alike.
    in_tree: (E,) booleans, whether the edge belongs to the maximum spanning tree.
    step: radians between the small rotations.
    """

    images: Tensor
    azimuths: Tensor
    members: Tensor
    ends: Tensor
    turns: Tensor
    affinities: Tensor
    in_tree: Tensor
    step: float = static()
