"""Transparency and emission of files: .glb, and .obj with its .mtl."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from glb_maker import SPOTS, Glb
from PIL import Image

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.opengl.shading.draw import draw

RED, GREEN, BLUE, YELLOW, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255)
HALF, NONE = (127, 255, 127), WHITE                # half of green, and nothing, over white
OBJ = "mtllib a.mtl\nv -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nusemtl m\n" \
      "f 1/1 2/2 3/3 4/4\n"


def quarters(mesh: Mesh) -> list[tuple[int, ...]]:
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (16, 16), background=torch.ones(1, 3),
                 backend="torch").colour[0]
    return [tuple((image[:, r, c] * 255).round().int().tolist()) for r in (4, 12) for c in (4, 12)]


def near(found: list[tuple[int, ...]], expected: list[tuple[int, ...]]) -> bool:
    """Whether all numbers are equal but for rounding."""
    return bool((np.abs(np.array(found) - np.array(expected)) <= 1).all())


def picture() -> Image.Image:
    """Red, green and half clear; blue and clear; yellow."""
    pixels = np.array([[[*RED, 255], [*GREEN, 128]], [[*BLUE, 0], [*YELLOW, 255]]], np.uint8)
    return Image.fromarray(pixels.repeat(4, 0).repeat(4, 1))


def noted(file: Path, told: str) -> Mesh:
    with pytest.warns(UserWarning, match=told):
        return read_mesh(file)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(("about", "colours"), [
    ({"alphaMode": "OPAQUE"}, [RED, GREEN, BLUE, YELLOW]), ({"alphaMode": "BLEND"}, [RED, HALF, NONE, YELLOW]),
    ({"alphaMode": "MASK"}, [RED, GREEN, NONE, YELLOW]),
    ({"alphaMode": "MASK", "alphaCutoff": 0.6}, [RED, NONE, NONE, YELLOW]),
    ({"alphaMode": "MASK", "alphaCutoff": 0}, [RED, GREEN, BLUE, YELLOW])])
def test_modes_of_transparency(tmp_path, about, colours):
    assert near(quarters(read_mesh(Glb().textured(picture(), **about).write(tmp_path / "a.glb"))), colours)


def test_a_factor_and_colours_of_vertices_have_an_opacity(tmp_path):
    glb = Glb(COLOR_0=np.array([[1, 0, 0, 0.5]] * 4, np.float32))
    glb.tree["materials"] = [{"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.5]}}]
    glb.primitive["material"] = 0
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [(255, 191, 191)] * 4      # a quarter of red
    glb.tree["materials"][0]["alphaMode"] = "OPAQUE"
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [RED] * 4


def test_what_is_marked_and_hides_all_is_opaque(tmp_path):
    """Exporters write BLEND for whatever they have: without transparency it is drawn as any other surface."""
    mesh = read_mesh(Glb().textured(picture().convert("RGB"), alphaMode="BLEND").write(tmp_path / "a.glb"))
    assert mesh.topology.materials is None
    assert mesh.texture.shape[1] == 3


def test_emission_is_added_in_the_numbers_of_pictures(tmp_path):
    glb = Glb()
    glb.tree["materials"] = [{"emissiveFactor": [0.5, 0, 0], "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}}]
    glb.primitive["material"] = 0
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [(188, 0, 0)] * 4
    extension = {"KHR_materials_emissive_strength": {"emissiveStrength": 0.5}}
    glb.tree["materials"][0]["extensions"] = extension
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [(137, 0, 0)] * 4           # sRGB of a quarter
    extension["KHR_materials_emissive_strength"]["emissiveStrength"] = 7
    assert quarters(noted(glb.write(tmp_path / "a.glb"), "more light than a picture can show")) == [RED] * 4
    dark = Glb().textured(picture().convert("RGB"), emissiveFactor=[1, 1, 1], emissiveTexture={"index": 0})
    dark.tree["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [0, 0, 0, 1]
    assert quarters(read_mesh(dark.write(tmp_path / "a.glb"))) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize(("about", "told"), [
    ({"alphaMode": "MASK", "alphaCutoff": "x"}, "alphaCutoff is 'x'"),
    ({"emissiveFactor": [2, 0, 0]}, "its emission is"), ({"emissiveFactor": [1]}, "its emission is"),
    ({"emissiveFactor": [1, 1, 1], "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": -1}}},
     "its emissive strength is -1")])
def test_numbers_of_materials_that_are_refused(tmp_path, about, told):
    with pytest.raises(UnbraidError, match=told):
        read_mesh(Glb().textured(picture(), **about).write(tmp_path / "a.glb"))


def test_texture_coordinates_without_a_fraction_are_refused(tmp_path):
    with pytest.raises(UnbraidError, match="texture coordinates reach"):
        read_mesh(Glb(TEXCOORD_0=SPOTS * np.float32(3e38)).textured(picture()).write(tmp_path / "a.glb"))


@pytest.mark.parametrize(("lines", "colour"), [
    ("Kd 1 0 0\nd 0.5", (255, 128, 128)), ("Kd 1 0 0\nTr 0.25", (255, 64, 64)), ("Kd 1 0 0\nTr 1\nd 1", RED),
    ("Kd 1 0 0\nd 1.00001", RED), ("Kd 0 0 0\nKe 0 0 1", BLUE), ("Kd 1 0 0\nKe 0 0 0", RED),
    ("Kd 0 0 0\nmap_Ke grey.png", (128, 128, 128)), ("Kd 0 0 0\nKe 0 1 0\nmap_Ke grey.png", (0, 128, 0)),
    ("Kd 1 0 0\nmap_d grey.png", (255, 127, 127)), ("map_Kd grey.png\nd 0.5", (191, 191, 191))])
def test_opacity_and_emission_of_an_mtl(tmp_path, lines, colour):
    Image.new("L", (4, 4), 128).save(tmp_path / "grey.png")
    (tmp_path / "a.mtl").write_text(f"newmtl m\n{lines}\n")
    (tmp_path / "a.obj").write_text(OBJ)
    assert near(quarters(read_mesh(tmp_path / "a.obj")), [colour] * 4)


def test_one_picture_may_give_colour_and_opacity(tmp_path):
    picture().save(tmp_path / "leaf.png")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd leaf.png\nmap_d leaf.png\n")
    (tmp_path / "a.obj").write_text(OBJ)
    assert near(quarters(read_mesh(tmp_path / "a.obj")), [RED, HALF, NONE, YELLOW])


def test_light_beyond_a_picture_s_is_told(tmp_path):
    (tmp_path / "a.mtl").write_text("newmtl m\nKd 0 0 0\nKe 30 0 0\n")
    (tmp_path / "a.obj").write_text(OBJ)
    assert quarters(noted(tmp_path / "a.obj", "more light than a picture can show")) == [RED] * 4


def test_a_window_beside_a_wall(tmp_path):
    """Materials of all kinds in one file: opacity, a picture that repeats, a plain colour, faces without texture."""
    picture().convert("RGB").save(tmp_path / "p.png")
    (tmp_path / "a.mtl").write_text("newmtl wall\nmap_Kd p.png\nnewmtl glass\nKd 0 0 0\nd 0.5\nnewmtl m\nKd 1 0 0\n")
    (tmp_path / "a.obj").write_text(
        "mtllib a.mtl\nv -1 0 0\nv 1 0 0\nv 1 1 0\nv -1 1 0\nv -1 -1 0\nv 1 -1 0\nvt 0 0\nvt 4 0\nvt 4 2\nvt 0 2\n"
        "v 0 -1 1\nv 1 -1 1\nv 1 1 1\nv 0 1 1\nusemtl wall\nf 1/1 2/2 3/3 4/4\nusemtl m\nf 5 6 2 1\nusemtl glass\n"
        "f 7 8 9 10\n")
    mesh = read_mesh(tmp_path / "a.obj")
    found = quarters(mesh)
    assert near(found[2:], [RED, (128, 0, 0)])
    zero = torch.zeros(1)
    alone = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (64, 64), backend="torch").colour[0]
    torch.testing.assert_close(alone[:, 3:29, 2:14], alone[:, 3:29, 18:30])         # the wall repeats
    torch.testing.assert_close(alone[:, 3:29, 34:46] * 2, alone[:, 3:29, 2:14], atol=1e-4, rtol=0)
