"""Whole scenes: nothing in them breaks the image or its gradients, and batches fit."""

from __future__ import annotations

import attrs
import pytest
import torch
from solids import bumpy, square

from unbraid import UnbraidError
from unbraid.values import map_tensors
from unbraid_plugins.opengl.margin_renderer import draw_with_margin
from unbraid_plugins.opengl.scene.background import Panorama
from unbraid_plugins.opengl.scene.camera import Camera, looking, orbiting, orthographic, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.shading.mixed_meshes import draw_different

SCENES = {
    "off-screen": lambda v: v + torch.tensor([50.0, 0, 0]),
    "behind the camera": lambda v: v + torch.tensor([0.0, 0, 30]),
    "around the camera": lambda v: v * 10,
    "through the near plane": lambda v: v + torch.tensor([0.0, 0, 3.9]),
    "a point": lambda v: v * 0,
    "a line": lambda v: v * torch.tensor([1.0, 0, 0]),
    "seen from its side": lambda v: v * torch.tensor([0.0, 1, 1]),
    "smaller than a pixel": lambda v: v * 1e-3,
    "hardly anything": lambda v: v * 1e-12,
    "enormous": lambda v: v * 1e6,
}
DRAWN = [(draw, {"geometry": True}), (draw, {"geometry": False}), (draw_with_margin, {}),
         (lambda mesh, *rest, **options: draw_different([mesh], *rest, **options), {"geometry": False})]


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("cull", [False, True])
def test_numbers_are_finite_whatever_is_drawn(backend, name, cull):
    vertices, faces = bumpy(2)
    leaf = SCENES[name](vertices.float())[None].requires_grad_()
    angle = torch.zeros(1, requires_grad=True)
    lamp = DirectionalLight(torch.ones(1, 3), torch.ones(1, 3), torch.zeros(1, 3))
    out = draw(Mesh.of(leaf, faces, colours=vertices.float()[None]), Camera(orbiting(angle, angle), perspective(0.6)),
               (24, 24), light=lamp, background=torch.ones(1, 3), cull=cull, backend=backend)
    parts = [out.colour, out.alpha, out.depth, out.normals]
    assert all(p.isfinite().all() for p in parts)
    assert 0 <= out.colour.min() <= out.colour.max() <= 1
    sum(p.square().sum() for p in parts).backward()
    for of in (leaf, angle):
        assert of.grad is None or of.grad.isfinite().all()


def test_degenerate_faces_are_not_there(front, backend):
    vertices, faces = square(0.5)
    more = torch.cat([faces, torch.tensor([[0, 0, 0], [0, 1, 1], [0, 2, 0]])])
    leaf = vertices[None].clone().requires_grad_()
    out = draw(Mesh.of(leaf, more), front, (16, 16), backend=backend)
    torch.testing.assert_close(out.alpha, draw(Mesh.of(vertices[None], faces), front, (16, 16), backend=backend).alpha)
    (out.alpha.sum() + out.normals.sum()).backward()
    assert leaf.grad.isfinite().all()


def test_no_faces_is_the_background(front, backend):
    background = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    out = draw(Mesh.of(torch.zeros(1, 3, 3).double(), torch.zeros(0, 3, dtype=torch.long)), front, (8, 8),
               background=background, backend=backend)
    assert torch.equal(out.colour, background)
    assert not out.alpha.any()


def test_a_batch_is_its_samples(backend, camera):
    vertices, faces = bumpy(2)
    many = vertices.float() * torch.tensor([1.0, 0.7, 0.4])[:, None, None]
    light = HarmonicLight(torch.rand(3, 3, 9))
    background = torch.rand(3, 3)
    whole = draw(Mesh.of(many, faces), camera, (20, 30), light=light, background=background, backend=backend)
    for i in range(3):
        alone = draw(Mesh.of(many[i:i + 1], faces), *(map_tensors(lambda t: t[i:i + 1] if len(t) > 1 else t, v)  # noqa: B023
                     for v in (camera,)), (20, 30), light=HarmonicLight(light.harmonics[i:i + 1]),
                     background=background[i:i + 1], backend=backend)
        torch.testing.assert_close(alone.colour[0], whole.colour[i], atol=2e-3, rtol=0)
        torch.testing.assert_close(alone.depth[0], whole.depth[i], atol=2e-3, rtol=0)


def test_shapes_without_numbers(camera):
    vertices, faces = bumpy(1)
    mesh = Mesh.of(vertices.float()[None], faces, colours=torch.rand(1, len(vertices), 2))
    expected = draw(mesh, camera, (5, 7))
    ghost = draw(*(map_tensors(lambda t: t.to("meta"), v) for v in (mesh, camera)), (5, 7))
    for part in attrs.fields(type(ghost)):
        here, there = getattr(expected, part.name), getattr(ghost, part.name)
        assert there.is_meta
        assert (there.shape, there.dtype) == (here.shape, here.dtype)


def test_errors_name_the_parts(camera):
    vertices, faces = square(1.0)
    mesh = Mesh.of(vertices.float().repeat(2, 1, 1), faces)
    with pytest.raises(UnbraidError, match="vertices 2, camera 3"):
        draw(mesh, camera, (8, 8))
    with pytest.raises(UnbraidError, match=r"expected colours \(3, 3\), images \(3, 3, 8, 8\)"):
        draw(Mesh.of(vertices.float()[None], faces), camera, (8, 8), background=torch.ones(1, 3, 9, 9))


LAMPS = [lambda channels: HarmonicLight(torch.linspace(0, 1, 9).expand(1, channels, 9)),
         lambda channels: DirectionalLight(torch.ones(1, 3), torch.ones(1, channels) / 2, torch.ones(1, channels) / 3)]


@pytest.mark.parametrize("lamp", LAMPS)
@pytest.mark.parametrize("geometry", [False, True])
def test_a_light_has_as_many_channels_as_the_mesh_or_one(backend, camera, lamp, geometry):
    vertices, faces = bumpy(1)
    for channels in (1, 2, 3, 4):
        mesh = Mesh.of(vertices.float()[None], faces, colours=torch.rand(1, len(vertices), channels))
        whole, one = (draw(mesh, camera, (12, 12), light=lamp(n), geometry=geometry, backend=backend).colour
                      for n in (channels, 1))
        assert torch.equal(whole, one)
        assert whole.any((0, 2, 3)).all()
        for paint in (draw, draw_with_margin):
            with pytest.raises(UnbraidError, match=f"of 5 channels, the mesh has {channels}"):
                paint(mesh, camera, (12, 12), light=lamp(5), geometry=geometry, backend=backend)


@pytest.mark.parametrize(("paint", "options"), DRAWN)
def test_no_mesh_is_no_image(backend, paint, options):
    camera = Camera(orbiting(torch.zeros(1), torch.zeros(1)), perspective(0.6))
    mesh = Mesh.of(torch.zeros(0, 4, 3), square(1.0)[1])
    for background in (torch.ones(1, 3), Panorama(torch.rand(1, 3, 4, 8))):
        seen = paint(mesh, camera, (8, 9), light=LAMPS[0](3), background=background, backend=backend, **options)
        assert seen.colour.shape == (0, 3, 8, 9)


@pytest.mark.shared_data
def test_spot_is_seen_from_the_front(shared, backend):
    """A known cow: closed, its nose towards +z, brown horns on top; both sides of the image alike."""
    mesh = read_mesh(shared / "data/meshes/animals/spot.obj")
    assert len(mesh.faces) == 5856
    assert len(mesh.topology.edges) == 5856 * 3 // 2
    eye = torch.tensor([[0.0, 0.0, 4.0], [0.0, 0.0, -4.0]])
    out = draw(mesh, Camera(looking(eye), orthographic(2.2)), (96, 96), cull=True, backend=backend)
    torch.testing.assert_close(out.alpha[0], out.alpha[1].flip(-1), atol=1e-3, rtol=0)
    assert (out.alpha[0] - out.alpha[0].flip(-1)).abs().mean() < 0.01
    red, _, blue = out.colour[0, :, (out.ids[0] >= 0).nonzero()[:60, 0], (out.ids[0] >= 0).nonzero()[:60, 1]].mean(1)
    assert red > 1.5 * blue
    assert out.depth[0][out.depth[0] > 0].min() < out.depth[1][out.depth[1] > 0].min()
    assert out.normals[0, 2].min() > -0.05


@pytest.mark.parametrize("geometry", [False, True])
@pytest.mark.parametrize(("faces", "of_texture", "fault"), [
    ([[0, 1, 9]], None, "a vertex 9, and there are 4"), ([[0, -1, 2]], None, "a vertex -1, and there are 4"),
    ([[0, 1, 2]], [[0, 1, 5]], "a texture coordinate 5, and there are 3"),
    ([[0, 1, 3]], None, "a texture coordinate 3, and there are 3")])
def test_faces_of_corners_that_are_not_there(faces, of_texture, fault, geometry, backend, camera):
    topology = Topology(torch.tensor(faces), None if of_texture is None else torch.tensor(of_texture))
    mesh = Mesh(torch.rand(1, 4, 3), topology, None, torch.rand(1, 3, 2), torch.rand(1, 3, 4, 4))
    with pytest.raises(UnbraidError, match=fault):
        draw(mesh, camera, (8, 8), geometry=geometry, backend=backend)


def test_compiled_code_draws_as_it_is(backend, camera):
    """What is around it is compiled; the image and its gradients stay the same to the last bit."""
    vertices, faces = bumpy(1)
    topology, graphs = Mesh.of(vertices.float()[None], faces).topology, []

    def brightness(v, colours):
        return draw(Mesh(2 * v / 2, topology, colours), camera, (16, 16), geometry=False, backend=backend).colour.mul(2)

    def kept(graph, inputs):
        graphs.append(str(graph.graph))
        return graph

    for turn in range(2):
        leaves = [(1 + 0.1 * turn) * vertices.float().repeat(3, 1, 1), torch.rand(1, len(vertices), 3)]
        found = []
        for paint in (brightness, torch.compile(brightness, backend=kept)):
            own = [t.clone().requires_grad_() for t in leaves]
            image = paint(*own)
            found.append([image, *torch.autograd.grad(image.square().sum(), own)])
        for eager, compiled in zip(*found, strict=True):
            assert eager.any()
            assert torch.equal(eager, compiled)
    assert any("mul" in graph for graph in graphs)
    assert not any("index_select" in graph or "nonzero" in graph for graph in graphs)


def scene_of(given):
    """A mesh, a camera and a light of tensors of one type."""
    vertices, colours, view, projection, harmonics = given
    return Mesh.of(vertices, bumpy(1)[1], colours=colours), Camera(view, projection), HarmonicLight(harmonics)


@pytest.mark.parametrize(("paint", "options"), DRAWN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("autocast", [False, True])
def test_lower_precision_moves_nothing(backend, camera, paint, options, dtype, autocast):
    """Under autocast, and of halves, the image is exactly that of the same numbers as float32; gradients are halves."""
    vertices = bumpy(1)[0].repeat(3, 1, 1)
    parts = vertices, torch.rand_like(vertices), camera.view, camera.projection, torch.rand(1, 3, 9)
    leaves = [t.to(dtype).requires_grad_() for t in parts]
    exact = torch.promote_types(dtype, torch.float32)
    images, slopes = [], []
    for given, lower in (([t.to(exact) for t in leaves], False), (leaves, autocast)):
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            mesh, seen_by, light = scene_of(given)
            images.append(paint(mesh, seen_by, (16, 20), light=light, backend=backend, **options).colour)
        slopes.append(torch.autograd.grad(images[-1].square().sum(), leaves))
    assert images[0].dtype == images[1].dtype == exact
    assert torch.equal(*images)
    for expected, found, leaf in zip(*slopes, leaves, strict=True):
        assert found.dtype == leaf.dtype
        assert expected.any()
        assert torch.equal(found, expected)
