"""Sizes that a .glb declares, counted before its arrays are made: a few bytes can ask for gigabytes."""

from __future__ import annotations

from typing import Any

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.gltf_arrays import PARTS

MOST_NUMBERS = 2 ** 26                             # in all accessors, and in all instances of all meshes
MOST_INSTANCES = 2 ** 14                           # meshes at their places in the scene


def expect_bounds(tree: dict[str, Any], size: int) -> None:
    """Refuse a .glb whose accessors have more numbers than its data, or instances without end.

    tree: its JSON; size: bytes of the file.

    Raises UnbraidError, ValueError.
    """
    sizes = []
    for number, accessor in enumerate(_maps(tree, "accessors")):
        count = accessor.get("count")
        if type(count) is not int or count < 0:
            raise UnbraidError(f"accessors[{number}].count is {count!r:.40}", hint="the file is damaged")
        sizes.append(count * PARTS.get(str(accessor.get("type")), 16))
    if sum(sizes) > min(MOST_NUMBERS, 16 * size):
        raise UnbraidError(f"its arrays claim {sum(sizes):,} numbers", hint="the file is damaged, or too large to draw")
    own = [sum(sizes[i] for p in _maps(mesh, "primitives") for i in _used(p) if 0 <= i < len(sizes))
           for mesh in _maps(tree, "meshes")]
    meshes, numbers = _instances(_maps(tree, "nodes"), own)
    if meshes > MOST_INSTANCES or numbers > MOST_NUMBERS:
        raise UnbraidError(f"its scene has {meshes:,} meshes with {numbers:,} numbers in all",
                           hint=f"at most {MOST_INSTANCES:,} meshes with {MOST_NUMBERS:,} numbers are drawn; join them")


def _maps(tree: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = tree.get(key, [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{key} is no list of objects")
    return found


def _used(primitive: dict[str, Any]) -> list[int]:
    attributes = primitive.get("attributes")
    named = [*(attributes.values() if isinstance(attributes, dict) else ()), primitive.get("indices")]
    return [i for i in named if type(i) is int]


def _instances(nodes: list[dict[str, Any]], own: list[int]) -> tuple[int, int]:
    """Return the number of meshes in the scene, and of all of their numbers; a node counts at each of its places.

    Raises ValueError where nodes go round in a circle.
    """
    totals: dict[int, tuple[int, int]] = {}
    for start in range(len(nodes)):
        waiting = [(start, False)]
        open_: set[int] = set()
        while waiting:
            i, left = waiting.pop()
            node = nodes[i]
            children = node.get("children", [])
            children = children if isinstance(children, list) else []
            below = [c for c in children if type(c) is int and 0 <= c < len(nodes)]
            if left:
                mesh = node.get("mesh")
                faces = own[mesh] if type(mesh) is int and 0 <= mesh < len(own) else None
                totals[i] = (sum((totals[c][0] for c in below), int(faces is not None)),
                             sum((totals[c][1] for c in below), faces or 0))
                open_.discard(i)
            elif i in open_:
                raise ValueError("its nodes go round in a circle")
            elif i not in totals:
                open_.add(i)
                waiting += [(i, True), *((c, False) for c in below)]
    whole = set(range(len(nodes))) - {c for node in nodes for c in node.get("children", ()) if type(c) is int}
    roots = whole or set(range(len(nodes)))
    return sum(totals[i][0] for i in roots), sum(totals[i][1] for i in roots)
