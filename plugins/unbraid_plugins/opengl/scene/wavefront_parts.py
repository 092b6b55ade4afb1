"""The polygons of a Wavefront .obj as objects, one for each material, and one for its faces without texture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.corners import part_of
from unbraid_plugins.opengl.scene.parts import Look, Part, unless_white
from unbraid_plugins.opengl.scene.wavefront import Polygons, polygons_of
from unbraid_plugins.opengl.scene.wavefront_materials import Material, materials_of


def parts_of(data: bytes, beside: Callable[[str], bytes], notes: list[str], materials: bool) -> Iterator[Part]:
    """Yield the objects of an .obj.  Raises UnbraidError."""
    found = polygons_of(data, notes)
    normals, creases = _edges(found)
    if not materials or not len(found.sizes):
        yield part_of(found.points, found.corners[:, 0], found.sizes, notes, normals=normals, creases=creases)
        return
    used = [found.names[i] for i in np.unique(found.material) if i >= 0]
    known = materials_of(used, found.libraries, beside, notes) if used else {}
    textured = np.array([known[name].mapped if name in known else False for name in found.names] + [False])
    starts = np.cumsum(found.sizes) - found.sizes
    mapped = np.minimum.reduceat(found.corners[:, 1], starts) >= 0 if (found.sizes > 0).all() else np.array(
        [bool(n) and bool((found.corners[s:s + n, 1] >= 0).all()) for s, n in zip(starts, found.sizes, strict=True)])
    bare = textured[found.material] & ~mapped
    if bare.any():
        notes.append(f"{int(bare.sum()):,} of {int(textured[found.material].sum()):,} faces with a texture have no "
                     "texture coordinates, and are drawn without")
    kinds = np.stack([found.material, textured[found.material] & mapped], 1)
    for material, painted in np.unique(kinds, axis=0):
        mine = (kinds == (material, painted)).all(1)
        at = mine.repeat(found.sizes)
        look = known[found.names[material]] if material >= 0 else Material(np.ones(3))
        if not painted:
            look = _without_pictures(look)
        uv = found.uv[found.corners[at, 1]] * look.options.scale + look.options.offset if painted else None
        if uv is None and look.emission is not None:
            uv = np.full((int(at.sum()), 2), 0.5)
        if uv is not None and not np.isfinite(uv).all():
            raise UnbraidError("some texture coordinates are not finite numbers", hint="the file is damaged")
        colours = np.ones((len(found.points), 3)) if found.colours is None else found.colours
        colours = np.concatenate([colours, np.ones_like(colours[:, :1])], 1)[:, :len(look.colour)] * look.colour
        yield part_of(found.points, found.corners[at, 0], found.sizes[mine], notes, colours=unless_white(colours),
                      uv=uv, texture=look.texture, emission=look.emission, look=Look(look.wrap, look.mode),
                      normals=None if normals is None else normals[at],
                      creases=None if creases is None else creases[at])


def _without_pictures(look: Material) -> Material:
    """Return a material for faces without texture coordinates."""
    emission = None if look.emission is None or look.emission.shape[1:] != (2, 2) else look.emission
    return Material(look.colour if look.texture is None else np.ones(3), None, emission)


def _edges(found: Polygons) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the corners' normals (C, 3) where all have one, or else their smoothing groups (C,), or nothing."""
    if len(found.corners) and (found.corners[:, 2] >= 0).all():
        return found.normals[found.corners[:, 2]], None
    if (found.smoothing == found.smoothing[:1]).all() and (found.smoothing != 0).all():
        return None, None
    alone = -2 - np.arange(len(found.sizes))       # without smoothing every face has its own normals
    return None, np.where(found.smoothing == 0, alone, found.smoothing).repeat(found.sizes)
