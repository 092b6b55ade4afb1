"""Meshes as files: materials stay apart, files beside the named one are never replaced unseen, all comes back."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from solids import icosphere, square

from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.scene.materials import Materials
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.opengl.scene.mesh_writing import write_mesh, written
from unbraid_plugins.opengl.shading.draw import draw

ZERO = torch.zeros(1)
FRONT = Camera(orbiting(ZERO, ZERO), orthographic(2.0))
RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def picture(file: Path, *colours, size=8) -> Path:
    pixels = np.zeros((2, 2, len(colours[0])), np.uint8)
    pixels[:] = np.array(colours).reshape(2, 2, -1)
    Image.fromarray(pixels.repeat(size // 2, 0).repeat(size // 2, 1)).save(file)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A square with a picture, and beside it a red triangle."""
    picture(tmp_path / "p.png", RED, GREEN, BLUE, YELLOW)
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd p.png\nnewmtl n\nKd 1 0 0\n")
    (tmp_path / "a.obj").write_text(
        "mtllib a.mtl\nv -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nv 2 -1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "usemtl m\nf 1/1 2/2 3/3 4/4\nusemtl n\nf 2 5 3\n")
    return tmp_path


def image_of(mesh: Mesh, size=(24, 24), **options) -> torch.Tensor:
    mesh = mesh.but(vertices=mesh.vertices * torch.tensor([0.6, 0.6, 1]))
    return draw(mesh, FRONT, size, backend="torch", background=torch.tensor([[0.2, 0.4, 0.6]]), **options).colour


@pytest.mark.parametrize("name", ["b.glb", "b.obj"])
def test_a_texture_and_a_plain_colour_are_written_together(folder, name):
    mesh = read_mesh(folder / "a.obj")
    back = read_mesh(write_mesh(folder / name, mesh))
    torch.testing.assert_close(image_of(back), image_of(mesh), atol=0.01, rtol=0)
    assert back.texture.shape[3] <= 8              # the plain colour is no picture of its size
    if name == "b.obj":
        text = (folder / "b.mtl").read_text()
        assert "map_Kd b_0.png" in text
        assert "Kd 1 0 0" in text
    scene = trimesh.load(folder / name, force="scene")
    assert sorted(len(g.faces) for g in scene.geometry.values()) == [1, 2]


def test_a_picture_beside_an_obj_is_not_replaced(unbraid, folder):
    assert unbraid("render", "a.obj", "--out", "b.png", "--size", 32).code == 0
    (folder / "b.mtl").write_text("mine")
    before = (folder / "b.png").read_bytes()
    (folder / "c.obj").write_text((folder / "a.obj").read_text().split("usemtl n")[0])
    for _ in range(2):                             # the second time replaces what the first one wrote
        said = unbraid("render", "c.obj", "--out", "b.obj")
        assert said.out == "wrote b.obj, b-2.png, b-2.mtl\n"
        assert (folder / "b.png").read_bytes() == before
        assert (folder / "b.mtl").read_text() == "mine"
    assert sorted(p.name for p in folder.glob("b*")) == ["b-2.mtl", "b-2.png", "b.mtl", "b.obj", "b.png"]
    torch.testing.assert_close(image_of(read_mesh("b.obj")), image_of(read_mesh("c.obj")))


def test_files_of_another_mesh_are_not_replaced(folder):
    (folder / "c.obj").write_text((folder / "a.obj").read_text().split("usemtl n")[0])
    mesh = read_mesh(folder / "c.obj")
    assert [p.name for p in written(folder / "x y.obj", mesh)] == ["x y.obj", "x_y.png", "x_y.mtl"]
    assert [p.name for p in written(folder / "x_y.obj", mesh)] == ["x_y.obj", "x_y-2.png", "x_y-2.mtl"]
    assert [p.name for p in written(folder / "x y.obj", mesh)] == ["x y.obj", "x_y.png", "x_y.mtl"]
    (folder / "link.png").symlink_to(folder / "gone.png")
    assert "link-2.png" in [p.name for p in written(folder / "link.obj", mesh)]


def sheet(**options) -> Mesh:
    places, faces = square(1.0)
    return Mesh.of(places.float()[None], faces, **options)


def spots(times=1.0) -> torch.Tensor:
    return (square(1.0)[0].float()[None, :, :2] + 1) / 2 * times


@pytest.mark.parametrize("wrap", [("repeat", "repeat"), ("mirror", "clamp"), ("clamp", "mirror")])
def test_wrapping_comes_back(tmp_path, wrap):
    texture = torch.randint(0, 256, (1, 3, 6, 5), generator=torch.Generator().manual_seed(0)) / 255
    mesh = sheet(uv=spots(3.3) - 1.2, texture=texture, materials=Materials.one(2, (6, 5), wrap=wrap))
    back = read_mesh(write_mesh(tmp_path / "a.glb", mesh))
    torch.testing.assert_close(back.texture, texture)
    torch.testing.assert_close(image_of(back), image_of(mesh), atol=1e-4, rtol=0)
    if wrap == ("repeat", "repeat"):
        torch.testing.assert_close(image_of(read_mesh(write_mesh(tmp_path / "a.obj", mesh))), image_of(mesh), atol=1e-4,
                                   rtol=0)
    else:
        with pytest.warns(UserWarning, match=r"repeat, where these end or are mirrored: write a \.glb"):
            write_mesh(tmp_path / "a.obj", mesh)


@pytest.mark.parametrize("mode", ["mask", "blend"])
@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_transparency_and_emission_come_back(tmp_path, mode, suffix):
    dice = torch.Generator().manual_seed(1)
    texture = torch.randint(0, 256, (1, 4, 4, 4), generator=dice) / 255
    mesh = sheet(uv=spots(), texture=texture, emission=torch.randint(0, 100, (1, 3, 4, 4), generator=dice) / 255,
                 materials=Materials.one(2, (4, 4), mode=mode, cutoff=0.25))
    back = read_mesh(write_mesh(tmp_path / f"a{suffix}", mesh))
    if mode == "mask" and suffix == ".obj":        # an .obj has no threshold
        return
    torch.testing.assert_close(image_of(back), image_of(mesh), atol=0.005, rtol=0)
    assert back.topology.materials.modes.tolist() == mesh.topology.materials.modes.tolist()


def test_colours_with_an_opacity_come_back_linear(tmp_path):
    colours = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(2))
    mesh = sheet(colours=colours, materials=Materials.one(2, mode="blend"))
    back = read_mesh(write_mesh(tmp_path / "a.glb", mesh))
    torch.testing.assert_close(back.colours, colours, atol=1e-5, rtol=0)
    raw = (tmp_path / "a.glb").read_bytes()
    size = struct.unpack_from("<I", raw, 12)[0]
    tree = json.loads(raw[20:20 + size])
    assert tree["materials"][0]["alphaMode"] == "BLEND"
    view = tree["bufferViews"][tree["accessors"][1]["bufferView"]]
    linear = np.frombuffer(raw, "<f4", 16, 20 + size + 8 + view["byteOffset"]).reshape(4, 4)
    c = colours[0, :, :3].numpy()
    expected = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)                # IEC 61966-2-1
    np.testing.assert_allclose(linear[:, :3], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(linear[:, 3], colours[0, :, 3], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb"])
def test_hard_edges_come_back(tmp_path, suffix):
    corners = "".join(f"v {x} {y} {z}\n" for x in (-1, 1) for y in (-1, 1) for z in (-1, 1))
    (tmp_path / "a.obj").write_text(
        f"{corners}s off\nf 1 2 4 3\nf 5 7 8 6\nf 1 5 6 2\nf 3 4 8 7\nf 1 3 7 5\nf 2 6 8 4\n")
    mesh = read_mesh(tmp_path / "a.obj")
    back = read_mesh(write_mesh(tmp_path / f"b{suffix}", mesh))
    for one in (mesh, back):
        assert len(one.normals()[0].round(decimals=4).unique(dim=0)) == 6


def test_colours_beside_a_texture_in_an_obj_are_written_and_told(tmp_path):
    vertices, faces = icosphere(0)
    dice = torch.Generator().manual_seed(0)
    texture = torch.randint(0, 256, (1, 3, 4, 4), generator=dice) / 255
    mesh = Mesh.of(vertices.float()[None], faces, colours=torch.rand(1, 12, 3, generator=dice),
                   uv=torch.rand(1, 12, 2, generator=dice), texture=texture)
    with pytest.warns(UserWarning, match="colours of vertices beside a texture"):
        write_mesh(tmp_path / "a.obj", mesh)
    torch.testing.assert_close(image_of(read_mesh(tmp_path / "a.obj")), image_of(mesh), atol=0.01, rtol=0)


def test_what_is_written_is_read_by_others(folder):
    """trimesh sees the same area, and the texture's size."""
    mesh = read_mesh(folder / "a.obj")
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    for name in ("a.obj", "a.glb"):
        write_mesh(folder / "out" / name, mesh)
        assert trimesh.load(folder / "out" / name, force="mesh").area == pytest.approx(5)
