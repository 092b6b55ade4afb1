"""Readers and writers of mesh files: Wavefront .obj with its texture, .ply, and .glb, by trimesh.

Reading is inert: these three formats alone, files of the mesh's own folder alone, no network, no other program.
"""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from unbraid import UnbraidError, read_whole, write_whole
from unbraid_plugins.opengl.scene.glb_limits import expect_bounds
from unbraid_plugins.opengl.scene.materials import Part, faulty_picture, joined, look_of, picture_of
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.wavefront import INSTEAD, chosen_materials, expect_corners, materials_of, plain

if TYPE_CHECKING:
    import trimesh

FORMATS = (".obj", ".ply", ".glb")
LARGEST = 2**30                                    # bytes of a file
MOST = 2**24                                       # faces: images that number them have 24 bits and more
MATERIALS = "<materials>"                          # stands for the materials that an .obj uses, from any of its files

logging.getLogger("trimesh").addHandler(logging.NullHandler())     # warnings that matter are errors here


def read_mesh(file: Path | str, *, materials: bool = True) -> Mesh:
    """Read a mesh from an .obj, .ply or .glb file, as a batch of 1.

    Several objects become one, and polygons become triangles. Without colours of vertices, vertices at one place become
    one; with a texture, `topology.texture_faces` tells their texture coordinates apart. Colours are the file's own
    numbers in [0, 1]. A base colour without a texture becomes the vertices' colour. Normals are left to the renderer.

    materials: False leaves out colours and textures, so that no other file is read.

    Raises UnbraidError where the file is missing, broken, too large or no mesh, and where its material or its texture
    is missing or lies outside of its folder.
    """
    file = Path(file).expanduser()
    kind = _format_of(file)
    data = _bytes_of(file)
    try:
        vertices, faces, colours, uv, texture = joined(_parts(file, kind, data, materials))
        if not len(faces):
            raise UnbraidError("no faces", hint="a mesh has triangles; this may be a cloud of points")
        return _mesh(vertices, faces, colours, uv, texture)
    except UnbraidError as error:
        raise UnbraidError(f"{file}: {error.message}", hint=error.hint) from error.__cause__
    except Exception as error:                     # by trimesh, numpy or Pillow, for bytes that they did not expect
        told = " ".join(str(error).split())[:120]
        raise UnbraidError(f"{file} can't be read as .{kind}: {type(error).__name__}{': ' if told else ''}{told}",
                           hint="is it whole, and in this format?") from error


def write_mesh(file: Path | str, mesh: Mesh, index: int = 0) -> Path:
    """Write one mesh of a batch as .obj (with .mtl and .png beside it), .ply or .glb; every file whole or not at all.

    Colours and textures become 8 bits a channel; .ply has no texture.  Raises UnbraidError.
    """
    import trimesh

    file = Path(file).expanduser()
    kind = _format_of(file)
    if not 0 <= index < len(mesh.vertices):
        raise UnbraidError(f"there is no mesh {index} in a batch of {len(mesh.vertices)}", hint="they count from 0")
    if mesh.texture is not None and mesh.colours is not None:
        raise UnbraidError(f"{file}: the mesh has both colours and a texture, of which a file keeps one",
                           hint="multiply the texture by the colours, or leave one out")
    if mesh.texture is not None and kind == "ply":
        raise UnbraidError(f"{file}: a .ply file has no texture", hint="write an .obj or a .glb")
    vertices, faces = _numbers(mesh.vertices, index), mesh.topology.faces.cpu().numpy()
    name = re.sub(r"\s+", "_", file.stem)
    visual: Any = None
    if mesh.texture is not None and mesh.uv is not None:
        split = mesh.topology.texture_faces
        corners = faces if split is None else split.cpu().numpy()
        pairs, faces = np.unique(np.stack([faces.ravel(), corners.ravel()], 1), axis=0, return_inverse=True)
        faces = faces.reshape(-1, 3)
        vertices, uv = vertices[pairs[:, 0]], _numbers(mesh.uv, index)[pairs[:, 1]]
        visual = trimesh.visual.TextureVisuals(uv=uv, material=_material(kind, name, mesh.texture, index))
    elif mesh.colours is not None:
        visual = trimesh.visual.ColorVisuals(vertex_colors=_eight_bits(_numbers(mesh.colours, index)))
    solid = trimesh.Trimesh(vertices, faces, visual=visual, process=False)
    for other, content in _files(solid, kind, file.name, f"{name}.mtl").items():
        write_whole(file.with_name(other), content, error=UnbraidError, hint="")
    return file


# -- reading ----------------------------------------------------------------------------------------------------------


def _format_of(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        raise UnbraidError(f"{file}: no mesh format {suffix}" if suffix else f"{file}: no suffix",
                           hint=f"expected {', '.join(FORMATS)}")
    return suffix[1:]


def _bytes_of(file: Path) -> bytes:
    try:
        data = read_whole(file, LARGEST)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise UnbraidError(f"no mesh at {file}" if missing else f"can't read {file}: {error.strerror}",
                           hint="" if missing else "expected an .obj, .ply or .glb file") from None
    if not data:
        raise UnbraidError(f"{file} is empty")
    return data


def _parts(file: Path, kind: str, data: bytes, materials: bool) -> list[Part]:
    """Return the objects of a file, at their places in its scene.  Raises UnbraidError."""
    import trimesh

    beside = _resolver(file)
    if kind == "glb":
        expect_bounds(data)
    if kind == "obj":
        data = plain(data)
        if materials:
            beside.materials = _materials_beside(data, beside)
    scene = _scene(data, kind, beside, materials)
    _expect_nothing_lost(beside)
    if materials:
        _expect_textures(scene, kind, data, beside)
    solids = [g for g in scene.dump() if isinstance(g, trimesh.Trimesh) and len(g.faces)]
    for solid in solids:
        _check(np.asarray(solid.vertices), np.asarray(solid.faces))
    return [look_of(solid, materials) for solid in solids]


def _scene(data: bytes, kind: str, beside: Any, materials: bool) -> Any:
    """Load a file's scene by trimesh.  Raises UnbraidError where a face names a vertex that is not there."""
    import trimesh

    own = f"mtllib {MATERIALS}\n".encode() if kind == "obj" else b""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*unmatched data.*")             # numpy's, for text that is no number
        try:
            return trimesh.exchange.load.load_scene(BytesIO(own + data), file_type=kind, resolver=beside,
                                                    process=False, skip_materials=not materials)
        except IndexError:
            if kind == "obj":
                expect_corners(data)
            raise


def _materials_beside(data: bytes, beside: Any) -> bytes:
    """Return the materials that an .obj uses, from the files that it names.  Raises UnbraidError."""
    names, files = materials_of(data)
    libraries = {}
    for file in files:
        with suppress(FileNotFoundError):
            libraries[file] = beside.get(file)
    _expect_nothing_lost(beside)
    beside.given.clear()
    return chosen_materials(libraries, names)


def _expect_nothing_lost(beside: Any) -> None:
    for name, why in beside.lost.items():
        raise UnbraidError(f"{name!r}, which it names, {why}", hint=f"put it into the mesh's folder, or {INSTEAD}")


def _expect_textures(scene: Any, kind: str, data: bytes, beside: Any) -> None:
    """Raise UnbraidError where trimesh silently left out a picture that it can't open, or texture coordinates."""
    textured = [g for g in scene.geometry.values() if picture_of(g) is not None]
    if kind == "obj" and b"\nvt " in data and any(g.visual.uv is None for g in textured):
        expect_corners(data)
    pictures = [picture_of(g) for g in textured]
    faults = [fault for fault in map(faulty_picture, pictures) if fault]
    if kind == "obj":
        unopened = not beside.given <= {p.info.get("file_path") for p in pictures}
    else:
        unopened = not pictures and (beside.given or (kind == "glb" and b'"baseColorTexture"' in data))
    if faults or unopened:
        raise UnbraidError(f"its texture is {faults[0] if faults else 'no picture'}", hint="expected a PNG or JPEG")


def _check(vertices: np.ndarray, faces: np.ndarray) -> None:
    if len(faces) > MOST:
        raise UnbraidError(f"{len(faces):,} faces", hint=f"at most {MOST:,} can be drawn")
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise UnbraidError(f"faces of shape {faces.shape}", hint="a face has at least three corners")
    if int(faces.min()) < 0 or int(faces.max()) >= len(vertices):
        raise UnbraidError(f"a face names a vertex that is not among its {len(vertices)}")
    if vertices.shape[1:] != (3,) or not (np.abs(vertices[faces]) < 1e30).all():
        raise UnbraidError("some vertices are not finite numbers", hint="expected three coordinates below 1e30 each")


def _resolver(file: Path) -> Any:
    """Return a resolver of files of the mesh's own folder, which records the files that it did not find."""
    from trimesh.resolvers import FilePathResolver

    class Beside(FilePathResolver):
        """A resolver of files of one folder."""

        materials: bytes
        lost: dict[str, str]
        given: set[str]

        def get(self, name: str) -> bytes:
            """Return the content of a file in the folder or below, by its name alone if need be."""
            if name == MATERIALS:
                return self.materials
            asked, name = name, name.strip().replace("\\", "/")
            for candidate in (name, name.rsplit("/", 1)[-1]):
                with suppress(ValueError):
                    path = self.absolute(candidate)
                    if path.is_file():
                        self.given.add(asked)
                        return read_whole(path, LARGEST)
            try:
                self.absolute(name)
                self.lost[name] = "is not there"
            except ValueError:
                self.lost[name] = "lies outside of its folder"
            raise FileNotFoundError(name)

    beside = Beside(str(file))
    beside.materials, beside.lost, beside.given = b"", {}, set()
    return beside


def _mesh(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray | None, uv: np.ndarray | None,
          texture: np.ndarray | None) -> Mesh:
    """Return the arrays as a mesh of tensors; without colours, vertices at one place become one."""
    corners = faces
    vertices = vertices.astype(np.float32)
    if colours is None:
        _, first, place = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
        order = np.sort(first)
        vertices, faces = vertices[order], np.searchsorted(order, first[place.ravel()])[faces]
    many = {name: torch.from_numpy(np.ascontiguousarray(a, np.float32))[None]
            for name, a in (("colours", colours), ("uv", uv), ("texture", texture)) if a is not None}
    split = texture is not None and colours is None
    return Mesh.of(torch.from_numpy(np.ascontiguousarray(vertices))[None], torch.from_numpy(faces.astype(np.int64)),
                   texture_faces=torch.from_numpy(corners.astype(np.int64)) if split else None, **many)


# -- writing ----------------------------------------------------------------------------------------------------------


def _files(solid: Any, kind: str, name: str, materials: str) -> dict[str, bytes]:
    """Return the mesh as contents of files by name, the one that names the others last."""
    if kind != "obj":
        return {name: solid.export(file_type=kind, **({"include_attributes": False} if kind == "ply" else {}))}
    text, beside = solid.export(file_type="obj", return_texture=True, digits=9, mtl_name=materials, header=None,
                                include_normals=False)
    return {**beside, name: text.encode()}


def _numbers(t: Tensor, index: int) -> np.ndarray:
    """Return one item of a batch, or the one that all share."""
    return t.detach()[index if len(t) > 1 else 0].float().cpu().numpy()


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Return numbers (..., 1 or 3) in [0, 1] as bytes (..., 3)."""
    rounded = (np.nan_to_num(values).clip(0, 1) * 255).round().astype(np.uint8)
    return np.broadcast_to(rounded, (*rounded.shape[:-1], 3)) if rounded.shape[-1] == 1 else rounded[..., :3]


def _material(kind: str, name: str, texture: Tensor, index: int) -> trimesh.visual.material.Material:
    from PIL import Image
    from trimesh.visual.material import PBRMaterial, SimpleMaterial

    picture = Image.fromarray(np.ascontiguousarray(_eight_bits(_numbers(texture, index).transpose(1, 2, 0))))
    if kind == "glb":
        return PBRMaterial(name=name, baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=1.0)
    return SimpleMaterial(name=name, image=picture, diffuse=[255, 255, 255, 255])
