"""Building the view graph of a category by exploiting image realism (Szabó, Vedaldi, Favaro, 3dRR at ICCV 2015).

The method is the recipe `view-graph`: nothing is trained, a graph is fitted. docs/methods/view-graph.md maps the
equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.view_graph.graph import Graph
from unbraid_plugins.papers.view_graph.hog import Hog
from unbraid_plugins.papers.view_graph.interventions import edges, nearest_view, turn
from unbraid_plugins.papers.view_graph.realism import NearestRealism


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the graph, its descriptor, its realism as a critic, and the functions of a fitted graph."""
    return [Graph, Hog, NearestRealism, turn, nearest_view, edges]
