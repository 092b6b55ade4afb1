"""Outlines move with the surface: their gradients against finite differences of finely drawn images.

The peers that blend pairs of pixels by the faces that they see lose most of this gradient on fine meshes.
"""

from __future__ import annotations

import math

import attrs
import pytest
import torch
from solids import bumpy, square

from unbraid_plugins.opengl.raster.rasterize import rasterize
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.antialias import antialiased
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.shading.silhouettes import Crossings, crossings


def weights(n):
    """Smooth numbers over the image, (n, n)."""
    c = (torch.arange(n) + 0.5) / n * 2 - 1
    return 1 + 0.5 * torch.sin(2 * c[None, :] + 0.5) + 0.5 * torch.cos(3 * c[:, None] - 0.3)


def smooth_fields(places, count):
    """Smooth directions in which a surface may move, (count, V, 3)."""
    dice = torch.Generator().manual_seed(0)
    return [torch.sin(places @ torch.randn(3, 3, generator=dice) + 6 * torch.rand(3, generator=dice))
            @ torch.randn(3, 3, generator=dice) * 0.5 for _ in range(count)]


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize(("level", "size", "error"), [(2, 64, 0.06), (3, 64, 0.04), (5, 64, 0.04), (3, 256, 0.04)])
def test_the_covered_area_moves_as_it_should(camera, level, size, error):
    """A weighted area of a bumpy ball, in 3 views and 10 directions, against differences at 1024 x 1024 pixels."""
    vertices, faces = bumpy(level)
    vertices, step, fine = vertices.float(), 0.02, 1024

    def area(v):
        clip = camera.clip(camera.seen(v[None].expand(3, -1, -1)))
        return ((rasterize(clip, faces, (fine, fine), backend="gl") >= 0) * weights(fine)).mean((1, 2))

    fields = smooth_fields(vertices, 10)
    measured = torch.stack([(area(vertices + step * d) - area(vertices - step * d)) / (2 * step) for d in fields])
    leaf = vertices.clone().requires_grad_()
    drawn = (draw(Mesh(leaf[None], Topology(faces)), camera, (size, size)).alpha[:, 0] * weights(size)).mean((1, 2))
    slopes = [torch.autograd.grad(drawn[i], leaf, retain_graph=True)[0] for i in range(3)]
    found = torch.stack([torch.stack([(s * d).sum() for s in slopes]) for d in fields])
    assert (found - measured).norm() < error * measured.norm()
    torch.testing.assert_close(drawn.detach(), area(vertices), rtol=1.5e-3, atol=0)


def test_the_area_of_a_triangle(front, backend):
    """Its gradient to the corners, averaged over places between the pixels; a corner's tip is lost, about a pixel."""
    corners = torch.tensor([[-0.5, -0.4, 0], [0.55, -0.3, 0], [0.1, 0.6, 0]], dtype=torch.float64)
    size, count, dice = 128, 40, torch.Generator().manual_seed(0)
    moved = corners.repeat(count, 1, 1)
    moved[:, :, :2] += (torch.rand(count, 1, 2, generator=dice, dtype=torch.float64) - 0.5) * 2 / size
    moved.requires_grad_()
    mesh = Mesh.of(moved, torch.tensor([[0, 1, 2]]))
    area = draw(mesh, front, (size, size), backend=backend).alpha.sum() * 4 / size**2
    exact = corners.clone().requires_grad_()
    a, b = exact[1] - exact[0], exact[2] - exact[0]
    true_area = (a[0] * b[1] - a[1] * b[0]) / 2
    slope, expected = torch.autograd.grad(area / count, moved)[0].sum(0), torch.autograd.grad(true_area, exact)[0]
    assert area.item() / count == pytest.approx(true_area.item(), rel=1e-3)
    assert (slope - expected).norm() < 0.015 * expected.norm()


def occluding(moved, faces, colours, size, backend):
    zero = torch.zeros(1, dtype=torch.float64)
    camera = Camera(orbiting(zero, zero, 4.0), perspective(math.radians(30)).double())
    c = (torch.arange(size) + 0.5) / size * 2 - 1
    weight = torch.sin(3 * c[None, :] + 0.5) + torch.cos(2 * c[:, None] - 0.3)
    image = draw(Mesh(moved, Topology(faces), colours), camera, (size, size), backend=backend,
                 background=torch.tensor([[0.1, 0.2, 0.9]], dtype=torch.float64)).colour
    return (image * torch.stack([weight + 1, 0.5 * weight - 1, weight.flip(0)])).mean()


@pytest.mark.usefixtures("opengl")
def test_one_surface_in_front_of_another():
    """Two triangles of different colours and a background, 6 directions, against differences of fine images.

    The slope is the mean over 16 places between the pixels: an edge crosses a whole number of rows.
    """
    corners = torch.tensor([[-.7, -.6, .3], [.6, -.5, .2], [.05, .75, .4], [-.3, -.9, -.5], [.95, .1, -.4],
                            [-.1, .9, -.3]], dtype=torch.float64)
    faces = torch.arange(6).reshape(2, 3)
    colours = torch.tensor([[1.0, 0, 0]] * 3 + [[0, 0.8, 0.2]] * 3, dtype=torch.float64)[None]
    dice, step, found, measured = torch.Generator().manual_seed(1), 0.01, [], []
    leaf = corners.repeat(16, 1, 1)
    leaf[:, :, :2] += (torch.rand(16, 1, 2, generator=dice, dtype=torch.float64) - 0.5) * 2 / 64
    slope = torch.autograd.grad(occluding(leaf.requires_grad_(), faces, colours, 64, "gl"), leaf)[0].sum(0)
    for _ in range(6):
        d = torch.randn(1, 6, 3, generator=dice, dtype=torch.float64)
        ends = [occluding(corners + sign * step * d, faces, colours, 768, "gl") for sign in (1, -1)]
        measured.append((ends[0] - ends[1]) / (2 * step))
        found.append((slope * d).sum())
    error = (torch.stack(found) - torch.stack(measured)).norm() / torch.stack(measured).norm()
    assert error < 0.05


def test_a_square_that_slides_in_front_of_another(front, backend):
    """The gradient of the brightness between two surfaces: 2 sides, a side's length, the difference of the colours."""
    half = 7 / 16                                  # 14 rows and columns, wherever it is
    near, faces = square(half, 0.5, (0.01, -0.013))
    far = square(15 / 16, -0.5, (0.02, 0.003))[0]
    colours = torch.cat([torch.full((4, 1), 0.9), torch.full((4, 1), 0.2)])[None].double()
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    topology = Topology(torch.cat([faces, faces + 4]))
    mesh = Mesh(torch.cat([near * torch.cat([scale, scale, scale**0]), far])[None], topology, colours)
    brightness = draw(mesh, front, (32, 32), backend=backend).colour.sum() * 4 / 32**2
    brightness.backward()
    assert brightness.item() == pytest.approx(4 * (half**2 * 0.7 + (15 / 16)**2 * 0.2), rel=1e-2)
    assert scale.grad.item() == pytest.approx(8 * half**2 * 0.7, rel=0.02)


def test_inner_edges_leave_no_trace(backend, camera):
    """A white ball is white inside, whatever its triangles; alpha stays in [0, 1] where it is thinner than a pixel."""
    vertices, faces = bumpy(3)
    crisp = draw(Mesh.of(vertices[None].float(), faces), camera, (64, 64), smooth=False, backend=backend)
    out = draw(Mesh.of(vertices[None].float(), faces), camera, (64, 64), backend=backend)
    inside = -torch.nn.functional.max_pool2d(-crisp.alpha, 3, 1, 1) == 1
    assert inside.sum() > 1000
    assert (out.colour[inside.expand_as(out.colour)] == 1).all()
    assert 0 < (out.alpha != crisp.alpha).sum() < 1000
    tiny = draw(Mesh.of(0.02 * vertices[None].float(), faces), camera, (64, 64), backend=backend)
    assert 0 <= tiny.alpha.min() <= tiny.alpha.max() <= 1


def test_without_smooth_outlines_nothing_moves(backend):
    vertices, faces = square(0.41)
    zero = torch.zeros(1, dtype=torch.float64)
    camera = Camera(orbiting(zero, zero, 4.0), perspective(0.5).double())
    for smooth in (True, False):
        leaf = vertices[None].clone().requires_grad_()
        out = draw(Mesh.of(leaf, faces), camera, (32, 32), smooth=smooth, backend=backend)
        (out.alpha.sum() + 0 * leaf.sum()).backward()
        assert leaf.grad.any() == smooth


def test_gradients_of_blending_reach_pixels_and_reach(front):
    """Without tips; two images, so that pixels of the second are found in the gradient's planes."""
    vertices, faces = square(0.53)
    clip = front.clip(front.seen(torch.stack([vertices, vertices * 0.8])))
    outline = crossings(rasterize(clip, faces, (8, 8), backend="torch"), clip, Topology(faces), cull=False)
    assert len(outline.reach) > 16
    assert outline.covered.all()
    image = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def blended(colour, alpha, reach):
        return antialiased(colour.clone(), alpha.clone(), attrs.evolve(outline, reach=reach), colour.new_zeros(0, 3))

    leaves = (*image.split([3, 1], 1), outline.reach)
    assert torch.autograd.gradcheck(blended, [t.clone().requires_grad_() for t in leaves])


def test_a_white_spike_before_white_changes_nothing(front, backend):
    """It passes between the pixels' centres: no pixel sees it, and its tips are blended, not added."""
    spike = torch.tensor([[-0.05, -0.7, 0], [0.05, -0.7, 0], [0, 0.8, 0]], dtype=torch.float64)
    area = 0.1 * 1.5 / 2 * 8**2                    # in pixels
    for behind in (1.0, 0.0):
        leaf = spike[None].clone().requires_grad_()
        out = draw(Mesh.of(leaf, torch.tensor([[0, 1, 2]])), front, (16, 16), backend=backend,
                   background=torch.full((1, 3), behind, dtype=torch.float64))
        assert not (out.ids >= 0).any()
        out.colour.mean(1).square().sum().backward()
        if behind:
            torch.testing.assert_close(out.colour, torch.ones_like(out.colour))
            assert leaf.grad.abs().max() < 1e-9
        else:
            assert out.colour.max() <= 1
            assert out.colour.sum().item() / 3 == pytest.approx(area, rel=0.1)
            assert leaf.grad.any()


def crowd(reach, covered):
    """Crossings of one row of five pixels, of whose middle one there are several; all that are not covered are tips."""
    inner, outer = torch.tensor([1, 3, 1, 3, 2, 2]), torch.tensor([2, 2, 2, 2, 1, 3])
    covered = torch.tensor(covered)
    tips = int((~covered).sum())
    return Crossings(inner, outer, torch.tensor(reach, dtype=torch.float64), covered, torch.zeros(tips).long(),
                     torch.zeros(tips).long(), torch.zeros(tips, 3))


CROWDS = [([0.9, 0.95, 0.6, 0.7, 0.8, 0.3], [True] * 6), ([0.9, 0.8, 0.7, 0.6, 0.1, 0.2], [True, False] * 3),
          ([0.9, 0.8, 1.0, 0.95, 0.1, 0.7], [False] * 6), ([0.6, 0.55, 0.7, 0.2, 0.1, 0.45], [True] * 2 + [False] * 4)]


@pytest.mark.parametrize(("reach", "covered"), CROWDS)
def test_however_many_cross_a_pixel_stays_a_mean(reach, covered):
    """Of its neighbours, its tips and itself; and the gradients of all of them are those of that mean."""
    outline, dice = crowd(reach, covered), torch.Generator().manual_seed(0)
    colour, alpha, tips = (torch.rand(*shape, generator=dice, dtype=torch.float64)
                           for shape in ((1, 2, 1, 5), (1, 1, 1, 5), (len(outline.face), 2)))

    def blended(colour, alpha, tips):
        return antialiased(colour.clone(), alpha.clone(), outline, tips)

    for image, rest in zip(blended(colour.round(), alpha.round(), tips.round()), (colour, alpha), strict=True):
        assert image.shape == rest.shape
        assert -1e-12 <= image.min() <= image.max() <= 1 + 1e-12
    assert torch.autograd.gradcheck(blended, [t.requires_grad_() for t in (colour, alpha, tips)])


def test_two_tips_at_a_pixel_have_the_colour_of_their_mean():
    """Weighted by how far each reaches: 0.3 of a white one and 0.1 of a black one, over grey."""
    outline = crowd([0.8, 0.6, 0.5, 0.5, 0.5, 0.5], [False, False, True, True, True, True])
    grey, tips = torch.full((1, 1, 1, 5), 0.5, dtype=torch.float64), torch.tensor([[1.0], [0.0]]).double()
    colour, _ = antialiased(grey.clone(), grey.clone(), outline, tips)
    assert colour[0, 0, 0, 2].item() == pytest.approx(0.5 + 0.4 * (0.75 - 0.5), abs=1e-5)


def test_two_faces_on_one_side_of_an_edge_that_both_run_along(front, backend):
    """A surface that is not oriented: the edge bounds it, and the covered area moves with it."""
    vertices = torch.tensor([[-0.5, -0.4, 0], [0.55, -0.3, 0], [0.1, 0.6, 0], [-0.2, 0.5, -0.1]], dtype=torch.float64)
    topology = Topology(torch.tensor([[0, 1, 2], [0, 1, 3]]))
    assert not topology.oriented

    def area(down, size):
        moved = vertices - torch.tensor([[0, 1, 0]] * 2 + [[0, 0, 0]] * 2) * down
        return draw(Mesh(moved[None], topology), front, (size, size), backend=backend).alpha.mean() * 4

    down = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    slope, = torch.autograd.grad(area(down, 64), down)
    assert slope.item() == pytest.approx((area(0.02, 512) - area(-0.02, 512)).item() / 0.04, rel=0.05)


FLOOR = {"a corner": [[2, -0.5, -1], [-2, -0.5, -1], [0.4, -0.5, 2.3]],
         "two corners": [[-2, -0.5, 2.05], [2, -0.5, 2.6], [0, -0.5, -3]],
         "a far corner": [[0.5, -0.6, 0.3], [-1, -0.5, -1], [9, 2.0, 40]]}


@pytest.mark.parametrize("behind", FLOOR)
@pytest.mark.parametrize("turned", [False, True])
def test_an_edge_that_passes_the_camera(backend, behind, turned):
    """A triangle with corners behind the camera at z = 2, in 4 directions, against differences of fine images."""
    corners = torch.tensor(FLOOR[behind], dtype=torch.float64)
    faces, zero = torch.tensor([[0, 2, 1] if turned else [0, 1, 2]]), torch.zeros(1, dtype=torch.float64)
    camera = Camera(orbiting(zero, zero, 2.0), perspective(math.radians(60)).double())

    def area(moved, size):
        return (draw(Mesh(moved[None], Topology(faces)), camera, (size, size), backend=backend).alpha
                * weights(size)).mean()

    leaf, dice, found, measured = corners.clone().requires_grad_(), torch.Generator().manual_seed(0), [], []
    slope, = torch.autograd.grad(area(leaf, 128), leaf)
    for _ in range(4):
        d = torch.randn(3, 3, generator=dice, dtype=torch.float64)
        found.append((slope * d).sum())
        measured.append((area(corners + 0.01 * d, 512) - area(corners - 0.01 * d, 512)) / 0.02)
    found, measured = torch.stack(found), torch.stack(measured)
    assert measured.norm() > 0.1
    assert (found - measured).norm() < 0.03 * measured.norm()
