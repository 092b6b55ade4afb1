"""More formats of meshes: .gltf, .stl, .off, files of gzip, and textures in another folder."""

from __future__ import annotations

import gzip
import json
import struct
import warnings
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from glb_maker import Glb
from PIL import Image

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene import compressed, mesh_files
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh
from unbraid_plugins.opengl.shading.draw import draw

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
BOX = trimesh.creation.box()
BALL = trimesh.creation.icosphere(subdivisions=2)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def quarters(mesh: Mesh) -> list[tuple[int, ...]]:
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (16, 16), backend="torch").colour[0]
    return [tuple((image[:, r, c] * 255).round().int().tolist()) for r in (4, 12) for c in (4, 12)]


def picture() -> Image.Image:
    return Image.fromarray(np.array([[RED, GREEN], [BLUE, YELLOW]], np.uint8).repeat(4, 0).repeat(4, 1))


def area(mesh: Mesh) -> float:
    a, b, c = mesh.vertices[0][mesh.faces].unbind(1)
    return (b - a).cross(c - a, dim=1).norm(dim=1).sum().item() / 2


# -- .gltf ------------------------------------------------------------------------------------------------------------


def gltf(folder: Path, uri: str | None = "a%20buffer.bin") -> dict:
    """A square with a picture, as .gltf with a buffer beside it, or within it."""
    raw = Glb().textured(picture()).write(folder / "whole.glb").read_bytes()
    size = struct.unpack_from("<I", raw, 12)[0]
    tree, binary = json.loads(raw[20:20 + size]), raw[28 + size:]
    if uri is None:
        uri = "data:application/octet-stream;base64," + b64encode(binary).decode()
    else:
        (folder / "a buffer.bin").write_bytes(binary)
    tree["buffers"] = [{"byteLength": len(binary), "uri": uri}]
    (folder / "a.gltf").write_text(json.dumps(tree))
    (folder / "whole.glb").unlink()
    return tree


@pytest.mark.parametrize("uri", ["a%20buffer.bin", "./a buffer.bin", None])
def test_a_gltf_with_its_buffers(tmp_path, uri):
    gltf(tmp_path, uri)
    assert quarters(read_mesh(tmp_path / "a.gltf")) == [RED, GREEN, BLUE, YELLOW]
    assert read_mesh(tmp_path / "a.gltf", materials=False).texture is None


def test_buffers_stay_in_their_folder(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    tree = gltf(inner)
    (inner / "a buffer.bin").rename(tmp_path / "a buffer.bin")
    with pytest.raises(UnbraidError, match=r"'a buffer\.bin', which it names, is not there"):
        read_mesh(inner / "a.gltf")
    tree["buffers"][0]["uri"] = "../a%20buffer.bin"
    (inner / "a.gltf").write_text(json.dumps(tree))
    with pytest.raises(UnbraidError, match="lies outside of its folder"):
        read_mesh(inner / "a.gltf")
    tree["buffers"][0]["uri"] = "link.bin"
    (inner / "a.gltf").write_text(json.dumps(tree))
    (inner / "link.bin").symlink_to(tmp_path / "a buffer.bin")
    with pytest.raises(UnbraidError, match="lies outside of its folder"):
        read_mesh(inner / "a.gltf")
    (inner / "link.bin").unlink()
    (inner / "real.bin").write_bytes((tmp_path / "a buffer.bin").read_bytes())
    (inner / "link.bin").symlink_to("real.bin")    # a link within the folder
    assert quarters(read_mesh(inner / "a.gltf")) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize(("change", "told"), [
    ({"buffers": [{"byteLength": 4}]}, r"buffers\[0\], which has no data"),
    ({"buffers": [{"byteLength": 4, "uri": "data:,abc"}]}, "which has 3"),
    ({"buffers": [{"byteLength": 4, "uri": "data:;base64,@"}]}, "no base64"),
    ({"accessors": [{"count": 2**40, "type": "VEC3", "componentType": 5126}]}, "its arrays claim")])
def test_a_gltf_is_refused_by_its_place(tmp_path, change, told):
    tree = gltf(tmp_path)
    (tmp_path / "a.gltf").write_text(json.dumps({**tree, **change}))
    with pytest.raises(UnbraidError, match=told):
        read_mesh(tmp_path / "a.gltf")
    (tmp_path / "a.gltf").write_text(json.dumps(tree)[:-9])
    with pytest.raises(UnbraidError, match="its text is no JSON"):
        read_mesh(tmp_path / "a.gltf")


# -- .stl -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_an_stl_of_both_forms(tmp_path, kind):
    for solid in (BOX, BALL):
        content = solid.export(file_type=kind)
        (tmp_path / "a.stl").write_bytes(content.encode() if isinstance(content, str) else content)
        mesh = read_mesh(tmp_path / "a.stl")
        assert len(mesh.faces) == len(solid.faces)
        assert mesh.vertices.shape[1] >= len(solid.vertices)
        assert area(mesh) == pytest.approx(solid.area, rel=1e-4)
        creased = len(mesh.normals()[0].round(decimals=3).unique(dim=0))
        assert creased == (6 if solid is BOX else len(solid.vertices))     # beyond 30 degrees an edge is hard
    assert len(read_mesh(tmp_path / "a.stl", normals="flat").normals()[0].round(decimals=3).unique(dim=0)) > 200


def test_a_binary_stl_may_begin_with_solid(tmp_path):
    content = BOX.export(file_type="stl")
    (tmp_path / "a.stl").write_bytes(b"solid of a program".ljust(80) + content[80:])
    assert len(read_mesh(tmp_path / "a.stl").faces) == 12


def test_several_solids_and_words_in_capitals(tmp_path):
    facet = "  FACET NORMAL 0 0 1\r\n OUTER LOOP\r\n  VERTEX {0} 0 0\r\n  VERTEX 1e0 {0} 0\r\n  vertex 0 1 0\r\n" \
            " ENDLOOP\r\n ENDFACET\r\n"
    (tmp_path / "a.stl").write_text(f"solid vertex one\r\n{facet.format(0)}endsolid vertex one\r\n"
                                    f"SOLID\r\n{facet.format(5)}ENDSOLID\r\n\r\n")
    assert len(read_mesh(tmp_path / "a.stl").faces) == 2


@pytest.mark.parametrize(("change", "told"), [
    (lambda b, t: b[:-1], "declares 12 triangles, and there are 11"), (lambda b, t: b[:60], "it has 60 bytes"),
    (lambda b, t: t[:-20], "no line endsolid"), (lambda b, t: t.replace(b"vertex", b"corner", 1), "no statement"),
    (lambda b, t: t.replace(b"vertex 0.5", b"vertex a.5", 1), "no corner"),
    (lambda b, t: b"solid\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nendloop\nendfacet\nendsolid", "of 1 corners"),
    (lambda b, t: b"solid a\nendsolid a\n", "no faces"), (lambda b, t: b[:80] + bytes(4), "no faces"),
    (lambda b, t: b[:84] + struct.pack("<3f", *[np.nan] * 3) * 4 + b[132:], "not finite")])
def test_an_stl_that_is_damaged(tmp_path, change, told):
    (tmp_path / "a.stl").write_bytes(change(BOX.export(file_type="stl"), BOX.export(file_type="stl_ascii").encode()))
    with pytest.raises(UnbraidError, match=told):
        read_mesh(tmp_path / "a.stl")


def test_colours_of_an_stl_are_told(tmp_path):
    content = bytearray(BOX.export(file_type="stl"))
    content[84 + 48] = 31
    (tmp_path / "a.stl").write_bytes(content + b"more")
    with pytest.warns(UserWarning, match=r"4 bytes after its last triangle.*numbers of its triangles are left out"):
        read_mesh(tmp_path / "a.stl")


# -- .off -------------------------------------------------------------------------------------------------------------

CORNERS = "-1 -1 0\n1 -1 0\n1 1 0\n-1 1 0\n"


@pytest.mark.parametrize("head", ["OFF\n4 1 0\n", "OFF 4 1 0\n", "OFF4 1 0\n", "# made by\n\nOFF # here\n4 1 0\n",
                                  "4 1 0\n", "OFF\r\n4 1\r\n"])
def test_heads_of_an_off(tmp_path, head):
    (tmp_path / "a.off").write_text(f"{head}{CORNERS}4 0 1 2 3 # a square\n")
    mesh = read_mesh(tmp_path / "a.off")
    assert area(mesh) == pytest.approx(4)
    assert mesh.colours is None


def test_trimesh_reads_the_same_off(tmp_path):
    (tmp_path / "a.off").write_text(BALL.export(file_type="off"))
    mesh, theirs = read_mesh(tmp_path / "a.off"), trimesh.load(tmp_path / "a.off")
    assert len(mesh.faces) == len(theirs.faces)
    assert area(mesh) == pytest.approx(theirs.area, rel=1e-5)


@pytest.mark.parametrize(("head", "colours", "faces", "expected"), [
    ("COFF", [" 255 0 0 255"] * 4, "4 0 1 2 3", RED), ("COFF", [" 0.0 0.5 1.0 1.0"] * 4, "4 0 1 2 3", (0, 128, 255)),
    ("OFF", [" 0 0 255"] * 4, "4 0 1 2 3", BLUE), ("OFF", [""] * 4, "4 0 1 2 3 0 255 0", GREEN),
    ("OFF", [""] * 4, "4 0 1 2 3 1.0 1.0 0.0 1.0", YELLOW), ("NOFF", [" 0 0 1"] * 4, "4 0 1 2 3 1.0 0 0", RED),
    ("CNOFF", [" 0 0 1 255 0 0 255"] * 4, "4 0 1 2 3", RED)])
def test_colours_of_an_off(tmp_path, head, colours, faces, expected):
    rows = "".join(f"{corner}{colour}\n" for corner, colour in zip(CORNERS.splitlines(), colours, strict=True))
    (tmp_path / "a.off").write_text(f"{head}\n4 1 0\n{rows}{faces}\n")
    assert quarters(read_mesh(tmp_path / "a.off")) == [expected] * 4
    assert read_mesh(tmp_path / "a.off", materials=False).colours is None


@pytest.mark.parametrize(("text", "told"), [
    ("OFF\n4 2 0\n" + CORNERS + "4 0 1 2 3\n", "declares 4 vertices and 2 faces, and there are 5 lines"),
    ("OFF\n4 1 0\n" + CORNERS + "4 0 1 2 4\n", "line 7: a face names the vertex 4"),
    ("OFF\n4 1 0\n" + CORNERS + "4 0 1 2\n", "line 7, '4 0 1 2': no face"),
    ("OFF\n4 1 0\n" + CORNERS + "x\n", "no face"), ("OFF\nfour\n", "where the numbers of vertices"),
    ("OFF BINARY\n", "binary .off"), ("4OFF\n4 1 0\n", "other dimensions"),
    ("OFF\n4 1 0\n1 2\n" + CORNERS, "2 numbers"),
    ("OFF\n4 1 0\n" + CORNERS.replace("-1", "a", 1) + "4 0 1 2 3\n", "line 3, 'a -1 0': no number"),
    ("OFF\n4 1 0\n" + CORNERS + "4 0 1 2 3 300 0 0\n", r"line 7: some colours are not in \[0, 255\]"),
    ("solid\n", "where the numbers")])
def test_an_off_that_is_damaged(tmp_path, text, told):
    (tmp_path / "a.off").write_text(text)
    with pytest.raises(UnbraidError, match=told):
        read_mesh(tmp_path / "a.off")


# -- gzip -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.obj", "a.ply", "a.glb"])
def test_files_of_gzip(tmp_path, name):
    mesh = Mesh.of(torch.tensor([[[-1.0, -1, 0], [1, -1, 0], [0, 1, 0]]]), torch.tensor([[0, 1, 2]]))
    content = write_mesh(tmp_path / name, mesh).read_bytes()
    (tmp_path / f"{name}.GZ").write_bytes(gzip.compress(content))
    assert area(read_mesh(tmp_path / f"{name}.GZ")) == pytest.approx(2)
    (tmp_path / name).write_bytes(gzip.compress(content[:40]) + gzip.compress(content[40:]))       # without the suffix
    assert area(read_mesh(tmp_path / name)) == pytest.approx(2)
    for broken, told in ((gzip.compress(content)[:-12], "can't be expanded"), (b"\x1f\x8bnothing", "can't be expanded"),
                         (gzip.compress(b""), "is empty")):
        (tmp_path / f"{name}.gz").write_bytes(broken)
        with pytest.raises(UnbraidError, match=told):
            read_mesh(tmp_path / f"{name}.gz")


def test_what_gzip_expands_is_bounded(tmp_path, monkeypatch):
    (tmp_path / "a.obj.gz").write_bytes(gzip.compress(b"#" * 5_000_000))
    monkeypatch.setattr(mesh_files, "LARGEST", 1_000_000)
    with pytest.raises(UnbraidError, match="has more than 0 MiB when it is expanded"):
        read_mesh(tmp_path / "a.obj.gz")
    assert compressed.expanded(b"plain", tmp_path, 10) == b"plain"


# -- textures beside --------------------------------------------------------------------------------------------------


def test_textures_of_another_folder(unbraid, tmp_path):
    """ShapeNet's layout: models/ beside images/, which materials name by ../images."""
    for folder in ("models", "images", "other"):
        (tmp_path / folder).mkdir()
    picture().save(tmp_path / "images" / "texture0.png")
    file = tmp_path / "models" / "a.obj"
    (tmp_path / "models" / "a.mtl").write_text("newmtl m\nmap_Kd ../images/texture0.png\n")
    file.write_text("mtllib a.mtl\nv -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nusemtl m\n"
                    "f 1/1 2/2 3/3 4/4\n")
    with pytest.raises(UnbraidError, match=r"(?s)lies outside of its folder.*--textures FOLDER"):
        read_mesh(file)
    for folder in (tmp_path / "images", tmp_path):
        assert quarters(read_mesh(file, textures=folder)) == [RED, GREEN, BLUE, YELLOW]
    with pytest.raises(UnbraidError, match="lies outside of its folder"):
        read_mesh(file, textures=tmp_path / "other")
    (tmp_path / "images" / "texture0.png").rename(tmp_path / "secret.png")
    (tmp_path / "images" / "texture0.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(UnbraidError, match="lies outside of its folder"):
        read_mesh(file, textures=tmp_path / "images")
    assert unbraid("render", file, "--textures", tmp_path, "--size", 16).code == 0
    said = unbraid("render", file, "--size", 16)
    assert said.code == 2
    assert "--textures FOLDER" in said.err
