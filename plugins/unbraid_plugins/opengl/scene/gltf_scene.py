"""The scene of a .glb: which meshes stand where, by the nodes' transforms, instances and skins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.gltf_arrays import numbers
from unbraid_plugins.opengl.scene.gltf_tree import Tree


@attrs.frozen(eq=False)
class Placed:
    """A mesh at a place of the scene.

    mesh: its index.
    matrices: (4, 4) float64, or those of a skin's joints, (J, 4, 4).
    weights: of its morph targets, or None for the mesh's own.
    """

    mesh: Any
    matrices: np.ndarray
    weights: Any = None


def placed(tree: Tree) -> Iterator[Placed]:
    """Yield the meshes of the scene that the file opens with.  Raises UnbraidError."""
    nodes = tree.root.get("nodes", [])
    worlds: dict[int, np.ndarray] = {}
    roots = _roots(tree)
    waiting = [(root, np.eye(4)) for root in reversed(roots)]
    order, hidden = [], 0
    while waiting:
        index, above = waiting.pop()
        node = tree.at("nodes", index, "the scene")
        if node.get("extensions", {}).get("KHR_node_visibility", {}).get("visible", True) is False:
            hidden += 1
            continue
        world = above @ _local(node, f"nodes[{index}]")
        worlds[index] = world
        order.append((index, world))
        waiting += [(child, world) for child in reversed(node.get("children", []))]
    if hidden:
        tree.notes.append(f"{hidden:,} nodes are hidden, and are left out with all below them")
    if tree.root.get("animations"):
        tree.notes.append("animations are left out: the scene stands still")
    for index, world in order:
        node = nodes[index]
        if "mesh" not in node:
            continue
        if "skin" in node:
            yield Placed(node["mesh"], _joints(tree, node["skin"], worlds), node.get("weights"))
            continue
        for local in _instances(tree, node, f"nodes[{index}]"):
            yield Placed(node["mesh"], world @ local, node.get("weights"))


def _roots(tree: Tree) -> list[Any]:
    scenes = tree.root.get("scenes", [])
    if not scenes:
        below = {c for node in tree.root.get("nodes", []) for c in node.get("children", [])}
        return [i for i in range(len(tree.root.get("nodes", []))) if i not in below]
    chosen = tree.root.get("scene", 0)
    if len(scenes) > 1:
        tree.notes.append(f"of its {len(scenes)} scenes the one that it opens with is read, scenes[{chosen}]")
    return list(tree.at("scenes", chosen, "the file").get("nodes", []))


def _local(node: dict[str, Any], place: str) -> np.ndarray:
    if "matrix" in node:
        return _floats(node["matrix"], 16, f"{place}.matrix").reshape(4, 4).T
    moved = _floats(node.get("translation", (0, 0, 0)), 3, f"{place}.translation")
    turned = _floats(node.get("rotation", (0, 0, 0, 1)), 4, f"{place}.rotation")
    scaled = _floats(node.get("scale", (1, 1, 1)), 3, f"{place}.scale")
    return _matrices(moved[None], turned[None], scaled[None])[0]


def _matrices(moved: np.ndarray, turned: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """Return matrices (N, 4, 4) of translations (N, 3), quaternions x y z w (N, 4) and scales (N, 3)."""
    x, y, z, w = (turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-30)).T
    rotation = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                         [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                         [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]]).transpose(2, 0, 1)
    whole = np.tile(np.eye(4), (len(moved), 1, 1))
    whole[:, :3, :3] = rotation * scaled[:, None]
    whole[:, :3, 3] = moved
    return whole


def _instances(tree: Tree, node: dict[str, Any], place: str) -> np.ndarray:
    """Return where a node's mesh stands, relative to the node, (N, 4, 4)."""
    extension = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
    if extension is None:
        return np.eye(4)[None]
    here = f"{place}, EXT_mesh_gpu_instancing"
    found = {name: numbers(tree, index, here, (kind,)) for name, kind in
             (("TRANSLATION", "VEC3"), ("ROTATION", "VEC4"), ("SCALE", "VEC3"))
             if (index := extension.get("attributes", {}).get(name)) is not None}
    counts = {len(a) for a in found.values()}
    if len(counts) != 1:
        raise UnbraidError(f"{here}: attributes of {sorted(counts)} instances", hint="the file is damaged")
    ones = np.ones((counts.pop(), 1))
    return _matrices(found.get("TRANSLATION", ones * [0.0, 0, 0]), found.get("ROTATION", ones * [0.0, 0, 0, 1]),
                     found.get("SCALE", ones * [1.0, 1, 1]))


def _joints(tree: Tree, index: Any, worlds: dict[int, np.ndarray]) -> np.ndarray:
    """Return the matrices of a skin's joints as the file poses them, (J, 4, 4)."""
    skin = tree.at("skins", index, "a node")
    joints = skin.get("joints", [])
    if missing := [j for j in joints if j not in worlds]:
        raise UnbraidError(f"skins[{index}] has the joint nodes[{missing[0]}], which is not in the scene",
                           hint="export the mesh without its skeleton")
    world = np.stack([worlds[j] for j in joints])
    if "inverseBindMatrices" not in skin:
        return world
    bind = numbers(tree, skin["inverseBindMatrices"], f"skins[{index}]", ("MAT4",)).reshape(-1, 4, 4)
    if len(bind) < len(world):
        raise UnbraidError(f"skins[{index}] has {len(world)} joints and {len(bind)} matrices", hint="it is damaged")
    posed: np.ndarray = world @ bind[:len(world)].transpose(0, 2, 1)
    return posed


def _floats(values: Any, count: int, place: str) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise UnbraidError(f"{place} is {values!r:.60}", hint=f"expected {count} finite numbers")
    return array
