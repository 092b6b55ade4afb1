"""Mesh files that went wrong in other readers: the shared cases, each as it must come out."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh
from unbraid_plugins.opengl.shading.draw import draw

RED, GREEN, BLUE, YELLOW, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 0, 0)
PICTURE = [RED, GREEN, BLUE, YELLOW]

CASES = [                                          # file, faces, area, colours of the quarters
    ("obj-concave-polygon/arrow.obj", 2, 1, None),
    ("obj-some-faces-without-vt/a.obj", 3, 5, PICTURE),
    ("obj-same-count-of-numbers/a.obj", 5, 6, None),
    ("obj-continued-line/negative.obj", 2, 4, None),
    ("obj-continued-line/nogap.obj", 2, 4, None),
    ("obj-double-faces/twice.obj", 80, 11.666, None),
    ("obj-far-from-the-origin/utm.obj", 120, 10.807, None),
    ("obj-4096-texture-one-percent-outside/a.obj", 2, 4, [BLACK] * 4),
    ("convert-texture-and-colour/a.obj", 3, 5, PICTURE),
    ("glb-required-extensions/texture-transform.glb", 2, 4, [GREEN, RED, YELLOW, BLUE]),
    ("glb-required-extensions/instancing.glb", 6, 12, PICTURE),
    ("glb-normalized/uv-u8.glb", 2, 4, PICTURE),
    ("glb-normalized/uv-u16.glb", 2, 4, PICTURE),
    ("glb-normalized/position-i16.glb", 2, 4, PICTURE),
    ("glb-normalized/colour-u16.glb", 2, 4, [(188, 205, 255)] * 4),
    ("glb-specular-glossiness/a.glb", 2, 4, PICTURE),
    ("glb-opaque-alpha/a.glb", 2, 4, PICTURE),
    ("glb-vertex-colours/color0.glb", 2, 4, [(188, 188, 188)] * 4),
    ("glb-vertex-colours/factor.glb", 2, 4, [(188, 188, 188)] * 4),
    ("glb-vertex-colours/times-texture.glb", 2, 4, [RED, BLACK, BLACK, RED]),
    ("ply-binary-mixed-polygons/ascii.ply", 6, 4, None),
    ("ply-binary-mixed-polygons/int.ply", 6, 4, None),
    ("ply-binary-mixed-polygons/uchar.ply", 3, 2, None)]


@pytest.fixture
def cases(shared: Path) -> Path:
    if not (shared / "cases" / "mesh").is_dir():
        pytest.skip("no cases among the shared data")
    return shared / "cases" / "mesh"


def quietly(file: Path) -> Mesh:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_mesh(file)


def quarters(mesh: Mesh) -> list[tuple[int, ...]]:
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (16, 16), backend="torch").colour[0]
    return [tuple((image[:, r, c] * 255).round().int().tolist()) for r in (4, 12) for c in (4, 12)]


@pytest.mark.parametrize(("name", "faces", "area", "colours"), CASES)
def test_a_case_is_right(cases, name, faces, area, colours):
    mesh = quietly(cases / name)
    a, b, c = mesh.vertices[0][mesh.faces].unbind(1)
    assert len(mesh.faces) == faces
    assert (b - a).cross(c - a, dim=1).norm(dim=1).sum().item() / 2 == pytest.approx(area, rel=1e-4)
    if colours is not None:
        assert quarters(mesh) == colours


@pytest.mark.parametrize(("name", "told"), [
    ("glb-draco/a.glb", "KHR_draco_mesh_compression"),
    ("glb-required-extensions/meshopt.glb", "EXT_meshopt_compression"),
    ("ply-truncated/a.ply", "declares 500 of face, and there are 1"),
    ("ply-truncated/b.ply", "declares 400 of vertex, and there are 4")])
def test_a_case_is_refused(cases, name, told):
    with pytest.raises(UnbraidError, match=told):
        read_mesh(cases / name)


@pytest.mark.parametrize(("odd", "plain"), [("obj-double-faces/twice.obj", "obj-double-faces/once.obj"),
                                            ("obj-far-from-the-origin/utm.obj", "obj-far-from-the-origin/near.obj")])
def test_two_files_are_one_mesh(cases, odd, plain):
    one, other = quietly(cases / odd), quietly(cases / plain)
    torch.testing.assert_close(one.vertices, other.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(one.normals(), other.normals(), atol=1e-4, rtol=0)


def test_hard_edges_have_six_normals(cases):
    normals = quietly(cases / "obj-hard-edges/cube.obj").normals()[0]
    assert len(normals.round(decimals=4).unique(dim=0)) == 6


@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_a_texture_and_a_plain_colour_are_written(cases, tmp_path, suffix):
    mesh = quietly(cases / "convert-texture-and-colour" / "a.obj")
    back = quietly(write_mesh(tmp_path / f"x{suffix}", mesh))
    assert quarters(back) == PICTURE
    assert quarters(back.but(vertices=back.vertices - torch.tensor([1.5, 0, 0])))[2] == RED
    assert len(back.faces) == 3


def test_a_picture_of_the_same_name_stays(cases, tmp_path):
    (tmp_path / "b.png").write_bytes(b"mine")
    written = write_mesh(tmp_path / "b.obj", quietly(cases / "obj-written-over-a-picture" / "a.obj"))
    assert (tmp_path / "b.png").read_bytes() == b"mine"
    assert quarters(quietly(written)) == PICTURE
