"""`unbraid render`: pictures, sheets, turntables and meshes, of files and of runs."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh

RECIPE = """\
title: Octahedra
data:
  source: {type: sprites, size: 16, count: 20}
  draw: {x: {}}
  batch: 4
code: {corners: 6}
networks:
  encoder: {type: mlp_encoder, hidden: [8]}
  render:  {type: mesh_renderer}
flow:
  z: normal(size=6)
  f: encoder(x)
  v: uniform(size=2)
players:
  encoder:
    trains: encoder
    minimizes: {rebuild: "mse(render(solid.octahedron(f.corners), v), x)"}
functions:
  encode(x): f
  mesh_of(x): solid.octahedron(f.corners)
  solid(z): solid.octahedron(z)
  shape(z): solid.octahedron(z)
train: {steps: 1, checkpoint_every: 1, tensorboard: false, device: cpu}
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A green tetrahedron, far away from the origin."""
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]]) * 30 + 1000
    faces = torch.tensor([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    return write_mesh(tmp_path / "house.ply", Mesh.of(vertices, faces, colours=torch.tensor([[[0, 1.0, 0]] * 4])))


def pixels(file: str | Path) -> np.ndarray:
    return np.asarray(Image.open(file)).astype(int)


def test_a_picture_of_a_mesh_fills_its_size(unbraid, house):
    said = unbraid("render", house, "--size", "48x32", "--light", "none")
    assert said.code == 0, said.err
    assert said.out == "wrote render.png: a view of 4 faces\n"
    seen = pixels("render.png")
    assert seen.shape == (32, 48, 3)
    green = (seen == [0, 255, 0]).all(-1)
    assert 0.1 < green.mean() < 0.8
    assert (seen[0, 0] == 255).all()
    rows, columns = np.nonzero((seen != 255).any(-1))
    assert rows.max() - rows.min() > 16            # it was fitted in
    assert 0 < rows.min() <= rows.max() < 31
    assert 0 < columns.min() <= columns.max() < 47
    assert unbraid("render", house, "--unscaled", "--out", "far.png").code == 0
    assert (pixels("far.png") == 255).all()


def test_the_camera_and_the_light_are_as_they_are_said(unbraid, house):
    def shown(*options: object) -> np.ndarray:
        assert unbraid("render", house, "--size", 32, *options).code == 0
        return pixels("render.png")

    first = shown()
    for options in (["--azimuth", 200], ["--elevation", -60], ["--distance", 9], ["--fov", 70], ["--light", "80,10"],
                    ["--background", "#102030"], ["--ambient", 1], ["--flat"], ["--shape-alone"]):
        assert (shown(*options) != first).any(), options
    assert shown("--background", "#102030")[0, 0].tolist() == [16, 32, 48]
    assert np.abs(shown("--backend", "torch") - first).mean() < 1
    clear = shown("--background", "none", "--light", "none")
    assert clear.shape == (32, 32, 4)
    assert clear[0, 0, 3] == 0
    assert (clear[clear[..., 3] > 0][:, :3] == [0, 255, 0]).all()      # colours do not darken towards the outline


def test_culling_mipmaps_and_hard_edges(unbraid, tmp_path):
    """A half of a box, open to the camera, with a texture finer than the picture."""
    Image.fromarray((np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)).save(tmp_path / "board.png")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd board.png\n")
    (tmp_path / "a.obj").write_text(
        "mtllib a.mtl\nv 0 -1 1\nv -1 -1 0\nv 0 -1 -1\nv 0 1 1\nv -1 1 0\nv 0 1 -1\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "usemtl m\nf 2/1 1/2 4/3 5/4\nf 3/1 2/2 5/3 6/4\n")

    def shown(*options: object) -> np.ndarray:
        said = unbraid("render", "a.obj", "--size", 24, "--azimuth", -90, "--elevation", 0, *options)
        assert said.code == 0, said.err
        return pixels("render.png")

    board = shown("--light", "none")[4:-4, 8:-8]
    even = shown("--light", "none", "--mipmaps")[4:-4, 8:-8]
    assert even.std() < 12 < board.std()
    soft, hard = (shown("--shape-alone", "--normals", n) for n in ("smooth", "flat"))
    assert len(np.unique(hard[12, :, 0])) < 6 < len(np.unique(soft[12, :, 0]))
    assert (shown("--shape-alone", "--normals", 60) == hard).all()          # the faces meet at 90 degrees
    assert (shown("--shape-alone", "--normals", 100) == soft).all()
    assert (shown("--shape-alone", "--normals", "file") == soft).all()
    assert (shown("--cull") != 255).any()
    said = unbraid("render", "a.obj", "--azimuth", 90, "--elevation", 0, "--cull", "--size", 24)
    assert (pixels("render.png") == 255).all()     # seen from inside
    assert "nothing of the mesh" in said.err


def test_a_contact_sheet_has_a_row_for_each_layer(unbraid, house):
    said = unbraid("render", house, "--views", 3, "--show", "colour", "--show", "depth", "--show", "normals", "--show",
                   "alpha", "--size", 20)
    assert said.out == "wrote render.png: 3 views of 4 faces\n"
    sheet = pixels("render.png")
    assert sheet.shape == (4 * 22 + 2, 3 * 22 + 2, 3)
    colour, depth, normals, alpha = (sheet[2 + 22 * i:22 + 22 * i, 2:22] for i in range(4))
    covered = alpha[..., 0] == 255
    assert covered.any()
    assert (colour[covered] != 255).any(-1).all()
    assert (depth[alpha[..., 0] == 0] == 0).all()
    assert (depth[covered] > 0).all()
    lengths = np.linalg.norm(normals[covered] / 127.5 - 1, axis=1)
    assert np.abs(lengths - 1).mean() < 0.05
    assert unbraid("render", house, "--views", 2, "--elevation", 0, "--elevation", 40, "--size", 20).code == 0
    assert pixels("render.png").shape == (2 * 22 + 2, 2 * 22 + 2, 3)
    assert unbraid("render", house, "--views", 5, "--size", 20).code == 0
    assert pixels("render.png").shape == (2 * 22 + 2, 3 * 22 + 2, 3)


def test_what_is_near_is_bright_in_the_depth(unbraid, tmp_path):
    square = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    vertices = torch.cat([square, square / 3 + torch.tensor([0, 0, 1.0])])[None]
    write_mesh(tmp_path / "two.ply", Mesh.of(vertices, torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])))
    options = ["--show", "depth", "--size", 40, "--azimuth", 0, "--elevation", 0]
    assert unbraid("render", "two.ply", *options).code == 0
    depth = pixels("render.png")[..., 0]
    assert depth[20, 20] > depth[20, 10] + 50 > 50
    assert depth[0, 0] == 0


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng"])
@pytest.mark.parametrize("background", ["white", "none"])
def test_turntables_move(unbraid, house, name, background):
    said = unbraid("render", house, "--out", name, "--views", 6, "--size", 24, "--rate", 10, "--background", background)
    assert said.out == f"wrote {name}: 6 views of 4 faces, 0.6 s\n"
    with Image.open(name) as film:
        frames = []
        for i in range(film.n_frames):
            film.seek(i)
            frames.append(np.asarray(film.convert("RGBA")).astype(int))
        assert film.info["duration"] == 100
    assert len(frames) == 6
    assert all((a != b).any() for a, b in pairwise(frames))
    assert (frames[3][0, 0, 3] == 0) == (background == "none")
    assert np.abs(frames[0][12, 12] - [0, 255, 0, 255]).max() < 180
    assert unbraid("render", house, "--size", 24, "--background", "none", "--azimuth", 30 + 5 * 60).code == 0
    covered = pixels("render.png")[..., 3] > 127                      # the last frame, with nothing of those before
    if background == "none":
        assert ((frames[5][..., 3] > 127) != covered).mean() < 0.01


def test_a_picture_of_what_is_around_moves_past(unbraid, house, tmp_path):
    around = np.zeros((20, 40, 3), np.uint8)
    around[:, 20:] = 255
    Image.fromarray(around).save(tmp_path / "around.png")
    assert unbraid("render", house, "--background", tmp_path / "around.png", "--azimuth", 90, "--size", 16).code == 0
    assert (pixels("render.png")[0] == 0).all()
    assert unbraid("render", house, "--background", tmp_path / "around.png", "--azimuth", -90, "--size", 16).code == 0
    assert (pixels("render.png")[0] == 255).all()


def test_a_film_needs_an_encoder_and_says_so(unbraid, house, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    said = unbraid("render", house, "--out", "a.mp4", "--size", 16)
    assert said.code == 2
    assert "pip install 'unbraid[video]'" in said.err
    assert not list(Path().glob("*a.mp4"))


def test_a_film(unbraid, house):
    encoder = pytest.importorskip("imageio_ffmpeg")
    assert unbraid("render", house, "--out", "a.mp4", "--size", "34x21", "--views", 12, "--rate", 12).code == 0
    assert encoder.count_frames_and_secs("a.mp4") == (12, 1.0)


@pytest.mark.parametrize("size", ["1x1", "16x1", "1x16"])
def test_a_film_of_less_than_two_pixels(unbraid, house, size):
    pytest.importorskip("imageio_ffmpeg")
    said = unbraid("render", house, "--out", "a.mp4", "--size", size)
    assert said.code == 2
    assert said.err.startswith(f"Error: an .mp4 of {size} pixels is too small\n")
    assert not list(Path().glob("*a.mp4"))


def test_meshes_are_converted(unbraid, house):
    assert unbraid("render", house, "--out", "house.glb").out == "wrote house.glb\n"
    torch.testing.assert_close(read_mesh("house.glb").vertices, read_mesh(house).vertices)


def test_a_run_makes_meshes_of_pictures_and_of_noise(unbraid, solid, tmp_path, pictures):
    (tmp_path / "balls.yaml").write_text(RECIPE)
    said = unbraid("--plugin", solid, "train", "balls.yaml", "--out", "run")
    assert said.code == 0, said.err

    def render(*options: object):
        return unbraid("--plugin", solid, "render", "run", "--size", 16, *options)

    assert render().out == "wrote render.png: a view of 8 faces\n"
    first = pixels("render.png")
    assert render("--seed", 1).code == 0
    assert (pixels("render.png") != first).any()
    assert render("--function", "shape").code == 0
    assert (pixels("render.png") == first).all()
    assert render("--image", pictures[0], "--out", "a.obj").out == "wrote a.obj\n"
    assert read_mesh("a.obj").vertices.shape == (1, 6, 3)
    for options, told in ((["--function", "nothing"], "no function nothing(x)"),
                          (["--function", "encode"], "encode(x) does not make a mesh of noise alone"),
                          (["--function", "encode", "--image", pictures[0]], "gives a Code, not a mesh"),
                          (["--normals", "flat"], "--normals and --textures are for files"),
                          (["--image", "none.png"], "no image at none.png")):
        said = render(*options)
        assert said.code == 2, said.err
        assert told in said.err


@pytest.mark.parametrize(("options", "told"), [
    (["--size", "0"], "'0' is no size"), (["--size", "99999"], "up to 4096"), (["--light", "up"], "AZIMUTH,ELEVATION"),
    (["--background", "blurple"], "no colour and no picture"), (["--out", "a.tiff"], "no format .tiff"),
    (["--image", "a.png"], "--image and --function are for runs"), (["--show", "everything"], "everything"),
    (["--normals", "sharp"], "'sharp' is no choice"), (["--normals", "181"], "degrees from 0 to 180"),
    (["--textures", "nowhere"], "nowhere"),
    (["--light", "nan,nan"], "'nan,nan' is no place of a lamp"), (["--light", "0,inf"], "AZIMUTH,ELEVATION"),
    (["--out", "/proc/a.png"], "can't write /proc/a.png"), (["--size", 4096, "--views", 90], "are too many")])
def test_mistakes_are_told(unbraid, house, options, told):
    said = unbraid("render", house, *options)
    assert said.code == 2
    assert told in said.err


@pytest.mark.parametrize("option", ["azimuth", "elevation", "distance", "fov", "ambient", "rate"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_are_finite(unbraid, house, option, number):
    said = unbraid("render", house, f"--{option}={number}")
    assert said.code == 2
    assert f"Invalid value for '--{option}'" in said.err
    assert not Path("render.png").exists()


def test_a_place_where_nothing_is(unbraid):
    for place in ("runs/typo", "typo", "runs/a.b"):
        said = unbraid("render", place)
        assert said.code == 2
        assert said.err == (f"Error: neither a run nor a mesh file at {place}\n"
                            "  a run is a folder, a mesh a file that ends in .obj, .ply, .glb, .gltf, .stl, .off\n")
    assert "no mesh at runs/typo.obj" in unbraid("render", "runs/typo.obj").err


def test_files_that_are_no_meshes_and_backgrounds_that_are_no_pictures(unbraid, house, tmp_path):
    (tmp_path / "bad.obj").write_text("f 1 2 3\n")
    assert unbraid("render", "bad.obj").code == 2
    said = unbraid("render", "none.obj")
    assert (said.code, said.err) == (2, "Error: no mesh at none.obj\n")
    (tmp_path / "bad.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl steel\nf 1 2 3\n")
    said = unbraid("render", "bad.obj")
    assert "'steel'" in said.err
    assert "--shape-alone" in said.err
    assert unbraid("render", "bad.obj", "--shape-alone").code == 0
    said = unbraid("render", house, "--background", "bad.obj")
    assert said.code == 2
    assert "can't read the picture bad.obj" in said.err
    (tmp_path / "empty").mkdir()
    said = unbraid("render", "empty")
    assert said.code == 2


def test_without_the_plugin_it_says_why(unbraid, house):
    said = unbraid("--no-plugin", "viewing", "render", house)
    assert said.code == 2
    assert "the command 'render' is of the plugin 'viewing', which is not loaded" in said.err
