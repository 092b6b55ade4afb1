"""Readers of mesh files: Wavefront .obj with its textures, .ply, .glb and .gltf, .stl, .off, each compressed or not.

Reading is inert: these formats alone, files of the mesh's own folder alone and of one that the caller names, no
network, no other program. What a file says is read, refused with its place, or left out with a warning; nothing is lost
in silence.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch

from unbraid import UnbraidError, read_whole
from unbraid_plugins.opengl.scene import gltf_parts, off_files, ply_files, stl_files, wavefront_parts
from unbraid_plugins.opengl.scene.beside import Beside
from unbraid_plugins.opengl.scene.compressed import expanded
from unbraid_plugins.opengl.scene.creases import places_of
from unbraid_plugins.opengl.scene.doubles import without_doubles
from unbraid_plugins.opengl.scene.glb_limits import expect_bounds
from unbraid_plugins.opengl.scene.gltf_tree import tree_of
from unbraid_plugins.opengl.scene.materials import Materials
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_writing import write_mesh as write_mesh
from unbraid_plugins.opengl.scene.normals import Normals, with_normals
from unbraid_plugins.opengl.scene.parts import Part, joined
from unbraid_plugins.opengl.scene.topology import Topology

READERS = {"obj": wavefront_parts.parts_of, "ply": ply_files.parts_of, "stl": stl_files.parts_of,
           "off": off_files.parts_of}
FORMATS = (".obj", ".ply", ".glb", ".gltf", ".stl", ".off")
LARGEST = 2**30                                    # bytes of a file
MOST = 2**24                                       # faces: images that number them have 24 bits and more
FAR = 1000                                         # sizes of the mesh from its middle to 0: float32 has 7 digits


def read_mesh(file: Path | str, *, materials: bool = True, normals: Normals = "file",
              textures: Path | str | None = None) -> Mesh:
    """Read a mesh from an .obj, .ply, .glb, .gltf, .stl or .off file, or one compressed by gzip, as a batch of 1.

    Several objects become one, and polygons become triangles. Without colours of vertices, vertices at one place become
    one, except at creases; with a texture, `topology.texture_faces` tells their texture coordinates apart. Colours and
    textures are sRGB in [0, 1]. A base colour without a texture becomes the vertices' colour. Several textures lie on
    one page, by `topology.materials`. Normals are computed from the shape, with creases where the file's normals or its
    smoothing groups have them, and in an .stl beyond 30 degrees. Vertices of a mesh that is small and far from 0, as on
    a map, count from its middle, `Mesh.origin`.

    materials: False leaves out colours and textures, so that no other file but a .gltf's buffers is read.
    normals: `file`, `smooth`, `flat`, or the largest angle in degrees between faces that share a normal.
    textures: one more folder where the textures may be that the file names.

    One warning names everything that is left out.  Raises UnbraidError where the file is missing, broken, too large or
    no mesh, where it requires an extension that is not read here, and where its material or its texture is missing or
    lies outside of its folder.
    """
    file = Path(file).expanduser()
    kind = _format_of(file)
    data = expanded(_bytes_of(file), file, LARGEST)
    notes: list[str] = []
    try:
        beside = Beside(file.parent, LARGEST, None if textures is None else Path(textures).expanduser(), notes)
        whole = joined(_parts(kind, data, beside, materials, notes))
        if not len(whole.faces):
            raise UnbraidError(f"no faces{_listed(notes)}", hint="a mesh has triangles; this may be a cloud of points")
        chosen = stl_files.CREASE if kind == "stl" and normals == "file" else normals
        whole = with_normals(without_doubles(whole, notes), chosen)
        mesh = _mesh(whole, _origin(whole, notes))
    except UnbraidError as error:
        raise UnbraidError(f"{file}: {error.message}", hint=error.hint) from error.__cause__
    except Exception as error:                     # by numpy, for numbers of kinds that nobody expects there
        reason = " ".join(str(error).split())[:120]
        raise UnbraidError(f"{file} can't be read as .{kind}: {type(error).__name__}{': ' if reason else ''}{reason}",
                           hint="is it whole, and in this format?") from error
    if notes:
        warnings.warn(f"{file}{_listed(notes)}", stacklevel=2)
    return mesh


def _listed(notes: list[str]) -> str:
    several = list(dict.fromkeys(notes))
    more = f"; and {len(several) - 5} more" if len(several) > 5 else ""
    return f": {'; '.join(several[:5])}{more}" if several else ""


def _origin(whole: Part, notes: list[str]) -> np.ndarray:
    """Return the place that vertices count from: 0, or a mesh's middle where 32 bits don't hold its shape beside 0."""
    used = whole.vertices[whole.faces]
    low, high = used.min((0, 1)), used.max((0, 1))
    middle = low / 2 + high / 2
    if np.abs(middle).max() <= FAR * (high - low).max():
        return np.zeros(3)
    middle = np.where(np.abs(middle) > FAR * (high - low).max(), middle, 0)
    notes.append(f"it is far from 0, so that its coordinates count from ({', '.join(f'{m:.10g}' for m in middle)})")
    return middle


# -- reading ----------------------------------------------------------------------------------------------------------


def is_mesh(file: Path) -> bool:
    """Return whether a file's name ends as that of a mesh that is read here."""
    return _suffix(file) in FORMATS


def _suffix(file: Path) -> str:
    name = file.name.lower()
    return Path(name.removesuffix(".gz")).suffix


def _format_of(file: Path) -> str:
    suffix = _suffix(file)
    if suffix not in FORMATS:
        raise UnbraidError(f"{file}: no mesh format {suffix}" if suffix else f"{file}: no suffix",
                           hint=f"expected {', '.join(FORMATS)}, or one of them with .gz behind it")
    return suffix[1:]


def _bytes_of(file: Path) -> bytes:
    try:
        data = read_whole(file, LARGEST)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise UnbraidError(f"no mesh at {file}" if missing else f"can't read {file}: {error.strerror}",
                           hint="" if missing else f"expected a file that ends in {', '.join(FORMATS)}") from None
    if not data:
        raise UnbraidError(f"{file} is empty")
    return data


def _parts(kind: str, data: bytes, beside: Beside, materials: bool, notes: list[str]) -> list[Part]:
    """Return the objects of a file, at their places in its scene.  Raises UnbraidError."""
    if kind in ("glb", "gltf"):
        tree = tree_of(data, beside, notes, materials)
        expect_bounds(tree.root, len(data) + tree.load(LARGEST))
        parts = list(gltf_parts.parts_of(tree, materials))
    else:
        parts = list(READERS[kind](data, beside, notes, materials))
    for part in parts:
        _check(part.vertices, part.faces)
    return parts


def _check(vertices: np.ndarray, faces: np.ndarray) -> None:
    if len(faces) > MOST:
        raise UnbraidError(f"{len(faces):,} faces", hint=f"at most {MOST:,} can be drawn")
    if not (np.abs(vertices[faces]) < 1e30).all():
        raise UnbraidError("some vertices are not finite numbers", hint="expected three coordinates below 1e30 each")


def _mesh(whole: Part, origin: np.ndarray) -> Mesh:
    """Return the arrays as a mesh of tensors; without colours, vertices at one place become one, except at creases."""
    corners = faces = whole.faces
    vertices, creases = (whole.vertices - origin).astype(np.float32), whole.creases
    if whole.colours is None:
        keys = vertices if creases is None else np.concatenate([vertices, creases[:, None]], 1, dtype=np.float64)
        _, first, place = np.unique(places_of(keys), return_index=True, return_inverse=True)
        order = np.sort(first)
        vertices, faces = vertices[order], np.searchsorted(order, first[place.ravel()])[faces]
        creases = None if creases is None else creases[order]
    many = {name: torch.from_numpy(np.ascontiguousarray(a, np.float32))[None]
            for name in ("colours", "uv", "texture", "emission") if (a := getattr(whole, name)) is not None}
    split = whole.mapped and whole.colours is None
    places = torch.from_numpy(np.ascontiguousarray(vertices))
    topology = Topology.of(torch.from_numpy(faces.astype(np.int64)), places,
                           torch.from_numpy(corners.astype(np.int64)) if split else None,
                           None if creases is None else torch.from_numpy(creases.astype(np.int64)), _materials(whole))
    return Mesh(places[None], topology, origin=tuple(origin.tolist()), **many)


def _materials(whole: Part) -> Materials | None:
    """Return the materials of the faces, None where they are one opaque, interpolated picture that doesn't repeat."""
    looks = whole.looks
    if len({look.box for look in looks}) == 1 and all(
            look.mode == "opaque" and look.wrap == ("clamp", "clamp") and not look.nearest for look in looks):
        return None
    return Materials.several(torch.from_numpy(whole.look), [look.box for look in looks], [look.wrap for look in looks],
                             [look.mode for look in looks], [look.cutoff for look in looks],
                             [look.nearest for look in looks])
