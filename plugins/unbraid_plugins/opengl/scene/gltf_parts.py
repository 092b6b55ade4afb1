"""The primitives of a .glb as objects: triangles of every mode, morph targets, skins, colours in linear light."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.creases import creases_of
from unbraid_plugins.opengl.scene.gltf_arrays import indices, numbers
from unbraid_plugins.opengl.scene.gltf_materials import Paint, paint_of
from unbraid_plugins.opengl.scene.gltf_scene import Placed, placed
from unbraid_plugins.opengl.scene.gltf_tree import Tree
from unbraid_plugins.opengl.scene.parts import Part, unless_white
from unbraid_plugins.opengl.scene.srgb import to_srgb

TRIANGLES, STRIP, FAN = 4, 5, 6
UBYTE, USHORT = 5121, 5123
SLACK = 0.01                                       # that colours may overshoot, by rounding or by a morph target
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")


def parts_of(tree: Tree, materials: bool) -> Iterator[Part]:
    """Yield the objects of a file, at their places in its scene.  Raises UnbraidError."""
    paints: dict[Any, Paint] = {}
    for where in placed(tree):
        mesh = tree.at("meshes", where.mesh, "a node")
        weights = mesh.get("weights", ()) if where.weights is None else where.weights
        for number, primitive in enumerate(mesh.get("primitives", [])):
            place = f"meshes[{where.mesh}].primitives[{number}]"
            faces = _faces(tree, primitive, place)
            if faces is None:
                continue
            key = primitive.get("material")
            if materials and key not in paints:
                paints[key] = paint_of(tree, key, place)
            yield _part(tree, primitive, faces, weights, where, paints[key] if materials else None, place)


def _part(tree: Tree, primitive: dict[str, Any], faces: np.ndarray, weights: Any, where: Placed, paint: Paint | None,
          place: str) -> Part:
    points = _attribute(tree, primitive, "POSITION", ("VEC3",), place, weights)
    assert points is not None
    if len(faces) and faces.max() >= len(points):
        raise UnbraidError(f"{place}: a face names the vertex {faces.max()}, and there are {len(points)}",
                           hint="they count from 0; the file is damaged")
    matrices = where.matrices if where.matrices.ndim == 2 else _blended(tree, primitive, where.matrices, place)
    points = np.einsum("...ij,...j->...i", matrices[..., :3, :3], points) + matrices[..., :3, 3]
    mirrored = np.linalg.det(matrices[..., :3, :3]) < 0
    turned = mirrored if matrices.ndim == 2 else mirrored[faces].sum(1, keepdims=True) > 1
    faces = np.where(turned, faces[:, ::-1], faces)                     # a mirror turns the faces' outsides in
    normals = _attribute(tree, primitive, "NORMAL", ("VEC3",), place, ())
    creases = None if normals is None else creases_of(points, normals)
    if paint is None:
        return Part(points, faces, creases=creases)
    linear = _attribute(tree, primitive, "COLOR_0", ("VEC3", "VEC4"), place, weights)
    colours = _colours(None if linear is None else _within(tree, linear, primitive, place), len(points), paint)
    if "COLOR_1" in primitive["attributes"]:
        tree.notes.append(f"{place}: COLOR_1 left out")
    laid = paint.base or paint.emission
    texture, emission = (None if m is None else m.picture for m in (paint.base, paint.emission))
    uv = None
    if laid is not None:
        uv = _attribute(tree, primitive, f"TEXCOORD_{laid.coordinates}", ("VEC2",), place, weights)
        if uv is None and laid.picture.min() == laid.picture.max():
            uv = np.full((len(points), 2), 0.5)    # one colour everywhere
        if uv is None:
            tree.notes.append(f"{place} has no TEXCOORD_{laid.coordinates}, and is drawn without its texture")
            texture = emission = None
        else:
            uv = uv @ laid.transform[:, :2].T + laid.transform[:, 2]
            if not np.isfinite(uv[faces]).all():
                raise UnbraidError(f"{place}: some texture coordinates are not finite", hint="the file is damaged")
            uv = np.stack([uv[:, 0], 1 - uv[:, 1]], 1)
    return Part(points, faces, colours, uv, texture, creases, emission=emission,
                looks=(paint.look,))


def _within(tree: Tree, linear: np.ndarray, primitive: dict[str, Any], place: str) -> np.ndarray:
    """Return colours of vertices in [0, 1].  Raises UnbraidError for others.

    Whole numbers that the file forgot to call normalized are read by the range of their type.
    """
    most, accessor = linear.max(initial=0), tree.at("accessors", primitive["attributes"]["COLOR_0"], place)
    if most > 1 and accessor.get("componentType") in (UBYTE, USHORT) and not accessor.get("normalized"):
        tree.notes.append(f"{place}.COLOR_0 is not normalized, and is read as if it were")
        return linear / (255 if accessor["componentType"] == UBYTE else 65535)
    if not (linear >= -SLACK).all() or most > 1 + SLACK:
        raise UnbraidError(f"{place}.COLOR_0 goes from {linear.min():g} to {most:g}", hint="expected numbers in [0, 1]")
    return linear


def _colours(linear: np.ndarray | None, count: int, paint: Paint) -> np.ndarray | None:
    """Return the colours of vertices times the material's factor, with an opacity where the material uses it."""
    whole = np.ones((count, 4))
    if linear is not None:
        whole[:, :linear.shape[1]] = linear.clip(0, 1)
    whole = whole * paint.factor
    painted = np.concatenate([to_srgb(whole[:, :3]), whole[:, 3:]], 1)
    return unless_white(painted if paint.look.mode != "opaque" else painted[:, :3])


def _attribute(tree: Tree, primitive: dict[str, Any], name: str, kinds: tuple[str, ...], place: str,
               weights: Any) -> np.ndarray | None:
    """Return an attribute of the vertices, with the morph targets in it, or None."""
    attributes = primitive["attributes"]
    if name not in attributes:
        return None
    found = numbers(tree, attributes[name], f"{place}.{name}", kinds)
    first = tree.at("accessors", attributes["POSITION"], place).get("count")
    if len(found) != first:
        raise UnbraidError(f"{place}: {len(found)} of {name} for {first} of POSITION", hint="the file is damaged")
    for weight, target in zip(weights, primitive.get("targets", ()), strict=False):
        if name in target and weight:
            moved = numbers(tree, target[name], f"{place}, a morph target", kinds)
            if moved.shape != found.shape:
                raise UnbraidError(f"{place}: a morph target of {len(moved)} vertices", hint="the file is damaged")
            found = found + float(weight) * moved
    return found


def _blended(tree: Tree, primitive: dict[str, Any], joints: np.ndarray, place: str) -> np.ndarray:
    """Return the matrices of a skin's vertices, (V, 4, 4): the mean of its joints', by weight."""
    total, weight = np.zeros((1, 4, 4)), np.zeros((1, 1))
    for k in range(len(primitive["attributes"])):
        names = _attribute(tree, primitive, f"JOINTS_{k}", ("VEC4",), place, ())
        shares = _attribute(tree, primitive, f"WEIGHTS_{k}", ("VEC4",), place, ())
        if names is None or shares is None:
            break
        if names.max(initial=0) >= len(joints):
            raise UnbraidError(f"{place} names joint {names.max():.0f} of {len(joints)}", hint="the file is damaged")
        total = total + np.einsum("vk,vkij->vij", shares, joints[names.astype(np.int64)])
        weight = weight + shares.sum(1, keepdims=True)
    if len(total) == 1 or (weight <= 0).any():
        raise UnbraidError(f"{place} has a skin, and vertices without weights", hint="export it without its skeleton")
    return total / weight[..., None]


def _faces(tree: Tree, primitive: dict[str, Any], place: str) -> np.ndarray | None:
    """Return the triangles of a primitive, (F, 3), None where it has points or lines."""
    mode, attributes = primitive.get("mode", TRIANGLES), primitive.get("attributes", {})
    if mode in (0, 1, 2, 3):
        tree.notes.append(f"{place} has points or lines, which are left out")
        return None
    if mode not in (TRIANGLES, STRIP, FAN):
        raise UnbraidError(f"{place}.mode is {mode!r:.20}", hint="expected a whole number from 0 to 6")
    packed = [name for name in COMPRESSED if name in primitive.get("extensions", {})]
    names = [attributes.get("POSITION"), primitive.get("indices")]
    if packed and any(i is not None and "bufferView" not in tree.at("accessors", i, place) for i in names):
        raise UnbraidError(f"{place} is compressed by the extension {packed[0]}, which is not read here",
                           hint="export it without compression")
    if "POSITION" not in attributes:
        tree.notes.append(f"{place} has no POSITION, and is left out")
        return None
    if "indices" in primitive:
        order = indices(tree, primitive["indices"], f"{place}.indices")
    else:
        count = tree.at("accessors", attributes["POSITION"], place).get("count")
        order = np.arange(count if type(count) is int else 0)
    if mode == TRIANGLES:
        if len(order) % 3:
            raise UnbraidError(f"{place} has {len(order)} corners", hint="triangles have three each; it is damaged")
        return order.reshape(-1, 3)
    steps = np.arange(max(len(order) - 2, 0))
    if mode == FAN:
        return order[np.stack([steps * 0, steps + 1, steps + 2], 1)]
    odd = steps % 2
    strip: np.ndarray = order[np.stack([steps, steps + 1 + odd, steps + 2 - odd], 1)]
    return strip
