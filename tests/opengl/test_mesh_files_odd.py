"""Files that other programs write oddly: each is read right, refused with its place, or noted."""

from __future__ import annotations

import base64
import json
import unicodedata
import urllib.parse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from glb_maker import FACES, PLACES, SPOTS, Glb
from PIL import Image

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh
from unbraid_plugins.opengl.shading.draw import draw

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
WHOLE = [RED, GREEN, BLUE, YELLOW]
CORNERS = "-1 -1 0\n1 -1 0\n1 1 0\n-1 1 0\n"
OBJ = "mtllib a.mtl\n" + "".join(f"v {c}\n" for c in CORNERS.splitlines()) + \
      "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nusemtl m\nf 1/1 2/2 3/3 4/4\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"
LIST = "element face 2\nproperty list uchar int vertex_indices\n"


def quarters(mesh: Mesh, backend: str = "torch", size: int = 16) -> list[tuple[int, ...]]:
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (size, size), backend=backend).colour[0]
    places = (size // 4, 3 * size // 4)
    return [tuple((image[:, r, c] * 255).round().int().tolist()) for r in places for c in places]


def picture() -> Image.Image:
    return Image.fromarray(np.array([[RED, GREEN], [BLUE, YELLOW]], np.uint8).repeat(4, 0).repeat(4, 1))


def told(file: Path, **options: Any) -> tuple[Mesh, str]:
    """The mesh, and all that was noted."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mesh = read_mesh(file, **options)
    return mesh, "; ".join(str(w.message) for w in caught)


def obj(folder: Path, mtl: str = "newmtl m\nmap_Kd p.png\n", text: str = OBJ) -> Path:
    picture().save(folder / "p.png")
    (folder / "a.mtl").write_text(mtl)
    (folder / "a.obj").write_text(text)
    return folder / "a.obj"


def ply(folder: Path, columns: str = XYZ, rows: str = CORNERS, faces: str = "3 0 1 2\n3 0 2 3\n", declared: str = LIST,
        comments: str = "") -> Path:
    picture().save(folder / "p.png")
    (folder / "a.ply").write_text(f"ply\nformat ascii 1.0\n{comments}element vertex 4\n{columns}{declared}end_header\n"
                                  f"{rows}{faces}")
    return folder / "a.ply"


def tailed(tail: str, rows: str = CORNERS) -> str:
    return "".join(f"{row} {tail}\n" for row in rows.splitlines())


# -- .mtl --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "colours"), [
    ("-s 2 1 1", [GREEN, GREEN, YELLOW, YELLOW]), ("-s 2", [GREEN, GREEN, YELLOW, YELLOW]),
    ("-o 0.5 0 0", [GREEN, RED, YELLOW, BLUE]), ("-O 0 0.5", [BLUE, YELLOW, RED, GREEN]),
    ("-s 2 2 1 -o 0.25 0.25 0 -clamp on", [RED, GREEN, BLUE, YELLOW]),
    ("-mm 0 0.5", [(128, 0, 0), (0, 128, 0), (0, 0, 128), (128, 128, 0)]),
    ("-mm 0.5 0.5", [(255, 128, 128), (128, 255, 128), (128, 128, 255), (255, 255, 128)])])
def test_options_of_a_texture(tmp_path, options, colours):
    if "clamp" in options:                         # without it, beyond 1 the texture begins again
        (tmp_path / "a").mkdir()
        assert quarters(read_mesh(obj(tmp_path / "a", f"newmtl m\nmap_Kd {options[:-9]} p.png\n"))) != colours
        colours = [GREEN, GREEN, YELLOW, YELLOW]
        options = "-o 0.5 0 -clamp on"
    assert quarters(read_mesh(obj(tmp_path, f"newmtl m\nmap_Kd {options} p.png\n"))) == colours


@pytest.mark.parametrize(("channel", "red"), [("r", 51), ("g", 102), ("b", 153), ("m", 204), ("l", 95)])
def test_the_channel_that_is_the_opacity(tmp_path, channel, red):
    Image.new("RGBA", (4, 4), (51, 102, 153, 204)).save(tmp_path / "d.png")
    file = obj(tmp_path, f"newmtl m\nKd 1 0 0\nmap_d -imfchan {channel} d.png\n")
    assert quarters(read_mesh(file)) == [(red, 0, 0)] * 4


def test_pictures_of_a_material_at_different_places(tmp_path):
    file = obj(tmp_path, "newmtl m\nmap_Kd -s 2 2 p.png\nmap_Ke p.png\n")
    with pytest.raises(UnbraidError, match=r"a.mtl, line 3: the pictures of 'm' lie at different places"):
        read_mesh(file)


@pytest.mark.parametrize(("mtl", "note"), [
    ("newmtl m\nmap_Kd -blendu off p.png\n", "line 2: the option -blendu off"), ("newmtl m\nmap_Kd P.PNG\n", "'P.PNG'"),
    ("newmtl m\nmap_Kd p.png\nmap_opacity p.png\n", "map_opacity left out"),
    ("newmtl m\nmap_Kd p.png\ndecal p.png\n", "decal left out"), ("newmtl m\nKd 1 0 0\nTf 0.5 1 1\n", "Tf left out"),
    ("newmtl m\nmap_Ka p.png\n", "ambient"), ("newmtl m\nmap_Kd p.png\nnewmtl m\nKd 1 0 0\n", "twice: the first")])
def test_what_a_material_says_and_is_not_drawn_is_noted(tmp_path, mtl, note):
    assert note in told(obj(tmp_path, mtl))[1]


def test_names_as_other_systems_write_them(tmp_path):
    picture().save(tmp_path / "\u00fc.png")
    (tmp_path / "Maps").mkdir()
    picture().save(tmp_path / "Maps" / "q.png")
    for name in (unicodedata.normalize("NFD", "\u00fc.png"), "maps\\Q.png", '"p.png"'):
        assert quarters(told(obj(tmp_path, f"newmtl m\nmap_Kd {name}\n"))[0]) == WHOLE
    picture().save(tmp_path / "P.PNG")             # now two files differ in capitals alone
    with pytest.raises(UnbraidError, match=r"'P.png', which it names, is not there"):
        read_mesh(obj(tmp_path, "newmtl m\nmap_Kd P.png\n"))


def test_words_that_python_alone_reads_as_numbers(tmp_path):
    for text in (OBJ.replace("v 1 1 0", "v 1_0 1 0"), OBJ.replace("f 1/1", "f \u0661/1"),
                 OBJ.replace("f 1/1", "f 1_/1")):
        with pytest.raises(UnbraidError, match=r"no number|has the corner"):
            read_mesh(obj(tmp_path, text=text))
    with pytest.raises(UnbraidError, match="no number"):
        read_mesh(ply(tmp_path, rows=CORNERS.replace("1 1 0", "1_0 1 0")))
    (tmp_path / "a.off").write_text("OFF\n4 1 0\n" + CORNERS.replace("1 1 0", "1 1_0 0") + "4 0 1 2 3\n")
    with pytest.raises(UnbraidError, match="line 5"):
        read_mesh(tmp_path / "a.off")


def test_colours_of_zbrush_are_noted(tmp_path):
    assert "#MRGB (1)" in told(obj(tmp_path, text="#MRGB ffff0000\n" + OBJ))[1]


# -- .ply, .stl, .off -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("about", "line"), [
    ({"rows": tailed("7")}, "line 10 has 4 numbers, and the header declares 3 for a row of vertex"),
    ({"faces": "3 0 1 2 255\n3 0 2 3 255\n"}, "line 14 has 5 numbers, and the header declares 4 for a row of face"),
    ({"rows": CORNERS.replace("1 1 0", "1 1")}, "line 12 has 2 numbers")])
def test_rows_of_a_ply_that_are_not_as_declared(tmp_path, about, line):
    with pytest.raises(UnbraidError, match=line):
        read_mesh(ply(tmp_path, **about))


def colours(kind: str, names: str = "red green blue") -> str:
    return XYZ + "".join(f"property {kind} {name}\n" for name in names.split())


@pytest.mark.parametrize(("about", "note"), [
    ({"columns": colours("uchar", "red green blue alpha"), "rows": tailed("255 0 0 128")}, "left out: alpha"),
    ({"columns": colours("uchar", "red"), "rows": tailed("255")}, "left out: red"),
    ({"columns": colours("float", "s t"), "rows": tailed("0 0")}, "left out: s, t"),
    ({"columns": colours("int"), "rows": tailed("1 0 0")}, "up to 1"),
    ({"columns": colours("float", "s t"), "rows": tailed("0.5 0.5"),
      "comments": "comment TextureFile p.png\ncomment TextureFile q.png\n"}, "no face has: q.png")])
def test_what_a_ply_says_and_is_not_drawn_is_noted(tmp_path, about, note):
    assert note in told(ply(tmp_path, **about))[1]


def test_colours_of_16_bits_that_end_at_255(tmp_path):
    mesh, note = told(ply(tmp_path, colours("ushort"), tailed("255 0 0")))
    assert quarters(mesh) == [RED] * 4
    assert "end at 255" in note
    mesh, note = told(ply(tmp_path, colours("ushort"), tailed("65535 0 0")))
    assert quarters(mesh) == [RED] * 4
    assert not note


@pytest.mark.parametrize("count", [0, 1])
def test_strips_beside_faces(tmp_path, count):
    strips = "element tristrips 1\nproperty list int int vertex_indices\n"
    mesh, note = told(ply(tmp_path, declared=LIST.replace("2", str(count)) + strips,
                          faces="3 0 1 2\n3 0 2 3\n" if count else "4 0 1 3 2\n"))
    assert (len(mesh.faces), note) == (2, "")


@pytest.mark.parametrize(("mark", "first"), [(b"\r", 10), (b"\n", 13), (b"\r\n", 10)])
def test_bytes_that_look_like_the_end_of_the_header(tmp_path, mark, first):
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 4\n{XYZ.replace('float', 'uchar')}" + \
        LIST.replace("int", "uchar") + "end_header\n"
    square = bytes([first, 10, 0, 30, 10, 0, 30, 30, 0, first, 30, 0, 3, 0, 1, 2, 3, 0, 2, 3])
    (tmp_path / "a.ply").write_bytes(head.encode().replace(b"\n", mark) + square)
    assert read_mesh(tmp_path / "a.ply").vertices[0, 0].tolist() == [first, 10, 0]


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_an_stl_with_a_byte_order_mark(tmp_path, coding):
    corners = "vertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
    text = f"solid s\nfacet normal 0 0 1\nouter loop\n{corners}endloop\nendfacet\nendsolid\n"
    mark = b"\xfe\xff" if coding == "utf-16-be" else b""
    (tmp_path / "a.stl").write_bytes(mark + text.encode(coding))
    assert len(read_mesh(tmp_path / "a.stl").faces) == 1


@pytest.mark.parametrize(("head", "tails", "faces", "expected", "note"), [
    ("off", [""] * 4, ["", ""], (255, 255, 255), ""), ("COFF", [" 1 0 0", " 1 0 0", " 1.0 0 0", " 1 0 0"], ["", ""],
                                                       RED, ""),
    ("OFF", [""] * 4, [" 1 0 0", " 1.0 0 0"], RED, ""), ("OFF", [""] * 4, [" 1 0 0", " 1 0 0"], (1, 0, 0), "up to 1"),
    ("OFF", [""] * 4, [" 255 0 0 9", " 255 0 0 9"], RED, "opacity"),
    ("COFF", [" 255 0 0 9"] * 4, ["", ""], RED, "opacity"),
    ("OFF", [""] * 4, [" 1 2 3 4 5", ""], (255, 255, 255), "behind 1 faces")])
def test_colours_of_an_off_are_of_one_kind(tmp_path, head, tails, faces, expected, note):
    rows = "".join(f"{c}{t}\n" for c, t in zip(CORNERS.splitlines(), tails, strict=True))
    (tmp_path / "a.off").write_text(f"{head}\n4 2 0\n{rows}3 0 1 2{faces[0]}\n3 0 2 3{faces[1]}\n")
    mesh, noted = told(tmp_path / "a.off")
    assert quarters(mesh) == [expected] * 4
    assert note in noted
    assert bool(note) == bool(noted)


# -- .glb --------------------------------------------------------------------------------------------------------------


def square(**attributes: np.ndarray) -> Glb:
    return Glb(**attributes).textured(picture())


def gltf(file: Path, uri: str) -> Path:
    glb = square()
    file.write_text(json.dumps({**glb.tree, "buffers": [{"byteLength": len(glb.binary), "uri": uri}]}))
    return file


@pytest.mark.parametrize("form", [
    lambda b: "data:application/octet-stream," + urllib.parse.quote_from_bytes(b),
    lambda b: "DATA:application/octet-stream;BASE64," + base64.b64encode(b).decode(),
    lambda b: "data:;base64," + base64.b64encode(b).decode().rstrip("="),
    lambda b: "data:;base64," + urllib.parse.quote(base64.b64encode(b).decode(), safe=""),
    lambda b: "data:;base64," + base64.encodebytes(b).decode()])
def test_forms_of_data_within_a_gltf(tmp_path, form):
    assert quarters(read_mesh(gltf(tmp_path / "a.gltf", form(bytes(square().binary))))) == WHOLE


def test_nothing_is_read_from_a_network(tmp_path):
    with pytest.raises(UnbraidError, match=r"'http://x.org/a.bin', which it names, is no file of its folder"):
        read_mesh(gltf(tmp_path / "a.gltf", "http://x.org/a.bin"))


@pytest.mark.parametrize(("most", "kind", "normalized"), [(255, np.uint8, False), (65535, np.uint16, False),
                                                          (255, np.uint8, True)])
def test_colours_that_are_not_called_normalized(tmp_path, most, kind, normalized):
    glb = Glb(COLOR_0=np.array([[most, most // 2, 0, most]] * 4, kind))
    glb.tree["accessors"][2]["normalized"] = normalized
    mesh, note = told(glb.write(tmp_path / "a.glb"))
    assert quarters(mesh) == [(255, 187 if most == 255 else 188, 0)] * 4
    assert ("not normalized" in note) == (not normalized)


def test_colours_beyond_1_are_refused(tmp_path):
    glb = Glb(COLOR_0=np.full((4, 3), 200, np.float32))
    with pytest.raises(UnbraidError, match="COLOR_0 goes from 200 to 200"):
        read_mesh(glb.write(tmp_path / "a.glb"))


def test_a_joint_that_mirrors_keeps_the_outside_outside(tmp_path):
    glb = square(JOINTS_0=np.zeros((4, 4), np.uint8), WEIGHTS_0=np.array([[1, 0, 0, 0]] * 4, np.float32))
    glb.tree |= {"nodes": [{"mesh": 0, "skin": 0}, {"scale": [-1, 1, 1]}], "scenes": [{"nodes": [0, 1]}],
                 "skins": [{"joints": [1]}]}
    mesh = read_mesh(glb.write(tmp_path / "a.glb"))
    assert quarters(mesh) == [GREEN, RED, YELLOW, BLUE]
    assert mesh.normals()[0, :, 2].min() > 0.99


def test_hidden_nodes(tmp_path):
    glb = square()
    glb.tree["nodes"] += [{"children": [2], "extensions": {"KHR_node_visibility": {"visible": False}}},
                          {"mesh": 0, "translation": [0, 0, 1]}]
    glb.tree |= {"scenes": [{"nodes": [0, 1]}], "extensionsRequired": ["KHR_node_visibility"]}
    mesh, note = told(glb.write(tmp_path / "a.glb"))
    assert len(mesh.faces) == 2
    assert "1 nodes are hidden" in note


@pytest.mark.parametrize(("change", "note"), [
    (lambda glb: glb.tree["materials"][0].update(extensions={"KHR_materials_unlit": {}}), "is unlit"),
    (lambda glb: glb.primitive["attributes"].update(COLOR_1=glb.array(PLACES)), "COLOR_1 left out")])
def test_what_a_glb_says_and_is_not_drawn_is_noted(tmp_path, change, note):
    glb = square()
    change(glb)
    assert note in told(glb.write(tmp_path / "a.glb"))[1]


def test_bytes_behind_a_glb(tmp_path):
    file = square().write(tmp_path / "a.glb")
    file.write_bytes(file.read_bytes() + b"more")
    assert "4 bytes after its end" in told(file)[1]


@pytest.mark.parametrize("backend", ["gl", "torch"])
@pytest.mark.parametrize("wrap", [10497, 33071, 33648])
def test_texels_that_are_not_interpolated(tmp_path, backend, wrap):
    """Two by two texels over 32 by 32 pixels: each pixel has one of four colours, and written ones come back."""
    small = picture().resize((2, 2), Image.Resampling.NEAREST)
    files = {}
    for name, how in (("nearest", 9728), ("linear", 9729)):
        glb = Glb(TEXCOORD_0=SPOTS * 3 - 1, NORMAL=np.zeros((4, 3), np.float32))
        glb.textured(small, {"magFilter": how, "wrapS": wrap, "wrapT": wrap})
        files[name] = glb.write(tmp_path / f"{name}.glb")
    write_mesh(tmp_path / "again.glb", read_mesh(files["nearest"]))
    zero, seen = torch.zeros(1), {}
    for name in (*files, "again"):
        image = draw(read_mesh(tmp_path / f"{name}.glb"), Camera(orbiting(zero, zero), orthographic(2.0)), (32, 32),
                     backend=backend, smooth=False).colour[0]
        seen[name] = len(torch.unique((image * 255).round().flatten(1).T, dim=0)), image
    assert seen["nearest"][0] == 4 < seen["linear"][0]
    assert torch.equal(seen["nearest"][1], seen["again"][1])


def test_indices_of_a_strip_that_restarts_are_refused(tmp_path):
    glb = square()
    glb.primitive |= {"indices": glb.array(np.array([0, 1, 3, 65535, *FACES[:3]], np.uint16)), "mode": 5}
    with pytest.raises(UnbraidError, match="names the vertex 65535"):
        read_mesh(glb.write(tmp_path / "a.glb"))
