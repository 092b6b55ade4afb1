"""Meshes from files and back: what is in them, which way up, and what becomes of files that are none."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from solids import icosphere

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh
from unbraid_plugins.opengl.shading.draw import draw

SQUARE = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\n"
CORNERS = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
FACE = "f 1/1 2/2 3/3 4/4\n"
COLOURS = {(0, 0): (255, 0, 0), (0, 1): (0, 255, 0), (1, 0): (0, 0, 255), (1, 1): (255, 255, 0)}    # row, column


def quarters(file: Path, size: int = 8) -> Path:
    """A picture: red, green on top; blue, yellow below."""
    pixels = np.zeros((size, size, 3), np.uint8)
    for (row, column), colour in COLOURS.items():
        pixels[row * size // 2:(row + 1) * size // 2, column * size // 2:(column + 1) * size // 2] = colour
    Image.fromarray(pixels).save(file)
    return file


def seen(mesh: Mesh) -> dict[tuple[int, int], tuple[int, ...]]:
    """The colours in the middles of the four quarters of what a camera in front of it sees."""
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (16, 16), backend="torch").colour[0]
    return {(r, c): tuple((image[:, 4 + 8 * r, 4 + 8 * c] * 255).round().int().tolist()) for r, c in COLOURS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    quarters(tmp_path / "picture.png")
    (tmp_path / "square.mtl").write_text("newmtl m\nKd 0.5 0.5 0.5\nmap_Kd picture.png\n")
    (tmp_path / "square.obj").write_text(f"mtllib square.mtl\n{SQUARE}{CORNERS}usemtl m\n{FACE}")
    return tmp_path


def test_a_texture_is_the_right_way_up(folder):
    mesh = read_mesh(folder / "square.obj")
    assert seen(mesh) == COLOURS
    assert mesh.colours is None


@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_textured_meshes_come_back(folder, suffix):
    """A tetrahedron whose faces have texture coordinates of their own: four places, twelve corners."""
    dice = torch.Generator().manual_seed(0)
    faces = torch.tensor([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    mesh = Mesh.of(torch.randn(2, 4, 3, generator=dice), faces, uv=torch.rand(1, 12, 2, generator=dice),
                   texture=torch.randint(0, 256, (1, 3, 5, 7), generator=dice) / 255,
                   texture_faces=torch.arange(12).reshape(4, 3))
    back = read_mesh(write_mesh(folder / f"back again{suffix}", mesh, 1))
    assert back.vertices.shape == (1, 4, 3)
    torch.testing.assert_close(corners(back), corners(mesh, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(back.texture, mesh.texture, atol=1e-6, rtol=0)
    if suffix == ".obj":
        assert {p.name for p in folder.glob("back*")} == {"back again.obj", "back_again.mtl", "back_again.png"}


def corners(mesh: Mesh, index: int = 0) -> torch.Tensor:
    """Position and texture coordinates of every corner, the faces in an order of their own, (F, 15)."""
    uv_faces = mesh.topology.texture_faces
    rows = torch.cat([mesh.vertices[index][mesh.faces].flatten(1), mesh.uv[0][uv_faces].flatten(1)], 1)
    return rows[rows[:, :9].sum(1).argsort()]


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb"])
def test_colours_come_back(tmp_path, suffix):
    vertices, faces = icosphere(1)
    colours = torch.randint(0, 256, (1, len(vertices), 3), generator=torch.Generator().manual_seed(0)) / 255
    mesh = Mesh.of(vertices.float()[None], faces, colours=colours)
    back = read_mesh(write_mesh(tmp_path / f"ball{suffix}", mesh))
    torch.testing.assert_close(back.colours[0][back.faces], colours[0][faces], atol=1e-6, rtol=0)
    torch.testing.assert_close(back.vertices[0][back.faces], mesh.vertices[0][faces], atol=1e-6, rtol=0)
    white = read_mesh(write_mesh(tmp_path / f"white{suffix}", Mesh.of(vertices.float()[None], faces)))
    assert white.colours is None
    assert white.vertices.shape == mesh.vertices.shape


def test_polygons_are_cut_and_numbers_count_backwards(tmp_path):
    file = tmp_path / "house.obj"
    file.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv .5 1.5 0\nv 0 1 0\nf -5 -4 -3 -2 -1\n"
                    "v 0 0 9\nv 1 0 9\nv 1 1 9\nf -3 -2 -1\nf 1 2 3 4\n")
    mesh = read_mesh(file)
    a, b, c = mesh.vertices[0][mesh.faces].unbind(1)
    areas = (b - a).cross(c - a, dim=1)[:, 2] / 2
    assert areas.sum().item() == pytest.approx(1.25 + 0.5 + 1.0)
    assert sorted(areas[mesh.vertices[0][mesh.faces][:, 0, 2] == 9].tolist()) == [0.5]
    assert (areas > 0).all()


def test_several_materials_are_one_mesh(folder):
    """Two pictures and a base colour: each face shows its own."""
    Image.new("RGB", (3, 5), (10, 20, 30)).save(folder / "plain.png")
    (folder / "square.mtl").write_text("newmtl m\nmap_Kd picture.png\nnewmtl n\nmap_Kd plain.png\n"
                                       "newmtl k\nKd 1 0 0.2\n")
    right = "v 1 -1 0\nv 3 -1 0\nv 3 1 0\nv 1 1 0\n"
    (folder / "square.obj").write_text(
        f"mtllib square.mtl\n{SQUARE}{right}{CORNERS}usemtl m\n{FACE}"
        "usemtl n\nf 5/1 6/2 7/3\nusemtl k\nf 5/1 7/3 8/4\n")
    mesh = read_mesh(folder / "square.obj")
    assert seen(mesh) == COLOURS
    moved = attrs_moved(mesh, -2.0)
    assert set(seen(moved).values()) >= {(10, 20, 30), (255, 0, 51)}


def attrs_moved(mesh: Mesh, by: float) -> Mesh:
    return Mesh(mesh.vertices + torch.tensor([by, 0, 0]), mesh.topology, mesh.colours, mesh.uv, mesh.texture)


def test_a_texture_repeats(folder):
    (folder / "square.obj").write_text(
        f"mtllib square.mtl\n{SQUARE}vt -1 3\nvt 1 3\nvt 1 5\nvt -1 5\nusemtl m\n{FACE}")
    mesh = read_mesh(folder / "square.obj")
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (16, 16), backend="torch").colour[0]
    assert torch.equal(image[:, :8, :8], image[:, 8:, 8:])
    assert tuple((image[:, 1, 1] * 255).int().tolist()) == COLOURS[0, 0]


def test_objects_stand_where_their_scene_puts_them(tmp_path):
    scene = trimesh.Scene()
    box = trimesh.creation.box()
    scene.add_geometry(box, transform=trimesh.transformations.translation_matrix([5, 0, 0]))
    scene.add_geometry(box, transform=trimesh.transformations.translation_matrix([0, 7, 0]))
    (tmp_path / "two.glb").write_bytes(scene.export(file_type="glb"))
    mesh = read_mesh(tmp_path / "two.glb")
    assert len(mesh.faces) == 24
    assert mesh.vertices[0].amax(0).tolist() == [5.5, 7.5, 0.5]


def test_the_shape_alone_needs_no_material(folder):
    (folder / "picture.png").unlink()
    mesh = read_mesh(folder / "square.obj", materials=False)
    assert mesh.texture is None
    assert len(mesh.faces) == 2


@pytest.mark.parametrize("lines", ["", "mtllib square.mtl\n", "mtllib lost.mtl\n", "# mtllib or usemtl lost\n"])
def test_texture_coordinates_without_a_material_are_white(folder, lines):
    (folder / "square.obj").write_text(f"{lines}{SQUARE}{CORNERS}{FACE}")
    mesh = read_mesh(folder / "square.obj")
    assert mesh.texture is None
    assert mesh.colours is None
    assert len(mesh.faces) == 2


def test_texture_coordinates_without_a_material_leave_vertices_their_colours(folder):
    coloured = SQUARE.replace("0\n", "0 1 0 0.2\n")
    (folder / "square.obj").write_text(f"{coloured}{CORNERS}{FACE}")
    assert set(seen(read_mesh(folder / "square.obj")).values()) == {(255, 0, 51)}


def test_a_ply_of_texture_coordinates_alone_is_white(tmp_path):
    file = tmp_path / "square.ply"
    file.write_text("ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
                    "element face 2\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\n"
                    "end_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2 6 0 0 1 0 0 1\n3 0 2 1 6 0 0 0 1 1 0\n")
    mesh = read_mesh(file)
    assert mesh.texture is None
    assert mesh.vertices.shape == (1, 3, 3)


def test_materials_that_no_face_has_are_not_looked_at(folder):
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "square.mtl").write_text("newmtl a\nmap_Kd broken.png\nnewmtl m\nKd 0 1 0\nnewmtl b\nmap_Kd lost.png\n"
                                       "newmtl c\nmap_Kd picture.png\n")
    (folder / "square.obj").write_text(f"mtllib square.mtl\n{SQUARE}{CORNERS}usemtl a\nusemtl m\n{FACE}usemtl b\n")
    mesh = read_mesh(folder / "square.obj")
    assert mesh.texture is None
    assert set(seen(mesh).values()) == {(0, 255, 0)}


def test_materials_come_from_several_files_whose_names_may_have_spaces(folder):
    (folder / "no colour.mtl").write_text("newmtl k\nKd 1 0 0\n")
    for named in ("mtllib no colour.mtl\nmtllib square.mtl\n", "mtllib no colour.mtl square.mtl\n"):
        (folder / "square.obj").write_text(f"{named}{SQUARE}{CORNERS}usemtl m\n{FACE}usemtl k\nf 1 2 3\n")
        assert len(read_mesh(folder / "square.obj").faces) == 3


@pytest.mark.parametrize("options", ["-s 1 1 1", "-o 0 0.0 -s 1.000 1 -clamp off", "-blendu on -bm 0.5 -mm 0 1"])
def test_options_that_leave_a_texture_as_it_is(folder, options):
    for name in ("picture.png", "2 pictures.png"):
        quarters(folder / name)
        (folder / "square.mtl").write_text(f"newmtl m\n\tmap_Kd {options} {name}\r\n")
        assert seen(read_mesh(folder / "square.obj")) == COLOURS


def test_16_bits_and_transparency(folder):
    Image.fromarray(np.full((4, 4), 32896, np.uint16)).save(folder / "picture.png")
    texture = read_mesh(folder / "square.obj").texture
    torch.testing.assert_close(texture, torch.full_like(texture, 32896 / 65535))
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(folder / "picture.png")
    assert read_mesh(folder / "square.obj").texture.min() == 1


# -- what is no mesh --------------------------------------------------------------------------------------------------


def refused(file: Path, *told: str) -> None:
    """One error that names the file and says this; nothing on the way out but the error."""
    with pytest.raises(UnbraidError) as caught:
        read_mesh(file)
    said = f"{caught.value}"
    assert str(file) in said
    for words in told:
        assert words in said


def test_materials_that_are_missing_or_outside(folder):
    (folder / "square.mtl").write_text("newmtl m\nmap_Kd lost.png\n")
    refused(folder / "square.obj", "'lost.png', which it names, is not there", "without its materials")
    (folder / "square.mtl").unlink()
    refused(folder / "square.obj", "'square.mtl', which it names, is not there")
    inner = folder / "inner"
    inner.mkdir()
    for name in ("../picture.png", str(folder / "picture.png"), "..\\picture.png"):
        (inner / "square.mtl").write_text(f"newmtl m\nmap_Kd {name}\n")
        (inner / "square.obj").write_text((folder / "square.obj").read_text())
        refused(inner / "square.obj", "lies outside of its folder")
    (inner / "square.mtl").write_text("newmtl m\nmap_Kd link.png\n")
    (inner / "link.png").symlink_to(folder / "picture.png")
    refused(inner / "square.obj", "lies outside of its folder")


def test_a_material_that_faces_name_and_no_file_has(folder):
    for lines in ("", "mtllib square.mtl\n"):
        for face in (FACE, "f 1 2 3\n", f"{FACE}usemtl m\n{FACE}"):
            (folder / "square.obj").write_text(f"{lines}{SQUARE}{CORNERS}usemtl steel\n{face}")
            refused(folder / "square.obj", "a material 'steel'", "which is not in square.mtl" if lines else "mtllib",
                    "--shape-alone", "materials=False")
            assert read_mesh(folder / "square.obj", materials=False).texture is None


@pytest.mark.parametrize("options", ["-t 0 1", "-t 0.5 0 0", "-mm 0.1", "-clamp"])
def test_options_that_can_not_be_honoured(folder, options):
    (folder / "square.mtl").write_text(f"newmtl m\nmap_Kd -boost 1 {options} picture.png\n")
    refused(folder / "square.obj", f"'map_Kd -boost 1 {options} picture.png'", "option", "--shape-alone")


def test_texture_coordinates_that_are_not_there(folder):
    (folder / "square.obj").write_text(f"mtllib square.mtl\n{SQUARE}{CORNERS}usemtl m\nf 1/1 2/2 3/7\n")
    refused(folder / "square.obj", "line 11: a face names the texture coordinate 7, and there are 4")
    (folder / "square.obj").write_text(f"mtllib square.mtl\n{SQUARE}usemtl m\nf 1 2 3\n")
    assert read_mesh(folder / "square.obj").texture is None


def test_textures_that_are_no_pictures(folder):
    picture = folder / "picture.png"
    write_mesh(folder / "square.glb", read_mesh(folder / "square.obj"))
    packed = (folder / "square.glb").read_bytes()
    (folder / "square.glb").write_bytes(packed.replace(b"\x89PNG", b"\x89PIG"))
    refused(folder / "square.glb", "no picture")
    picture.write_bytes(b"no picture")
    refused(folder / "square.obj", "no picture")
    picture.write_bytes(quarters(folder / "other.png").read_bytes()[:60])
    refused(folder / "square.obj")
    Image.new("RGB", (4, 4)).save(picture, format="EPS")                 # Pillow decodes it by another program
    refused(folder / "square.obj", "no picture of a format that is read here")
    Image.new("1", (9000, 9000)).save(picture)
    refused(folder / "square.obj", "9000 x 9000 pixels")
    picture.write_bytes(b"no picture")
    (folder / "square.mtl").write_text("newmtl m\nmap_Kd picture.png\nnewmtl n\nmap_Kd other.png\n")
    (folder / "square.obj").write_text(f"mtllib square.mtl\n{SQUARE}{CORNERS}usemtl m\n{FACE}usemtl n\n{FACE}")
    refused(folder / "square.obj", "no picture")


@pytest.mark.parametrize(("text", "told"), [
    ("", "is empty"), ("v 0 0 0\n", "no faces"), ("hello\n", ""), (SQUARE, "no faces"),
    (SQUARE + "f 1 2 9\n", "line 5: a face names the vertex 9, and there are 4"),
    (f"# four\n{SQUARE}{CORNERS}f 1/1 2/2 5/3\nf 2/1 3/1 4/1\n", "line 10: a face names the vertex 5"),
    (f"{SQUARE}vn 0 0 1\nf -1//1 -2//1 6//1\n", "line 6: a face names the vertex 6"),
    (SQUARE + "f 1 2\n", ""), (SQUARE + "f 0 1 2\n", "line 5, 'f 0 1 2': there is no 0"),
    (SQUARE + "f 1 2 -5\n", "there is no -5"),
    (SQUARE + "f 1 2 x\n", ""), (SQUARE + "f\n", ""), ("v 0 0 0\nv 1 x 0\nv 0 1 0\nf 1 2 3\n", ""),
    ("v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n", "not finite"), ("v 0 0 0\nv 1 1e99 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
    ("v 0 0\nv 1 0\nv 0 1\nf 1 2 3\n", ""), (SQUARE + "f 99999999999999999999 1 2\n", "")])
def test_wavefront_files_that_are_none(tmp_path, text, told):
    file = tmp_path / "bad.obj"
    file.write_text(text)
    refused(file, told)


def test_ply_files_that_are_none(tmp_path):
    head = "ply\nformat binary_little_endian 1.0\nelement vertex {}\nproperty float x\nproperty float y\n" \
           "property float z\nelement face {}\nproperty list uchar int vertex_indices\nend_header\n"
    file = tmp_path / "bad.ply"
    triangle = struct.pack("<9f", *range(9)) + struct.pack("<B3i", 3, 0, 1, 2)
    file.write_bytes(head.format(3, 1).encode() + triangle)
    assert len(read_mesh(file).faces) == 1
    for vertices, faces, body in ((3, 1, triangle[:-4]), (10**12, 1, triangle), (3, 10**12, triangle),
                                  (-3, 1, triangle), (3, 1, triangle[:-4] + struct.pack("<i", 7)), (0, 0, b""),
                                  (3, 0, triangle[:36]), (3, 1, b"")):
        file.write_bytes(head.format(vertices, faces).encode() + body)
        refused(file)
    file.write_bytes(b"ply\n")
    refused(file)


def test_glb_files_that_are_none(tmp_path):
    file = tmp_path / "bad.glb"
    good = trimesh.Scene(trimesh.creation.box()).export(file_type="glb")
    dice = np.random.default_rng(0)
    file.write_bytes(good)
    assert len(read_mesh(file).faces) == 12
    file.write_bytes(b"")
    refused(file, "bad.glb is empty")
    for content in (b"glTF", good[:100], good[:-300],
                    good[:20] + json.dumps({"asset": {}}).encode().ljust(len(good) - 20)):
        file.write_bytes(content)
        refused(file)
    for _ in range(60):                            # whatever is flipped, it is a mesh or one clear error
        broken = bytearray(good)
        for place in dice.integers(0, len(good), 3):
            broken[place] = dice.integers(256)
        file.write_bytes(broken)
        with suppress(UnbraidError):
            assert read_mesh(file).vertices.isfinite().all()


def test_files_of_another_kind(tmp_path):
    refused(tmp_path / "none.obj", "no mesh at")
    refused(tmp_path / "mesh.3ds", "no mesh format .3ds", ".obj, .ply, .glb, .gltf, .stl, .off")
    (tmp_path / "folder.obj").mkdir()
    refused(tmp_path / "folder.obj", "it is a folder, not a file")
    Image.new("RGB", (4, 4)).save(tmp_path / "picture.obj", format="PNG")
    refused(tmp_path / "picture.obj")
    with open(tmp_path / "huge.ply", "wb") as file:
        file.truncate(2**30 + 1)
    refused(tmp_path / "huge.ply", "it is larger than 1 GiB")


def test_writing_says_what_it_cannot(tmp_path):
    vertices, faces = icosphere(0)
    textured = Mesh.of(vertices[None], faces, uv=torch.zeros(1, 12, 2), texture=torch.ones(1, 3, 2, 2))
    for wrong, told in ((lambda: write_mesh(tmp_path / "a.ply", textured), "has no texture"),
                        (lambda: write_mesh(tmp_path / "a.obj", textured, 1), "no mesh 1 in a batch of 1"),
                        (lambda: write_mesh(tmp_path / "a.stl", textured), "no mesh format .stl")):
        with pytest.raises(UnbraidError, match=told):
            wrong()
    (tmp_path / "file").write_text("")
    with pytest.raises(UnbraidError, match="can't write"):
        write_mesh(tmp_path / "file" / "a.obj", textured)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_grey_colours_are_written_as_colours(tmp_path):
    vertices, faces = icosphere(0)
    grey = Mesh.of(vertices[None], faces, colours=torch.full((1, 12, 1), 0.6))
    back = read_mesh(write_mesh(tmp_path / "grey.ply", grey))
    torch.testing.assert_close(back.colours, torch.full((1, 12, 3), 0.6), atol=0.002, rtol=0)
    assert trimesh.load(BytesIO((tmp_path / "grey.ply").read_bytes()), file_type="ply").visual.kind == "vertex"
