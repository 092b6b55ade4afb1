"""Errors of the azimuths that a model finds for images, and of the rotations along the edges of a graph of views."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.shapes.viewpoint_error import around, viewpoint_error

SYMMETRIC = 2                                      # how often a thing whose back looks like its front looks the same
FLIPPED = np.pi / 6                                # an edge is flipped if its error is this close to half a turn


@attrs.frozen(eq=False)
class AzimuthError:
    """Errors of azimuths after one rotation of all, in degrees.

    mean, median: of the errors.
    within: 15, 30 -> the share of images with at most that error.
    mirrored: the median if a mirror were forgiven, too; far below `median` where the sense of rotation is wrong.
    half_turn: the median if front and back were not told apart, chance is 45.
    half_turn_within: the shares for it.
    score: median, lower is better; chance is 90.
    """

    mean: float
    median: float
    within: dict[int, float]
    mirrored: float
    half_turn: float
    half_turn_within: dict[int, float]
    score: float = attrs.field(metadata={"better": "lower"})


@metric
def azimuth_error(viewpoints: np.ndarray, azimuths: np.ndarray) -> AzimuthError:
    """Error of the model's azimuths after one global rotation; a mirror is not forgiven (`viewpoint_error`).

    Viewpoints that are learned without labels have no zero, but real objects show their sense of rotation.

    viewpoints, azimuths: (N,) radians.
    """
    found = viewpoint_error(viewpoints, azimuths, reflect=False)
    half = viewpoint_error(viewpoints, azimuths, reflect=False, symmetry=SYMMETRIC)
    mirrored = viewpoint_error(viewpoints, azimuths)
    return AzimuthError(found.mean, found.median, found.within, mirrored.median, half.median, half.within, found.median)


@attrs.frozen
class EdgePrecision:
    """Precision of the edges of a graph of views.

    tree: the same of the edges of the spanning tree, of which a single wrong one moves a whole subtree.
    sign: the share of edges whose sense of rotation is right.
    flipped: the share of edges that are off by half a turn, as where front and back are taken for one view.
    score: the share of edges whose turn is within half a step of the true one.
    """

    tree: float
    sign: float
    flipped: float
    score: float


@metric(better="higher")
def edge_precision(view_graph: Mapping[str, np.ndarray], graph_azimuths: np.ndarray) -> EdgePrecision:
    """Share of edges whose small rotation is right within half a step.  The true one is that of the nodes' means.

    view_graph: members (N,), ends (E, 2), turns (E,) in radians, in_tree (E,), step in radians.
    graph_azimuths: (N,) radians, of the images that the graph was made of.

    Raises ValueError for a graph without edges.
    """
    members, (a, b), turns = view_graph["members"], view_graph["ends"].T, view_graph["turns"]
    if not len(turns):
        raise ValueError("the graph of views has no edges")
    across = np.bincount(members, np.sin(graph_azimuths))
    along = np.bincount(members, np.cos(graph_azimuths))
    truth = np.arctan2(across, along)
    true_turns = around(truth[b] - truth[a])
    errors = np.abs(around(turns - true_turns))
    right = errors <= 0.5 * float(view_graph["step"]) + 1e-6
    tree = right[view_graph["in_tree"]]
    same_sense = np.sign(turns) == np.sign(true_turns)
    return EdgePrecision(float(tree.mean()) if len(tree) else 0.0, float(same_sense.mean()),
                         float((np.pi - errors <= FLIPPED).mean()), float(right.mean()))
