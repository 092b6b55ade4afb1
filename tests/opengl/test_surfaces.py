"""What is seen within a surface: values and gradients against finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from solids import bumpy, square

from unbraid_plugins.opengl.margin_renderer import draw_with_margin
from unbraid_plugins.opengl.numerics.rows import rows
from unbraid_plugins.opengl.raster.rasterize import rasterize
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.texture import sampled, spots
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.barycentrics import depths
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.shading.fragments import fragments

CHECK = torch.autograd.gradcheck


def views(angles=(0.3, 1.9), dtype=torch.float64):
    a = torch.tensor(angles, dtype=dtype)
    return Camera(orbiting(a, 0.2 * a, 4.0), perspective(math.radians(36)).to(dtype))


def dice(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_interpolation_is_perspective_correct(backend):
    """An attribute that is linear in space is the same function of the pixel's own place in space."""
    vertices, faces = square(1.0)
    turned = vertices @ torch.linalg.matrix_exp(torch.tensor([[0, 0, -0.9], [0, 0, 0.5], [0.9, -0.5, 0]]).double())
    camera = views((0.0,))
    seen = camera.seen(turned[None])
    clip = camera.clip(seen)
    front = fragments(rasterize(clip, faces, (32, 32), backend=backend), clip, faces)
    assert len(front.pixel) > 100
    place = front.interpolated(seen, faces)
    projected = camera.clip(place[None])[0]
    row, column = front.pixel // 32, front.pixel % 32
    tight = {"rtol": 0.0, "atol": 1e-12}
    torch.testing.assert_close(projected[:, 0] / projected[:, 3], (2 * column + 1).double() / 32 - 1, **tight)
    torch.testing.assert_close(projected[:, 1] / projected[:, 3], 1 - (2 * row + 1).double() / 32, **tight)
    deep = depths(front.pixel, front.face, clip, faces, 32, 32)
    torch.testing.assert_close(projected[:, 2] / projected[:, 3], deep, **tight)
    torch.testing.assert_close(front.barycentrics.sum(1), torch.ones(len(row)).double(), **tight)


def test_depths_of_faces_that_are_next_to_nothing():
    """A line has the mean depth of its corners; beside a sliver depth does not run away."""
    corners = torch.tensor([[-0.5, 0, 0.1, 1], [0, 0, 0.2, 1], [0.5, 0, 0.6, 1], [0.5, 1e-6, -0.3, 1]]).double()
    pixel, face = torch.tensor([27, 27]), torch.tensor([0, 1])
    line, sliver = depths(pixel, face, corners[None], torch.tensor([[0, 1, 2], [0, 2, 3]]), 8, 8)
    assert line.item() == pytest.approx(0.3)
    assert -1 < sliver.item() < 1


def test_gradients_within_a_surface():
    """To vertices, camera, colours and light, in double precision; the faces that are seen stay the same."""
    vertices, faces = bumpy(1)
    camera = views((0.3,))
    clip = camera.clip(camera.seen(vertices[None]))
    ids = rasterize(clip, faces, (12, 12), backend="torch")

    def shaded(vertices, colours, harmonics, angle):
        camera = Camera(orbiting(angle, 0.2 * angle, 4.0), perspective(math.radians(36)).double())
        clip = camera.clip(camera.seen(vertices))
        front = fragments(ids, clip, faces)
        normals = front.interpolated(Mesh.of(vertices, faces).normals(), faces)
        return front.interpolated(colours, faces) * HarmonicLight(harmonics).shading(normals, front.sample)

    inputs = [vertices[None], dice(1, len(vertices), 3), dice(1, 3, 9, seed=1) + 1, torch.tensor([0.3]).double()]
    assert CHECK(shaded, [v.clone().requires_grad_() for v in inputs], eps=1e-6, atol=1e-5, fast_mode=True)


def test_gradients_in_single_precision_are_those_in_double():
    vertices, faces = bumpy(4)

    def slope(dtype):
        v = vertices.to(dtype)[None].requires_grad_()
        colours = (0.5 + 0.4 * torch.sin(7 * vertices)).to(dtype)[None]
        out = draw(Mesh.of(v, faces, colours=colours), views(dtype=dtype), (64, 64), smooth=False, backend="torch")
        weights = torch.sin(torch.arange(64)[:, None] * 0.2) * torch.cos(torch.arange(64) * 0.3)
        (out.colour * weights.to(dtype)).sum().backward()
        return v.grad.double()

    exact = slope(torch.float64)
    assert (slope(torch.float32) - exact).norm() < 1e-3 * exact.norm()


def test_rows_have_two_derivatives():
    table, index = dice(4, 3).requires_grad_(), torch.tensor([2, 0, 2, 3])
    assert CHECK(lambda t: rows(t.square(), index), [table])
    assert torch.autograd.gradgradcheck(lambda t: rows(t.square(), index), [table])


def test_texture_values_and_gradients():
    texture, uv, sample = dice(2, 3, 4, 5), dice(20, 2, seed=1), torch.arange(20) % 2
    assert CHECK(lambda t, p: sampled(t, spots(p), sample), [texture.requires_grad_(), uv.requires_grad_()])
    grid = torch.stack([2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1]], 1).reshape(10, 2, 2).transpose(0, 1)[:, :, None]
    expected = torch.nn.functional.grid_sample(texture, grid, align_corners=False, padding_mode="border")
    torch.testing.assert_close(sampled(texture, spots(uv), sample), expected[..., 0].permute(2, 0, 1).reshape(20, 3))


def test_a_texture_is_seen_upright(front, backend):
    vertices, faces = square(1.0)
    texture = dice(1, 3, 8, 8)
    uv = (vertices[None, :, :2] + 1) / 2
    out = draw(Mesh.of(vertices[None], faces, uv=uv, texture=texture), front, (8, 8), backend=backend)
    torch.testing.assert_close(out.colour, texture)
    torch.testing.assert_close(out.depth, torch.full_like(out.depth, 4.0))
    torch.testing.assert_close(out.normals[:, 2], torch.ones(1, 8, 8).double())
    flipped = draw(Mesh.of(vertices[None], faces, uv=uv, texture=texture, texture_faces=faces.roll(1, 1)), front,
                   (8, 8), backend=backend)
    assert not torch.allclose(flipped.colour, texture)


def test_gradients_reach_all_of_the_scene(backend):
    vertices, faces = bumpy(2)
    scene = {"vertices": vertices[None], "uv": dice(1, len(vertices), 2), "texture": dice(1, 3, 8, 8),
             "colours": dice(2, len(vertices), 3), "light": dice(1, 3, 9), "background": dice(2, 3, 24, 24),
             "angle": torch.tensor([0.3, 1.0]).double()}
    leaves = {name: t.float().requires_grad_() for name, t in scene.items()}
    light, background, angle = (leaves.pop(n) for n in ("light", "background", "angle"))
    camera = Camera(orbiting(angle, 0.2 * angle, 4.0), perspective(math.radians(36)))
    mesh = Mesh.of(leaves["vertices"], faces, colours=leaves["colours"], uv=leaves["uv"], texture=leaves["texture"])
    out = draw(mesh, camera, (24, 24), light=HarmonicLight(light), background=background, backend=backend)
    assert out.colour.shape == (2, 3, 24, 24)
    (out.colour.square().sum() + out.depth.sum() + (out.normals ** 3).sum() + out.alpha.square().sum()).backward()
    for name, leaf in {**leaves, "light": light, "background": background, "angle": angle}.items():
        assert leaf.grad.isfinite().all(), name
        assert leaf.grad.any(), name


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize("cull", [False, True])
@pytest.mark.parametrize("light", ["none", "harmonic", "directional"])
def test_opengl_paints_what_torch_does(light, cull, monkeypatch):
    """Pictures, and gradients to all of the scene, with a seam in the texture; also in parts."""
    vertices, faces = bumpy(2)
    scene = {"vertices": vertices[None].repeat(3, 1, 1), "colours": dice(1, len(vertices), 3), "uv": dice(1, 50, 2),
             "texture": dice(3, 3, 16, 20), "angle": torch.tensor([0.2, 1.5, 2.9]), "background": dice(3, 3, 30, 40),
             "light": dice(3, 3, 9), "way": dice(1, 3), "colour": dice(3, 3)}
    seams = torch.randint(0, 50, faces.shape, generator=torch.Generator().manual_seed(0))
    weights, found = dice(3, 4, 30, 40, seed=1).float(), {}
    monkeypatch.setattr("unbraid_plugins.opengl.shading.surface.PART", 2000)
    for geometry in (False, True):                 # with geometry torch does it all
        leaf = {name: t.float().requires_grad_() for name, t in scene.items()}
        lamp = {"none": None, "harmonic": HarmonicLight(leaf["light"] / 2),
                "directional": DirectionalLight(leaf["way"], leaf["colour"], leaf["colour"] / 3)}[light]
        mesh = Mesh.of(leaf["vertices"], faces, colours=leaf["colours"], uv=leaf["uv"], texture=leaf["texture"],
                       texture_faces=seams)
        out = draw(mesh, Camera(orbiting(leaf["angle"], 0.1 * leaf["angle"], 4.0), perspective(0.6)), (30, 40),
                   light=lamp, background=leaf["background"], cull=cull, geometry=geometry, backend="gl")
        (torch.cat([out.colour, out.alpha], 1) * weights).sum().backward()
        slopes = {name: t.grad for name, t in leaf.items() if t.grad is not None}
        found[geometry] = {"image": out.colour.detach(), **slopes}
    assert found[False].keys() == found[True].keys()
    torch.testing.assert_close(found[False]["image"], found[True]["image"], atol=1e-3, rtol=0)
    for name, expected in found[True].items():
        assert (found[False][name] - expected).norm() < 1e-3 * expected.norm(), name


@pytest.mark.parametrize("draws", [draw, draw_with_margin])
def test_what_is_brighter_than_white_is_white_and_sends_no_gradient(backend, draws) -> None:
    vertices, faces = square(2.0)
    colours = torch.tensor([1.5, 0.5, -0.5]).expand(1, 4, 3).clone().requires_grad_()
    mesh = Mesh(vertices[None].float(), Topology(faces), colours)
    colour = draws(mesh, views((0.0,), torch.float32), (8, 8), geometry=False, backend=backend).colour
    torch.testing.assert_close(colour, torch.tensor([1.0, 0.5, 0.0])[None, :, None, None].expand(1, 3, 8, 8))
    slope, = torch.autograd.grad(colour.sum(), colours)
    assert not slope[..., [0, 2]].any()
    assert slope[..., 1].sum().item() == pytest.approx(64, rel=1e-4)
