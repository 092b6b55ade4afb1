"""The kinds of things that .obj, .mtl and .ply files can say: read, refused by line, or noted."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_mesh_files_glb import BLUE, GREEN, RED, WHITE, YELLOW, noted, picture, quarters

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh

SQUARE = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\n"
CORNERS = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
FACE = "f 1/1 2/2 3/3 4/4\n"


def area(mesh: Mesh) -> float:
    a, b, c = mesh.vertices[0][mesh.faces].unbind(1)
    return round((b - a).cross(c - a, dim=1).norm(dim=1).sum().item() / 2, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture().save(tmp_path / "picture.png")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd picture.png\n")
    return tmp_path


OBJ = f"mtllib a.mtl\n{SQUARE}{CORNERS}usemtl m\n{FACE}"


@pytest.mark.parametrize("text", [
    OBJ.encode(), OBJ.replace("\n", "\r").encode(), OBJ.replace("\n", "\r\n").encode(), OBJ.replace(" ", "\t").encode(),
    OBJ.replace(" ", "  ").encode(), OBJ.replace("\n", " # told\n").encode(), OBJ.encode("utf-8-sig"),
    OBJ.encode("utf-16"), OBJ.replace("2/2 ", "\\\n2/2\\\r\n ").encode(), OBJ.replace("\n", "\n\n").encode(),
    OBJ.replace(FACE, "f -4/-4 -3/-3 -2/-2 -1/-1\n").encode(), OBJ.replace("v 1 1 0", "v 1 1 0 1.0").encode(),
    OBJ.replace("vt 1 1", "vt 1 1 0").encode(), f"# größe\n{OBJ}".encode("latin-1")])
def test_lines_in_many_forms(folder, text):
    (folder / "a.obj").write_bytes(text)
    assert quarters(read_mesh(folder / "a.obj")) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize("text", [
    b"newmtl m\rmap_Kd picture.png\r", "newmtl m\nmap_Kd picture.png\n".encode("utf-8-sig"),
    b"newmtl\tm\n\tmap_Kd\tpicture.png  # told\n", b"newmtl m # told\nmap_Kd \\\npicture.png\n",
    b"newmtl x\nKd 1 1 1\nnewmtl m\nKd 0 0 0 # told\nMAP_KD picture.png\n"])
def test_materials_in_many_forms(folder, text):
    (folder / "a.mtl").write_bytes(text)
    (folder / "a.obj").write_text(OBJ)
    assert quarters(read_mesh(folder / "a.obj")) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize(("text", "told"), [
    (SQUARE + "f 1 2 3/9\n", "line 5: a face names the texture coordinate 9, and there are 0"),
    (SQUARE + "f 1//1 2//1 3//1\n", "line 5: a face names the normal 1, and there are 0"),
    (SQUARE + "f 1 2 \\\n3 9\n", "line 5: a face names the vertex 9"), (SQUARE + "f 1 2 -9\n", "there is no -9"),
    (SQUARE + "s off\n\nf 1 2 a\n", "line 7: a face has the corner 'a'"), ("v 0 0\n", "line 1, 'v 0 0': 2 numbers"),
    (SQUARE + "v 0 0,5 0\n", "line 5, 'v 0 0,5 0': no number"), (SQUARE + "v 1 2 3 4 5\n", "5 numbers"),
    (SQUARE + "s x\n", "line 5"), (SQUARE + "f 1/2/3/4 2 3\n", "the corner '1/2/3/4'"),
    (SQUARE.replace("0\n", "0 2 -1 0\n") + "f 1 2 3\n", "line 1: a colour that is not in")])
def test_an_obj_is_refused_by_its_line(tmp_path, text, told):
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(UnbraidError) as caught:
        read_mesh(tmp_path / "a.obj")
    assert told in str(caught.value)


@pytest.mark.parametrize(("line", "told"), [
    ("l 1 2", r"lines \(1\)"), ("p 1", "points"), ("curv 0 1 1 2", "free-form"), ("wobble 3", "'wobble'"),
    ("f 1 2", "1 faces of fewer than three corners"), ("f 1 3 2 4", "cross themselves"),
    ("v 0 0 0 2", "fourth coordinate")])
def test_statements_that_are_left_out_are_noted(tmp_path, line, told):
    (tmp_path / "a.obj").write_text(f"{SQUARE}f 1 2 3 4\n{line}\n")
    noted(tmp_path / "a.obj", told)


@pytest.mark.parametrize(("lines", "told"), [("d 0", "would not be seen at all"), ("map_Bump n.png", "bump map")])
def test_materials_that_are_left_out_are_noted(folder, lines, told):
    (folder / "a.mtl").write_text(f"newmtl m\nmap_Kd picture.png\n{lines}\n")
    (folder / "a.obj").write_text(OBJ)
    noted(folder / "a.obj", told)


def test_smoothing_groups_and_angles_are_creases(tmp_path):
    roof = "v -1 0 0\nv 0 1 0\nv 1 0 0\nv -1 0 1\nv 0 1 1\nv 1 0 1\n{}f 1 2 5 4\n{}f 2 3 6 5\n"
    for one, other, count in (("", "", 6), ("s 1\n", "s 1\n", 6), ("s 1\n", "s 2\n", 8), ("s off\n", "", 8)):
        (tmp_path / "a.obj").write_text(roof.format(one, other))
        mesh = read_mesh(tmp_path / "a.obj")
        assert mesh.vertices.shape[1] == count
        assert (len(mesh.normals()[0].round(decimals=4).unique(dim=0)) == 2) == (count == 8)
        assert len(mesh.topology.edges) == 9       # a crease is no border: the ridge is there once
    for normals, count in (("smooth", 6), ("flat", 12), (30, 8), (120.0, 6)):
        assert read_mesh(tmp_path / "a.obj", normals=normals).vertices.shape[1] == count
    with pytest.raises(UnbraidError, match="expected file, smooth, flat"):
        read_mesh(tmp_path / "a.obj", normals=-1)


def test_polygons_twice_in_opposite_orders_whatever_comes_first(tmp_path):
    box = "".join(f"v {x} {y} {z}\n" for x in (0, 1) for y in (0, 1) for z in (0, 1))
    quads = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
    (tmp_path / "a.obj").write_text(box + "".join(
        "".join(f"f {' '.join(map(str, q))}\n" for q in (quad, quad[::-1])[::1 if i % 3 else -1])
        for i, quad in enumerate(quads)))
    mesh = noted(tmp_path / "a.obj", "6 of them in the opposite order")
    assert len(mesh.faces) == 12
    assert mesh.topology.oriented
    outwards = (mesh.vertices[0][mesh.faces].mean(1) - 0.5) * mesh.face_normals()[0]
    assert (outwards.sum(1) > 0.4).all()
    (tmp_path / "a.obj").write_text(f"{SQUARE}v 5 0 0\nv 6 0 0\nv 5 1 0\nf 1 2 3\nf 3 2 1\nf 1 4 3\nf 5 6 7\n")
    mesh = noted(tmp_path / "a.obj", "1 of them in the opposite order")      # f 1 4 3 goes against f 1 2 3
    assert len(mesh.faces) == 3


def test_opposite_faces_of_two_colours_keep_their_normals(folder):
    (folder / "a.mtl").write_text("newmtl m\nKd 1 0 0\nnewmtl n\nKd 0 0 1\n")
    (folder / "a.obj").write_text(f"mtllib a.mtl\n{SQUARE}usemtl m\nf 1 2 3 4\nusemtl n\nf 4 3 2 1\n")
    mesh = read_mesh(folder / "a.obj")
    assert len(mesh.faces) == 4
    assert sorted(set(mesh.normals()[0][:, 2].tolist())) == [-1, 1]


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e6, 1e20])
def test_units_and_far_places(tmp_path, unit):
    from unbraid_plugins.opengl.viewing.views import fitted

    text = SQUARE.replace("1", f"{unit:.0e}").replace("0\n", f"{0.5 * unit:.0e}\n")
    (tmp_path / "a.obj").write_text(f"{text}f 1 2 3 4\n")
    mesh = fitted(read_mesh(tmp_path / "a.obj"))
    assert area(mesh) == pytest.approx(2, rel=1e-3)
    torch.testing.assert_close(mesh.normals()[0, :, 2], torch.ones(4))
    for suffix in (".obj", ".ply", ".glb"):
        whole = read_mesh(tmp_path / "a.obj")
        back = read_mesh(write_mesh(tmp_path / f"b{suffix}", whole))
        assert (back.vertices / unit - whole.vertices / unit).abs().max() < 1e-6


@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_a_far_mesh_is_written_where_it_was(tmp_path, suffix):
    far = np.array([500000.0, 0, -5649776.5])
    points = far + np.array([[0, 0, 0], [0.125, 0, 0], [0, 0.25, 0.0]])
    (tmp_path / "a.obj").write_text("".join(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in points) + "f 1 2 3\n")
    mesh = noted(tmp_path / "a.obj", "far from 0")
    torch.testing.assert_close(mesh.vertices[0].double() + torch.tensor(mesh.origin), torch.tensor(points))
    back = noted(write_mesh(tmp_path / f"b{suffix}", mesh), "far from 0")
    torch.testing.assert_close(back.vertices[0].double() + torch.tensor(back.origin), torch.tensor(points))


def test_a_far_ply_says_where_it_counts_from(tmp_path):
    (tmp_path / "a.obj").write_text("v 500000 0 0\nv 500001 0 0\nv 500000 1 0\nf 1 2 3\n")
    mesh = noted(tmp_path / "a.obj", "far from 0")
    with pytest.warns(UserWarning, match="coordinates count from"):
        write_mesh(tmp_path / "b.ply", mesh)
    assert area(read_mesh(tmp_path / "b.ply")) == 0.5


# -- .ply -------------------------------------------------------------------------------------------------------------


HEAD = ("ply\nformat {}\ncomment TextureFile picture.png\nelement vertex 4\nproperty float x\nproperty float y\n"
        "property float z\nelement face 2\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\n"
        "end_header\n")
ROWS = "-1 -1 0\n1 -1 0\n1 1 0\n-1 1 0\n"


@pytest.mark.parametrize("change", [("", ""), ("\n", "\r\n"), ("\n", "\r"), ("0\n1", "0\n\n \n1"), ("int v", "uint v")])
def test_plys_in_many_forms(folder, change):
    text = HEAD.format("ascii 1.0") + ROWS + "3 0 1 2 6 0 0 1 0 1 1\n3 0 2 3 6 0 0 1 1 0 1\n"
    (folder / "a.ply").write_bytes((text.replace(*change) if change[0] else text).encode())
    assert quarters(read_mesh(folder / "a.ply")) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_plys_with_polygons_of_mixed_sizes(folder, order):
    name = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    body = struct.pack(f"{order}12f", *map(float, ROWS.split()))
    body += struct.pack(f"{order}B4iB8f", 4, 0, 1, 2, 3, 8, 0, 0, 1, 0, 1, 1, 0, 1)
    body += struct.pack(f"{order}B3iB", 3, 0, 1, 2, 0)
    (folder / "a.ply").write_bytes(HEAD.format(f"{name} 1.0").encode() + body)
    mesh = noted(folder / "a.ply", "1 of 2 faces have no texture coordinates")
    assert area(mesh) == 6
    (folder / "a.ply").write_bytes(HEAD.format(f"{name} 1.0").encode() + body[:-2])
    with pytest.raises(UnbraidError, match="declares 2 of face, and there are 1"):
        read_mesh(folder / "a.ply")


def test_plys_with_several_textures_face_colours_and_strips(folder):
    Image.new("RGB", (2, 2), (10, 20, 30)).save(folder / "other.png")
    text = (HEAD.format("ascii 1.0").replace("element vertex", "comment TextureFile other.png\nelement vertex")
            .replace("end_header", "property int texnumber\nend_header"))
    (folder / "a.ply").write_text(text + ROWS + "3 0 1 2 6 0 0 1 0 1 1 1\n3 0 2 3 6 0 0 1 1 0 1 0\n")
    assert quarters(read_mesh(folder / "a.ply"))[3] == (10, 20, 30)
    head = HEAD.format("ascii 1.0").replace("comment TextureFile picture.png\n", "").replace(
        "property list uchar float texcoord", "property uchar red\nproperty uchar green\nproperty uchar blue")
    (folder / "b.ply").write_text(head + ROWS + "3 0 1 2 255 0 0\n3 0 2 3 0 0 255\n")
    assert quarters(read_mesh(folder / "b.ply"))[3] == RED
    assert quarters(read_mesh(folder / "b.ply"))[0] == BLUE
    strips = head[:head.index("element face")] + (
        "element tristrips 1\nproperty list int int vertex_indices\nend_header\n")
    (folder / "c.ply").write_text(f"{strips}{ROWS}8 0 1 3 2 -1 0 1 2\n")
    mesh = read_mesh(folder / "c.ply")
    assert area(mesh) == 6
    assert (mesh.face_normals()[0, :, 2] == 1).all()


@pytest.mark.parametrize(("old", "new", "told"), [
    ("3 0 2 3", "3 0 2 9", "face 1 names the vertex 9, and there are 4"), ("int vertex", "long vertex", "line 9"),
    ("6 0 0 1 1 0 1", "4 0 0 1 1", "face 1 has 3 corners and 4 numbers of texcoord"),
    ("1 1 0\n-1", "1 x 0\n-1", "no number"), ("end_header", "the_end", "'the_end'"),
    ("picture.png", "lost.png", "'lost.png', which it names, is not there"), ("ascii", "text", "line 2"),
    ("float y", "float x", "declares 'x' twice")])
def test_a_ply_is_refused_by_its_place(folder, old, new, told):
    text = HEAD.format("ascii 1.0") + ROWS + "3 0 1 2 6 0 0 1 0 1 1\n3 0 2 3 6 0 0 1 1 0 1\n"
    assert old in text
    (folder / "a.ply").write_text(text.replace(old, new))
    with pytest.raises(UnbraidError) as caught:
        read_mesh(folder / "a.ply")
    assert told in str(caught.value)


def test_what_a_ply_has_beside_its_mesh_is_noted(folder):
    text = HEAD.format("ascii 1.0").replace("end_header", "element edge 1\nproperty int a\nend_header").replace(
        "property float z", "property float z\nproperty float quality").replace("comment TextureFile picture.png\n", "")
    rows = ROWS.replace(" 0\n", " 0 0.5\n") + "3 0 1 2 0\n3 0 2 3 0\n7\n99\n"
    (folder / "a.ply").write_text(text + rows)
    mesh = noted(folder / "a.ply", "1 numbers after its last row.*edge.*quality")
    assert set(quarters(mesh)) == {WHITE}
