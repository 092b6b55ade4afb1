"""View graphs of models, and their files: pictures, JSON, GraphML."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from unbraid.model import Model
from unbraid.runs import write_whole
from unbraid_plugins.shared.views import ViewGraph
from unbraid_registry import UnbraidError

FORMAT = 1
SUFFIXES = (".png", ".svg", ".json", ".graphml")
SPACE = "http://graphml.graphdrawing.org/xmlns"
TYPES = {float: "double", int: "long", bool: "boolean", str: "string"}


class GraphError(UnbraidError):
    """A view graph that is not there, or can't be written."""


def graph_of(model: Model) -> ViewGraph | None:
    """Return the fitted view graph that the model's function `edges()` gives; None where it has none."""
    found = model("edges") if model.functions.get("edges") == () else None
    return found if isinstance(found, ViewGraph) and len(found.azimuths) else None


def write_graph(graph: ViewGraph, path: Path) -> Path:
    """Write a view graph as .png, .svg, .json or .graphml, whole or not at all, and return the path.

    Raises GraphError for another suffix.
    """
    path = Path(path).expanduser()
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise GraphError(f"can't write a graph as {path.name!r}", hint=f"end its name with {', '.join(SUFFIXES)}")
    if suffix in (".png", ".svg"):
        from unbraid_plugins.tools.view_graphs.picture import draw_graph

        return draw_graph(graph, path)
    text = json.dumps(as_tree(graph), indent=1) + "\n" if suffix == ".json" else as_graphml(graph)
    return write_whole(path, text, error=GraphError, hint="or choose another place")


def as_tree(graph: ViewGraph) -> dict[str, Any]:
    """Return the graph as plain dicts, lists and numbers; angles are in degrees."""
    images: list[list[int]] = [[] for _ in graph.azimuths]
    for image, node in enumerate(graph.members.tolist()):
        images[node].append(image)
    azimuths = graph.azimuths.rad2deg().tolist()
    turns, affinities, in_tree = graph.turns.rad2deg().tolist(), graph.affinities.tolist(), graph.in_tree.tolist()
    return {
        "format": FORMAT, "step": round(math.degrees(graph.step), 4),
        "nodes": [{"node": i, "azimuth": round(a, 4), "images": own}
                  for i, (a, own) in enumerate(zip(azimuths, images, strict=True))],
        "edges": [{"from": a, "to": b, "turn": round(t, 4), "affinity": round(f, 6), "in_tree": tree}
                  for (a, b), t, f, tree in zip(graph.ends.tolist(), turns, affinities, in_tree, strict=True)]}


def as_graphml(graph: ViewGraph) -> str:
    """Return the graph as GraphML (Brandes et al. 2002), an undirected graph; a node's images are a text of numbers.

    The turn of an edge leads from its source to its target.
    """
    tree = as_tree(graph)
    ElementTree.register_namespace("", SPACE)
    root = ElementTree.Element(f"{{{SPACE}}}graphml")
    kinds: dict[str, dict[str, type]] = {"node": {"azimuth": float, "images": str},
             "edge": {"turn": float, "affinity": float, "in_tree": bool}}
    for what, fields in kinds.items():
        for name, kind in fields.items():
            ElementTree.SubElement(root, f"{{{SPACE}}}key", {"id": name, "for": what, "attr.name": name,
                                                            "attr.type": TYPES[kind]})
    body = ElementTree.SubElement(root, f"{{{SPACE}}}graph", {"id": "views", "edgedefault": "undirected"})
    for node in tree["nodes"]:
        place = ElementTree.SubElement(body, f"{{{SPACE}}}node", {"id": f"n{node['node']}"})
        _data(place, "azimuth", node["azimuth"])
        _data(place, "images", " ".join(map(str, node["images"])))
    for edge in tree["edges"]:
        ends = {"source": f"n{edge['from']}", "target": f"n{edge['to']}"}
        line = ElementTree.SubElement(body, f"{{{SPACE}}}edge", ends)
        for name in kinds["edge"]:
            _data(line, name, edge[name])
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _data(parent: ElementTree.Element, key: str, v: Any) -> None:
    text = str(v).lower() if isinstance(v, bool) else str(v)
    ElementTree.SubElement(parent, f"{{{SPACE}}}data", {"key": key}).text = text
