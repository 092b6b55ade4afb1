"""Writers of mesh files: Wavefront .obj with its .mtl and textures, .ply, and .glb."""

from __future__ import annotations

import warnings
from pathlib import Path

import attrs
import numpy as np

from unbraid import UnbraidError, write_whole
from unbraid_plugins.opengl.scene import wavefront_writer
from unbraid_plugins.opengl.scene.gltf_writer import packed
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.pieces import Piece, Shape, pieces_of, shape_of

WRITTEN = (".obj", ".ply", ".glb")


def write_mesh(file: Path | str, mesh: Mesh, index: int = 0) -> Path:
    """Write one mesh of a batch as .obj (with .mtl and .png beside it), .ply or .glb; every file whole or not at all.

    Materials stay apart: textures, plain colours, and in a .glb transparency and emission. Pictures have 8 bits a
    channel. Files beside the named one replace only those that were written for it before; `written` tells their names.

    A warning tells what the format can't hold.  Raises UnbraidError.
    """
    return written(file, mesh, index)[0]


def written(file: Path | str, mesh: Mesh, index: int = 0) -> list[Path]:
    """Write like `write_mesh`, and return all files that were written, the named one first."""
    file = Path(file).expanduser()
    kind = file.suffix.lower()
    if kind not in WRITTEN:
        raise UnbraidError(f"{file}: no mesh format {kind} that is written" if kind else f"{file}: no suffix",
                           hint=f"expected {', '.join(WRITTEN)}")
    if not 0 <= index < len(mesh.vertices):
        raise UnbraidError(f"there is no mesh {index} in a batch of {len(mesh.vertices)}", hint="they count from 0")
    if mesh.texture is not None and kind == ".ply":
        raise UnbraidError(f"{file}: a .ply file has no texture", hint="write an .obj or a .glb")
    shape, pieces, notes = shape_of(mesh, index), pieces_of(mesh, index), []
    if kind == ".glb":
        files = {file.name: packed(shape, pieces, mesh.origin)}
    elif kind == ".obj":
        notes += _not_in_an_obj(shape, pieces)
        places = shape.places.astype(np.float64) + mesh.origin
        files = wavefront_writer.files_of(file, attrs.evolve(shape, places=places), pieces)
    else:
        if any(mesh.origin):
            notes.append(f"coordinates count from {mesh.origin}: a .ply is written with 32 bits")
        if mesh.emission is not None or (shape.colours is not None and shape.colours.shape[1] == 4):
            notes.append("a .ply file has no emission and no materials: both are left out")
        files = {file.name: _ply(shape, mesh.topology.faces.cpu().numpy())}
    for name, content in files.items():
        write_whole(file.with_name(name), content, error=UnbraidError, hint="")
    if notes:
        warnings.warn(f"{file}: {'; '.join(notes)}", stacklevel=3)
    return [file, *(file.with_name(name) for name in files if name != file.name)]


def _not_in_an_obj(shape: Shape, pieces: list[Piece]) -> list[str]:
    """Return in words what an .obj can't hold of a mesh."""
    notes = []
    if any(p.beyond(shape.uv) and set(p.wrap) != {"repeat"} for p in pieces):
        notes.append("textures in an .obj repeat, where these end or are mirrored: write a .glb")
    if any(p.nearest and p.picture is not None for p in pieces):
        notes.append("texels that are not interpolated: write a .glb")
    if shape.colours is not None and any(p.picture is not None for p in pieces):
        notes.append("colours of vertices beside a texture, which many programs ignore: write a .glb, or multiply them")
    if shape.colours is not None and shape.colours.shape[1] == 4 and (shape.colours[:, 3] < 1).any():
        notes.append("the opacity of vertices is left out: write a .glb")
    return notes


def _ply(shape: Shape, faces: np.ndarray) -> bytes:
    """Return a binary .ply with colours of 8 bits, and with normals where there are creases."""
    columns = [("xyz", shape.places.astype("<f4"), "float")]
    if shape.normals is not None:
        columns.append(("nx ny nz", shape.normals.astype("<f4"), "float"))
    if shape.colours is not None:
        columns.append(("red green blue", (shape.colours[:, :3] * 255).round().astype("u1"), "uchar"))
    head = ["ply", "format binary_little_endian 1.0", "comment unbraid", f"element vertex {len(shape.places)}"]
    for names, _, kind in columns:
        head += [f"property {kind} {name}" for name in (names.split() if " " in names else names)]
    rows = np.empty(len(shape.places), [(names, values.dtype, values.shape[1:]) for names, values, _ in columns])
    for names, values, _ in columns:
        rows[names] = values
    corners = np.empty(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    corners["count"], corners["corners"] = 3, faces
    head += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(head).encode() + rows.tobytes() + corners.tobytes()
