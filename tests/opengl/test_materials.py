"""Materials: textures that repeat, mirror or continue, pictures on one page, and transparent surfaces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from solids import square

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight
from unbraid_plugins.opengl.scene.lookup import looked_up
from unbraid_plugins.opengl.scene.materials import WRAPS, Materials
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.texture import mipmapped, sampled, spots
from unbraid_plugins.opengl.shading.draw import draw

PADS = {"repeat": "wrap", "clamp": "edge", "mirror": "symmetric"}          # names of numpy.pad
ZERO = torch.zeros(1)
FRONT = Camera(orbiting(ZERO, ZERO), orthographic(2.0))


def dice(*shape, seed=0, dtype=torch.float64):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def sheets(*depths, **options):
    """Squares that fill the view, one behind the other, each with its colour and opacity at all corners."""
    places, faces = square(1.0)
    places, count = places.float(), len(depths)
    vertices = torch.cat([places + torch.tensor([0, 0, float(z)]) for z in depths])[None]
    return Mesh.of(vertices, torch.cat([faces + 4 * i for i in range(count)]), **options)


def of_sheets(*modes, cutoff=0.5):
    of = torch.arange(len(modes)).repeat_interleave(2)
    return Materials.several(of, [(0, 0, 1, 1)] * len(modes), [("clamp", "clamp")] * len(modes), modes,
                             [cutoff] * len(modes))


def corners(*colours):
    return torch.tensor([c for c in colours for _ in range(4)])[None]


@pytest.mark.parametrize("u", WRAPS)
@pytest.mark.parametrize("v", WRAPS)
def test_the_look_up_is_that_of_a_texture_with_copies_around(u, v):
    texture, sample = dice(2, 3, 5, 7), torch.arange(40) % 2
    uv = dice(40, 2, seed=1) * 5 - 2
    wrap = torch.tensor([[WRAPS.index(u), WRAPS.index(v)]])
    found = looked_up(texture, spots(uv), sample, torch.tensor([[0, 0, 7, 5]]), wrap)
    padded = np.pad(texture.numpy(), ((0, 0), (0, 0), (0, 0), (21, 21)), PADS[u])
    padded = np.pad(padded, ((0, 0), (0, 0), (15, 15), (0, 0)), PADS[v])
    expected = sampled(torch.from_numpy(padded), spots((uv + 3) / 7), sample)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("wrap", WRAPS)
def test_gradients_of_the_look_up(wrap):
    texture, sample = dice(2, 2, 8, 9).requires_grad_(), torch.arange(12) % 2
    at = spots(dice(12, 2, seed=1) * 4 - 1.5).requires_grad_()
    boxes = torch.tensor([[2, 1, 5, 4], [0, 3, 9, 5]])[torch.arange(12) // 6]
    wraps = torch.full((12, 2), WRAPS.index(wrap))
    assert torch.autograd.gradcheck(lambda t, p: looked_up(t, p, sample, boxes, wraps), [texture, at])
    steps = dice(12, 2, 2, seed=2) * 1.2
    assert torch.autograd.gradcheck(lambda t, p: mipmapped(t, p, sample, steps, wraps[0]), [texture, at])


@pytest.mark.parametrize("place", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_places_that_are_no_numbers_look_up_something(place):
    spot = torch.tensor([[place, 0.0]])
    for wrap in range(3):
        found = looked_up(torch.ones(1, 3, 4, 4), spot, torch.zeros(1).long(), torch.tensor([[0, 0, 4, 4]]),
                          torch.full((1, 2), wrap))
        assert found.shape == (1, 3)


def repeated(mode, texture, times=3.0, **options):
    """A square on which a texture repeats, and the same by copies."""
    places, faces = square(1.0)
    vertices, uv = places.float()[None], (places.float()[None, :, :2] + 1) / 2 * times
    materials = Materials.one(2, texture.shape[2:], wrap=(mode, mode), **options)
    copies = torch.from_numpy(np.pad(texture.numpy(), ((0, 0), (0, 0), (texture.shape[2] * 2, 0), (
        0, texture.shape[3] * 2)), PADS[mode]))                            # v = 0 is the lowest row
    return (Mesh.of(vertices, faces, uv=uv, texture=texture, materials=materials),
            Mesh.of(vertices, faces, uv=uv / times, texture=copies))


@pytest.mark.parametrize("mode", WRAPS)
@pytest.mark.parametrize("geometry", [False, True])
def test_a_texture_repeats_without_copies(backend, mode, geometry):
    ours, copied = repeated(mode, dice(1, 3, 4, 6, dtype=torch.float32))
    found, expected = (draw(mesh, FRONT, (48, 48), backend=backend, geometry=geometry).colour
                       for mesh in (ours, copied))
    torch.testing.assert_close(found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-3, rtol=0)


def test_the_ways_back_of_both_paths_agree(backend):
    """The picture at once (planes) and that with depth (barycentrics) have the same gradients."""
    ours, _ = repeated("mirror", dice(1, 3, 4, 6, dtype=torch.float32))
    found = []
    for geometry in (True, False):
        leaves = [t.clone().requires_grad_() for t in (ours.vertices * 0.8, ours.texture, ours.uv)]
        mesh = Mesh(leaves[0], ours.topology, None, leaves[2], leaves[1])
        out = draw(mesh, FRONT, (24, 24), backend=backend, geometry=geometry, smooth=False)
        out.colour.square().sum().backward()
        found.append([t.grad for t in leaves])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def test_pictures_of_a_page_do_not_mix(backend):
    """Two pictures side by side, each repeated at its square: no colour of the other one, mipmaps included."""
    page = torch.zeros(1, 3, 4, 10)
    page[:, 0, :3, :4], page[:, 1, 1:4, 4:9], page[:, 2] = 1.0, 1.0, 0.0
    left, faces = square(0.5, centre=(-0.5, 0.0))
    right, _ = square(0.5, centre=(0.5, 0.0))
    vertices = torch.cat([left, right]).float()[None]
    materials = Materials.several(torch.tensor([0, 0, 1, 1]), [(0, 0, 4, 3), (4, 1, 5, 3)], [("repeat", "mirror")] * 2,
                                  ["opaque"] * 2, [0.5] * 2)
    mesh = Mesh.of(vertices, torch.cat([faces, faces + 4]), uv=vertices[..., :2] * 7, texture=page, materials=materials)
    for options in ({}, {"geometry": False}, {"mipmaps": True}):
        image = draw(mesh, FRONT, (16, 16), backend=backend, **options).colour[0, :, 5:11]
        torch.testing.assert_close(image[:, :, 1:7], torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 6, 6))
        torch.testing.assert_close(image[:, :, 9:15], torch.tensor([0.0, 1, 0])[:, None, None].expand(3, 6, 6))
    _, _, colours = mesh.surface()
    assert colours[0, :4].tolist() == [[1, 0, 0]] * 4
    assert colours[0, 4:].tolist() == [[0, 1, 0]] * 4


# -- what is seen through ---------------------------------------------------------------------------------------------

RED, GREEN, BLUE = [1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.25], [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("order", [(0.6, 0.3, 0.0), (0.3, 0.6, 0.0), (0.0, 0.3, 0.6)])
@pytest.mark.parametrize("geometry", [False, True])
def test_layers_are_blended_in_the_order_of_their_depth(backend, order, geometry):
    """Whatever the order of the faces; an opaque one hides all behind it."""
    mesh = sheets(*order, colours=corners(RED, GREEN, BLUE), materials=of_sheets("blend", "blend", "opaque"))
    out = draw(mesh, FRONT, (6, 6), backend=backend, geometry=geometry, background=torch.ones(1, 3))
    below = torch.ones(3)
    for _, colour in sorted(zip(order, (RED, GREEN, BLUE), strict=True)):
        below = torch.tensor(colour[:3]) * colour[3] + (1 - colour[3]) * below
    torch.testing.assert_close(out.colour[0, :, 3, 3], below)
    assert (out.alpha == 1).all()
    if geometry:                                   # the nearest that is half opaque at least: red, or blue in front
        expected = max(z for z, c in zip(order, (RED, GREEN, BLUE), strict=True) if c[3] >= 0.5)
        assert out.depth[0, 0, 3, 3].item() == pytest.approx(4 - expected)
        assert out.ids[0, 3, 3].item() // 2 == order.index(expected)
        torch.testing.assert_close(out.normals[0, :, 3, 3], torch.tensor([0.0, 0, 1]))


def test_what_is_half_seen_through_covers_a_half(backend):
    out = draw(sheets(0.0, colours=corners(RED), materials=of_sheets("blend")), FRONT, (6, 6), backend=backend,
               background=torch.tensor([[0.0, 0, 1]]))
    torch.testing.assert_close(out.colour[0, :, 3, 3], torch.tensor([0.5, 0, 0.5]))
    torch.testing.assert_close(out.alpha, torch.full_like(out.alpha, 0.5))
    faint = draw(sheets(0.0, colours=corners(GREEN), materials=of_sheets("blend")), FRONT, (6, 6), backend=backend)
    assert (faint.ids == -1).all()
    assert not faint.depth.any()


@pytest.mark.parametrize(("cutoff", "seen"), [(0.3, True), (0.5, True), (0.51, False)])
def test_a_mask_is_seen_or_not(backend, cutoff, seen):
    mesh = sheets(0.5, 0.0, colours=corners(RED, BLUE), materials=of_sheets("mask", "opaque", cutoff=cutoff))
    for geometry in (True, False):
        out = draw(mesh, FRONT, (6, 6), backend=backend, geometry=geometry)
        assert out.colour[0, :, 3, 3].tolist() == ([1, 0, 0] if seen else [0, 0, 1])


def test_a_texture_with_opacity_cuts_a_hole(backend):
    texture = torch.ones(1, 4, 2, 2)
    texture[0, 3, 0, 0] = 0.0                      # the upper left quarter
    places, faces = square(1.0)
    mesh = Mesh.of(places.float()[None], faces, uv=(places.float()[None, :, :2] + 1) / 2, texture=texture,
                   materials=Materials.one(2, (2, 2), mode="mask"))
    alpha = draw(mesh, FRONT, (8, 8), backend=backend).alpha[0, 0]
    assert not alpha[:3, :3].any()
    assert (alpha[4:] == 1).all()
    assert (alpha[:, 5:] == 1).all()


def test_outlines_of_what_is_opaque_stay_smooth_behind_a_veil(backend):
    """A ball behind a sheet of glass: the glass adds its colour, the outline is the ball's."""
    camera = Camera(orbiting(ZERO, ZERO), perspective(0.6))
    places, faces = square(0.35)
    solid = Mesh.of(places.float()[None] * 1.03, faces, colours=torch.ones(1, 4, 3))
    glass = places.float() * 6 + torch.tensor([0, 0, 1.0])
    both = Mesh.of(torch.cat([places.float() * 1.03, glass])[None], torch.cat([faces, faces + 4]),
                   colours=torch.tensor([[1.0, 1, 1, 1]] * 4 + [[0.0, 0, 0, 0.5]] * 4)[None],
                   materials=of_sheets("opaque", "blend"))
    alone, seen = (draw(mesh, camera, (24, 24), backend=backend).colour for mesh in (solid, both))
    assert ((alone > 0.02) & (alone < 0.98)).any()
    torch.testing.assert_close(seen, alone / 2)


def test_gradients_of_blending_are_those_of_finite_differences():
    mesh = sheets(0.6, 0.3, 0.0, colours=corners(RED, GREEN, BLUE).double() * 0.8 + 0.1, uv=dice(1, 12, 2) * 3,
                  texture=dice(1, 4, 4, 4, seed=3), materials=Materials.several(
                      torch.arange(3).repeat_interleave(2), [(0, 0, 4, 4)] * 3, [("repeat", "mirror")] * 3,
                      ["blend", "blend", "opaque"], [0.5] * 3))
    camera = Camera(orbiting(ZERO.double(), ZERO.double()), orthographic(2.0).double())
    weights = dice(1, 3, 5, 5, seed=7)
    leaves = [t.detach().double().requires_grad_() for t in (mesh.colours, mesh.texture, mesh.uv)]

    def drawn(colours, texture, uv):
        scene = Mesh(mesh.vertices.double(), mesh.topology, colours, uv, texture)
        out = draw(scene, camera, (5, 5), backend="torch", geometry=False)
        return (out.colour * weights).sum(), out.alpha.sum()

    assert torch.autograd.gradcheck(drawn, leaves)


def test_gradients_of_blending_reach_vertices_and_camera():
    """A tilted sheet of glass whose colour changes across it: moved by finite differences, away from its outline."""
    texture = dice(1, 4, 8, 8, seed=4)
    places, faces = square(3.0)
    places = places.double()
    vertices = (places + torch.tensor([0.1, 0.2, 0]) + places[:, :1] * torch.tensor([0, 0, 0.3]))[None]
    uv, materials = (places[None, :, :2] + 1) / 2, Materials.one(2, (8, 8), wrap=("repeat", "repeat"), mode="blend")

    def seen(vertices, azimuth):
        mesh = Mesh.of(vertices, faces, uv=uv, texture=texture, materials=materials)
        camera = Camera(orbiting(azimuth, azimuth * 0), perspective(0.6).double())
        return draw(mesh, camera, (6, 6), backend="torch", geometry=False).colour

    leaves = [vertices.requires_grad_(), torch.full((1,), 0.1, dtype=torch.float64).requires_grad_()]
    assert torch.autograd.gradcheck(seen, leaves, eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("geometry", [False, True])
def test_what_glows_is_seen_in_the_dark(backend, geometry):
    places, faces = square(1.0)
    options = {"uv": (places.float()[None, :, :2] + 1) / 2, "colours": torch.full((1, 4, 3), 0.5)}
    mesh = Mesh.of(places.float()[None], faces, emission=torch.tensor([0.25, 0, 0.9])[None, :, None, None].expand(
        1, 3, 2, 2), **options)
    dark = DirectionalLight(torch.tensor([[0.0, 0, 1]]), torch.zeros(1, 3), torch.zeros(1, 3))
    out = draw(mesh, FRONT, (6, 6), light=dark, backend=backend, geometry=geometry)
    torch.testing.assert_close(out.colour[0, :, 3, 3], torch.tensor([0.25, 0, 0.9]))
    lit = draw(mesh, FRONT, (6, 6), backend=backend, geometry=geometry)
    torch.testing.assert_close(lit.colour[0, :, 3, 3], torch.tensor([0.75, 0.5, 1.0]))
    glow = mesh.emission.clone().requires_grad_()
    scene = Mesh(mesh.vertices, mesh.topology, mesh.colours, mesh.uv, emission=glow)
    draw(scene, FRONT, (6, 6), light=dark, backend=backend, geometry=geometry).colour.sum().backward()
    assert glow.grad.sum().item() == pytest.approx(6 * 6 * 3, rel=0.01)


def test_materials_that_fit_nothing():
    places, faces = square(1.0)
    for wrong, told in ((lambda: Materials.one(2, wrap=("repeat", "tile")), "'tile'"),
                        (lambda: Materials.one(2, mode="glass"), "'glass'"),
                        (lambda: Mesh.of(places[None], faces, materials=Materials.one(3)), "of 3 faces for 2"),
                        (lambda: draw(Mesh.of(places[None], faces, colours=torch.ones(1, 4, 3), uv=places[None, :, :2],
                                              texture=torch.ones(1, 4, 1, 1), materials=Materials.one(2, mode="blend")),
                                      FRONT, (4, 4)), "different numbers of channels")):
        with pytest.raises(UnbraidError, match=told):
            wrong()
