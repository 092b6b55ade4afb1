"""Accessors of a .glb as arrays: component types, normalized numbers, strides, sparse values."""

from __future__ import annotations

from typing import Any

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.gltf_tree import Tree

TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
PARTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
NO_LENGTH = "the file is damaged"


def numbers(tree: Tree, index: Any, place: str, kinds: tuple[str, ...]) -> np.ndarray:
    """Return an accessor's numbers as float64 (N, parts), normalized ones in [0, 1] or [-1, 1].  Raises UnbraidError.

    kinds: the types that may stand there, such as VEC2.
    """
    raw, scale = _raw(tree, index, place, kinds)
    values = raw.astype(np.float64) * scale
    return values if scale == 1 or raw.dtype.kind == "u" else np.maximum(values, -1)


def indices(tree: Tree, index: Any, place: str) -> np.ndarray:
    """Return an accessor of whole numbers, (N,) int64.  Raises UnbraidError."""
    raw, scale = _raw(tree, index, place, ("SCALAR",))
    if raw.dtype.kind != "u" or scale != 1:
        raise UnbraidError(f"{place}: accessors[{index}] holds {raw.dtype.name}", hint="indices are unsigned integers")
    return raw[:, 0].astype(np.int64)


def _raw(tree: Tree, index: Any, place: str, kinds: tuple[str, ...]) -> tuple[np.ndarray, float]:
    accessor = tree.at("accessors", index, place)
    here = f"accessors[{index}]"
    if accessor.get("type") not in kinds:
        raise UnbraidError(f"{place}: {here} is {accessor.get('type')!r:.20}", hint=f"expected {' or '.join(kinds)}")
    dtype = _dtype(accessor.get("componentType"), here)
    count, parts = accessor.get("count"), PARTS[accessor["type"]]
    if type(count) is not int or count < 0:
        raise UnbraidError(f"{here}.count is {count!r:.40}", hint=NO_LENGTH)
    if accessor.get("bufferView") is None:
        values = np.zeros((count, parts), dtype)
    else:
        values = _viewed(tree, accessor["bufferView"], accessor.get("byteOffset", 0), (count, parts), dtype, here)
    if (sparse := accessor.get("sparse")) is not None:
        values = _with_sparse(tree, sparse, values, here)
    whole = dtype.kind in "iu"
    return values, 1 / np.iinfo(dtype).max if whole and accessor.get("normalized") is True else 1


def _viewed(tree: Tree, view: Any, offset: Any, shape: tuple[int, int], dtype: np.dtype, place: str) -> np.ndarray:
    content, stride = tree.view(view, place)
    width = shape[1] * dtype.itemsize
    step = stride or width
    if type(offset) is not int or offset < 0 or step < width:
        raise UnbraidError(f"{place}: offset {offset!r:.20}, stride {step} for {width} bytes", hint=NO_LENGTH)
    need = offset + step * (shape[0] - 1) + width if shape[0] else 0
    if need > len(content):
        raise UnbraidError(f"{place} needs {need:,} bytes, and bufferViews[{view}] has {len(content):,}",
                           hint="the file is cut off, or damaged")
    if not shape[0]:
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, content, offset, (step, dtype.itemsize)).copy()


def _with_sparse(tree: Tree, sparse: Any, values: np.ndarray, place: str) -> np.ndarray:
    here = f"{place}.sparse"
    count, where, new = (sparse.get(k) for k in ("count", "indices", "values"))
    if type(count) is not int or not 0 <= count <= len(values) or not isinstance(where, dict) or (
            not isinstance(new, dict)):
        raise UnbraidError(f"{here} has no count, indices and values", hint=NO_LENGTH)
    rows = _viewed(tree, where.get("bufferView"), where.get("byteOffset", 0), (count, 1),
                   _dtype(where.get("componentType"), here), here)[:, 0].astype(np.int64)
    if count and not 0 <= rows.min() <= rows.max() < len(values):
        raise UnbraidError(f"{here} replaces number {rows.max()} of {len(values)}", hint=NO_LENGTH)
    values[rows] = _viewed(tree, new.get("bufferView"), new.get("byteOffset", 0), (count, values.shape[1]),
                           values.dtype, here)
    return values


def _dtype(component: Any, place: str) -> np.dtype:
    if component not in TYPES:
        raise UnbraidError(f"{place}: component type {component!r:.20}", hint=f"expected {', '.join(map(str, TYPES))}")
    return np.dtype(TYPES[component])
