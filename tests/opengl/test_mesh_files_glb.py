"""The kinds of things that a .glb can say: read, refused by name, or noted."""

from __future__ import annotations

import warnings
from pathlib import Path

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

RED, GREEN, BLUE, YELLOW, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255)


def picture(mode: str = "RGB") -> Image.Image:
    small = Image.new("RGB", (2, 2))
    for place, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), (RED, GREEN, BLUE, YELLOW), strict=True):
        small.putpixel(place, colour)
    return small.resize((8, 8), Image.Resampling.NEAREST).convert(mode)


def quarters(mesh: Mesh) -> list[tuple[int, ...]]:
    zero = torch.zeros(1)
    image = draw(mesh, Camera(orbiting(zero, zero), orthographic(2.0)), (16, 16), backend="torch").colour[0]
    return [tuple((image[:, r, c] * 255).round().int().tolist()) for r in (4, 12) for c in (4, 12)]


def bounds(mesh: Mesh) -> list[list[float]]:
    used = mesh.vertices[0][mesh.faces].flatten(0, 1)
    return [[round(x, 4) for x in ends.tolist()] for ends in (used.amin(0), used.amax(0))]


def noted(file: Path, told: str) -> Mesh:
    with pytest.warns(UserWarning, match=told):
        return read_mesh(file)


def test_nodes_turn_scale_and_mirror(tmp_path):
    glb = Glb()
    half = 0.5 ** 0.5
    glb.tree["nodes"] = [{"children": [1], "translation": [1, 2, 3], "rotation": [0, half, 0, half]},
                         {"mesh": 0, "scale": [-2, 1, 1]}]
    mesh = read_mesh(glb.write(tmp_path / "a.glb"))
    assert bounds(mesh) == [[1, 1, 1], [1, 3, 5]]
    turned = mesh.face_normals()[0].mean(0)                        # +z turned to +x; the mirror leaves it there
    torch.testing.assert_close(turned, torch.tensor([1.0, 0, 0]), atol=1e-5, rtol=0)


def test_only_the_scene_that_it_opens_with(tmp_path):
    glb = Glb()
    glb.tree |= {"scene": 1, "scenes": [{"nodes": [0]}, {"nodes": [1]}],
                 "nodes": [{"mesh": 0}, {"mesh": 0, "translation": [5, 0, 0]}]}
    assert bounds(noted(glb.write(tmp_path / "a.glb"), r"scenes\[1\]"))[0][0] == 4


@pytest.mark.parametrize(("mode", "indices"), [(5, [0, 1, 3, 2]), (6, [0, 1, 2, 3])])
def test_strips_and_fans(tmp_path, mode, indices):
    glb = Glb()
    glb.primitive |= {"mode": mode, "indices": glb.array(np.array(indices, np.uint8))}
    mesh = read_mesh(glb.write(tmp_path / "a.glb"))
    assert mesh.face_normals()[0].tolist() == [[0, 0, 1], [0, 0, 1]]


def test_without_indices_every_three_vertices_are_a_face(tmp_path):
    glb = Glb(POSITION=PLACES[FACES], TEXCOORD_0=SPOTS[FACES]).textured(picture())
    del glb.primitive["indices"]
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [RED, GREEN, BLUE, YELLOW]


def test_sparse_values_and_strides(tmp_path):
    glb = Glb()
    wide = np.concatenate([PLACES, PLACES * 9], 1)
    where, new = glb.view(np.array([2], np.uint16).tobytes()), glb.view(np.array([[3, 3, 3]], np.float32).tobytes())
    glb.tree["accessors"][0] |= {"bufferView": glb.view(wide.tobytes(), byteStride=24), "sparse": {
        "count": 1, "indices": {"bufferView": where, "componentType": 5123}, "values": {"bufferView": new}}}
    assert bounds(read_mesh(glb.write(tmp_path / "a.glb"))) == [[-1, -1, 0], [3, 3, 3]]


def test_morph_targets_have_the_weights_of_the_file(tmp_path):
    glb = Glb()
    glb.primitive["targets"] = [{"POSITION": glb.array(np.full((4, 3), [4, 0, 0], np.float32))}]
    glb.tree["meshes"][0]["weights"] = [0.5]
    assert bounds(read_mesh(glb.write(tmp_path / "a.glb")))[1] == [3, 1, 0]
    glb.tree["nodes"][0]["weights"] = [0.25]
    assert bounds(read_mesh(glb.write(tmp_path / "a.glb")))[1] == [2, 1, 0]


def test_a_skin_poses_its_mesh(tmp_path):
    glb = Glb(JOINTS_0=np.zeros((4, 4), np.uint8), WEIGHTS_0=np.array([[1, 0, 0, 0]] * 4, np.float32))
    bind = np.eye(4, dtype=np.float32)
    bind[0, 3] = -1
    glb.tree |= {"nodes": [{"mesh": 0, "skin": 0, "translation": [9, 9, 9]}, {"translation": [0, 5, 0]}],
                 "scenes": [{"nodes": [0, 1]}],
                 "skins": [{"joints": [1], "inverseBindMatrices": glb.array(bind.T.reshape(1, 16).copy())}]}
    assert bounds(read_mesh(glb.write(tmp_path / "a.glb"))) == [[-2, 4, 0], [0, 6, 0]]


@pytest.mark.parametrize(("wrap", "colours"), [
    (10497, [RED, GREEN, BLUE, YELLOW]), (33071, [RED] * 4), (33648, [YELLOW, BLUE, GREEN, RED])])
def test_textures_repeat_end_or_are_mirrored(tmp_path, wrap, colours):
    glb = Glb(TEXCOORD_0=SPOTS - 1).textured(picture(), {"wrapS": wrap, "wrapT": wrap})
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == colours


def test_another_set_of_texture_coordinates(tmp_path):
    glb = Glb(TEXCOORD_1=SPOTS[:, ::-1].copy()).textured(picture())
    glb.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 1
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [RED, BLUE, GREEN, YELLOW]
    glb.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 2
    assert set(quarters(noted(glb.write(tmp_path / "a.glb"), "has no TEXCOORD_2"))) == {WHITE}


def test_files_beside_it_by_escaped_names(tmp_path):
    picture().save(tmp_path / "a picture.png")
    glb = Glb().textured(picture())
    glb.tree["images"] = [{"uri": "a%20picture.png"}]
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [RED, GREEN, BLUE, YELLOW]
    glb.tree["images"] = [{"uri": "lost.png"}]
    with pytest.raises(UnbraidError, match=r"'lost\.png', which it names, is not there"):
        read_mesh(glb.write(tmp_path / "a.glb"))
    assert read_mesh(tmp_path / "a.glb", materials=False).texture is None


def test_materials_that_no_primitive_has_are_not_looked_at(tmp_path):
    glb = Glb().textured(picture())
    glb.tree["materials"].append({"pbrMetallicRoughness": {"baseColorTexture": {"index": 7}}})
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb"))) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize(("change", "told"), [
    ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "requires the extension KHR_draco_mesh_compression"),
    ({"extensionsRequired": ["VENDOR_thing"]}, "requires the extension VENDOR_thing"),
    ({"asset": {"version": "1.0"}}, "it is glTF 1.0"), ({"asset": {}}, "asset.version is missing"),
    ({"asset": {"version": "2.0", "minVersion": "2.1"}}, "it is glTF 2.1"),
    ({"nodes": [{"mesh": 3}]}, r"names meshes\[3\], and there are 1"),
    ({"nodes": [{"mesh": 0, "translation": [0, 0]}]}, r"nodes\[0\]\.translation"),
    ({"scene": 4}, r"names scenes\[4\]"), ({"materials": []}, r"names materials\[0\], and there are 0"),
    ({"bufferViews": []}, r"accessors\[2\] names bufferViews\[2\], and there are 0"),
    ({"materials": [{"alphaMode": "GLASS"}]}, "alphaMode is 'GLASS'"),
    ({"textures": [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]}, "KHR_texture_basisu"),
    ({"samplers": [{"wrapS": 5}]}, r"samplers\[0\] wraps by 5")])
def test_a_file_is_refused_by_its_place(tmp_path, change, told):
    glb = Glb().textured(picture(), {})
    glb.tree |= change
    with pytest.raises(UnbraidError, match=told):
        read_mesh(glb.write(tmp_path / "a.glb"))


@pytest.mark.parametrize(("change", "told"), [
    ({"mode": 9}, r"primitives\[0\]\.mode is 9"), ({"indices": 0}, "accessors"),
    ({"indices": 77}, r"names accessors\[77\]")])
def test_a_primitive_is_refused_by_its_place(tmp_path, change, told):
    glb = Glb()
    glb.primitive |= change
    with pytest.raises(UnbraidError, match=told):
        read_mesh(glb.write(tmp_path / "a.glb"))


def test_versions_and_lengths_of_the_container(tmp_path):
    with pytest.raises(UnbraidError, match="glTF of version 1"):
        read_mesh(Glb().write(tmp_path / "a.glb", version=1))
    whole = Glb().write(tmp_path / "b.glb").read_bytes()
    (tmp_path / "b.glb").write_bytes(whole[:-10])
    with pytest.raises(UnbraidError, match=f"{len(whole) - 10:,} of {len(whole):,} bytes"):
        read_mesh(tmp_path / "b.glb")


def test_attributes_of_other_lengths(tmp_path):
    with pytest.raises(UnbraidError, match="3 of TEXCOORD_0 for 4 of POSITION"):
        read_mesh(Glb(TEXCOORD_0=SPOTS[:3]).textured(picture()).write(tmp_path / "a.glb"))


@pytest.mark.parametrize(("change", "told"), [
    ({"normalTexture": {"index": 0}}, "normal map left out"),
    ({"emissiveTexture": {"index": 0, "texCoord": 1}, "emissiveFactor": [1, 1, 1]}, "emission left out")])
def test_what_is_left_out_is_noted(tmp_path, change, told):
    glb = Glb().textured(picture(), **change)
    assert quarters(noted(glb.write(tmp_path / "a.glb"), told)) == [RED, GREEN, BLUE, YELLOW]


def test_lines_are_noted(tmp_path):
    glb = Glb()
    glb.tree["meshes"][0]["primitives"].append({**glb.primitive, "mode": 1})
    assert len(noted(glb.write(tmp_path / "a.glb"), r"primitives\[1\] has points or lines").faces) == 2


def test_a_factor_multiplies_its_texture_in_linear_light(tmp_path):
    glb = Glb().textured(Image.new("RGB", (2, 2), (188, 188, 188)))
    glb.tree["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [0.5, 1, 1, 1]
    assert quarters(read_mesh(glb.write(tmp_path / "a.glb")))[0] == (137, 188, 188)


def test_written_colours_are_linear_and_come_back_beside_a_texture(tmp_path):
    plain = read_mesh(Glb().textured(picture()).write(tmp_path / "a.glb"))
    both = Mesh.of(plain.vertices, plain.faces, colours=torch.full((1, 4, 3), 0.5), uv=plain.uv, texture=plain.texture)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = read_mesh(write_mesh(tmp_path / "b.glb", both))
    torch.testing.assert_close(back.colours, both.colours, atol=1e-5, rtol=0)
    assert quarters(back) == quarters(both)
