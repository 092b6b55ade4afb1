import math

import pytest
import torch
from torch.nn.functional import normalize

from unbraid import Layout, UnbraidError
from unbraid.testing import LossSuite, numbers
from unbraid.values import tensors
from unbraid_configs import Factor
from unbraid_plugins.opengl.renderer import MeshRenderer
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.papers.shape3d import Surfaces, angles, beyond, mesh, oversize, roughness, towards, viewpoints
from unbraid_plugins.papers.shape3d.grid import blurred, closed, padded, places, topology, unit_ball
from unbraid_plugins.papers.shape3d.scene import Surface

CODE = Layout.of({"object": Factor(name="object", size=6)})
SMALL = {"width": 2, "points": 9, "texture": 8}


def made(context, form, image=(3, 16, 16), **options):
    module = Surfaces(form=form, **SMALL, **options).build(context(*image, code=CODE), torch.empty(2, 6))
    return module, torch.randn(2, 6)


def flat_view(azimuth=0.0, elevation=0.0):
    """A parallel view; x and y are within [-1, 1]."""
    return Camera(orbiting(torch.tensor([azimuth]), torch.tensor([elevation]), 4.0), orthographic(2.0))


@pytest.mark.parametrize("form", ["sheet", "ball"])
@pytest.mark.parametrize("image", [(3, 16, 16), (1, 20, 33)], ids=str)
def test_scenes_have_their_sizes_and_an_image_reaches_every_weight(context, form, image):
    module, z = made(context, form, image, background=24)
    render = MeshRenderer(panorama=90).build(context(*image))
    m = module(z)
    assert m.surface.points.shape == (2, 3, 9, 9)
    assert m.texture.shape == (2, image[0], 8, 8)
    assert m.background.shape == (2, image[0], 24, 24)
    assert all(0 <= t.min() <= t.max() <= 1 for t in (m.texture, m.background))
    picture = render(mesh(m.surface, m.texture), torch.tensor([[0.3, 0.2], [-0.4, 0.1]]), m.background)
    assert picture.shape == (2, *image)
    (picture * torch.rand(picture.shape)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() and p.grad.abs().max() > 0
               for p in module.parameters())


def test_sizes_follow_the_image_and_codes_are_joined(context):
    module = Surfaces(width=2).build(context(3, 16, 20), torch.empty(2, 4), torch.empty(2, 3))
    m = module(torch.randn(2, 4), torch.randn(2, 3))
    assert m.surface.points.shape == (2, 3, 33, 33)
    assert m.texture.shape == (2, 3, 20, 20)
    assert m.background.shape == (2, 3, 60, 60)


@pytest.mark.parametrize("form", ["sheet", "ball"])
def test_the_meta_device_tells_the_same_shapes(context, dice, form):
    module, z = made(context, form)
    state = {n: torch.empty_like(t, device="meta") for n, t in (*module.named_parameters(), *module.named_buffers())}
    real, shapes = module(z), torch.func.functional_call(module, state, (z.to("meta"),))
    for there, here in ((real, shapes), (mesh(real.surface, real.texture), mesh(shapes.surface, shapes.texture))):
        pairs = list(zip(tensors(there), tensors(here), strict=True))
        assert all(a.shape == b.shape and b.is_meta for a, b in pairs)
        assert len(pairs) == 3
    v = viewpoints(random=dice(batch=2, device="meta"))
    assert angles(towards(v)).is_meta
    assert angles(towards(v)).shape == (2, 2)


@pytest.mark.parametrize("side", [9, 17])
def test_a_ball_is_closed_and_seen_from_outside(side):
    t, points = topology("ball", side), unit_ball(side)
    assert torch.allclose(points.norm(dim=0), torch.ones(()).double())
    assert torch.equal(torch.bincount(t.edge_of_side.flatten()), torch.full((len(t.edges),), 2))
    assert len(t.welded.unique()) - len(t.edges) + len(t.faces) == 2             # Euler
    a, b, c = points.flatten(1).T[t.faces].unbind(1)
    outwards = ((b - a).cross(c - a, dim=1) * (a + b + c)).sum(1)
    assert outwards.min() > 0
    volume = (a * b.cross(c, dim=1)).sum() / 6
    assert volume == pytest.approx(4 / 3 * math.pi, rel=0.15 if side == 9 else 0.04)
    assert torch.equal(points[:, side // 2, side // 2], torch.tensor([0.0, 0, 1]).double())
    assert len(topology("sheet", side).edges) - len(t.edges) == 2 * (side - 1)    # a sheet has a border


def test_borders_of_a_ball_stay_sewn_together(context):
    module, z = made(context, "ball")
    torch.nn.init.normal_(module.shape.last.weight)
    points = module(z).surface.points.flatten(2)
    welded = topology("ball", 9).welded
    assert torch.allclose(points, points[:, :, welded], atol=1e-6)
    assert (points - Surface(module.start[None], "ball").points.flatten(2)).abs().max() > 0.1
    torn = torch.rand(1, 3, 9, 9).flatten(2)                                     # what the test would see
    assert not torch.allclose(torn, torn[:, :, welded], atol=1e-2)


def test_beyond_the_border_of_a_ball_is_the_ball_itself():
    ball = unit_ball(9)[None]
    around = padded(ball, "ball", 2)
    assert torch.equal(around[..., 2:-2, 2:-2], ball)
    steps = around.diff(dim=2).norm(dim=1)[0, :, 2:-2]
    assert steps.max() < 1.6 * steps[2:-2].max()                                  # it goes on without a jump
    for across, inside in ((around[:, :, 1, 2:-2], ball[:, :, 1]), (around[:, :, -2, 2:-2], ball[:, :, -2])):
        assert torch.equal(across, inside.flip(2))


@pytest.mark.parametrize("form", ["sheet", "ball"])
def test_blur_keeps_what_is_even_and_smooths_what_is_not(form):
    even, rough = torch.full((1, 2, 9, 9), 0.7), closed(torch.rand(1, 2, 9, 9))
    assert torch.allclose(blurred(even, form, 1.0), even)
    soft = blurred(rough, form, 1.0)
    assert soft.var() < 0.3 * rough.var()
    if form == "ball":
        assert torch.allclose(closed(soft), soft, atol=1e-6)
    alone = torch.zeros(1, 1, 15, 15)
    alone[..., 7, 7] = 1
    kernel = torch.exp(-0.5 * (torch.arange(-3, 4) / 1.0) ** 2)
    kernel = kernel / kernel.sum()
    assert torch.allclose(blurred(alone, form, 1.0)[0, 0, 4:11, 4:11], kernel[:, None] * kernel, atol=1e-6)


def test_a_texture_lies_upright_on_its_surface():
    red_green_blue_yellow = [[[1.0, 0], [0, 1]], [[0, 1.0], [0, 1]], [[0, 0], [1.0, 0]]]
    colours = torch.tensor(red_green_blue_yellow)[None].repeat_interleave(4, 2).repeat_interleave(4, 3)
    x, y = places(9).float()
    sheet = Surface(torch.stack([0.8 * x, 0.8 * y, 0 * x])[None], "sheet")
    for surface in (sheet, Surface(0.8 * unit_ball(9)[None].float(), "ball")):
        seen = draw(mesh(surface, colours), flat_view(), (40, 40)).colour[0]
        for (i, j), (row, column) in {(12, 12): (0, 0), (12, 27): (0, 7), (27, 12): (7, 0), (27, 27): (7, 7)}.items():
            assert torch.allclose(seen[:, i, j], colours[0, :, row, column], atol=0.05)


def covered_width(surface, azimuth):
    alpha = draw(mesh(surface, torch.ones(1, 3, 2, 2)), flat_view(azimuth), (64, 64)).alpha[0, 0]
    return float(alpha.amax(0).sum()) / 32                                        # in units of the world


def test_training_begins_with_a_ball_a_sheet_or_a_billboard(context):
    for form, options, front, side in (("ball", {}, 1.2, 1.2), ("sheet", {"dome": 0.0}, 1.2, 0.6),
                                       ("ball", {"flat": True}, 1.2, 0.6)):
        module, z = made(context, form, size=0.6, **options)
        surface = Surface(module(z).surface.points[:1].detach(), form)
        assert covered_width(surface, 0.0) == pytest.approx(front, abs=0.06)
        assert covered_width(surface, math.pi / 3) == pytest.approx(side, abs=0.06)


def test_a_billboard_never_gets_depth(context):
    module, z = made(context, "ball", flat=True, size=0.6)
    torch.nn.init.normal_(module.shape.last.weight)
    points = module(z).surface.points
    assert torch.equal(points[:, 2], torch.zeros_like(points[:, 2]))
    assert points[:, :2].std(0).max() > 0.05


def test_only_outlines_tell_a_surface_without_a_pattern(context):
    """One colour everywhere: no gradient within, all of it at the outline."""
    slopes = {}
    for smooth in (True, False):
        torch.manual_seed(0)
        module, z = made(context, "ball")
        m = module(z)
        render = MeshRenderer(smooth=smooth).build(context(3, 16, 16))
        render(mesh(m.surface, torch.ones(1, 3, 2, 2)), torch.zeros(2, 2)).sum().backward()
        slopes[smooth] = float(module.shape.last.bias.grad.abs().max())
    assert slopes[True] > 1
    assert slopes[False] < 1e-4


def test_viewpoints_are_drawn_where_p_v_says(dice):
    v = viewpoints(azimuth=60.0, elevation=15.0, middle=25.0, random=dice(batch=4000)).rad2deg()
    assert v.shape == (4000, 2)
    for angle, low, high in ((v[:, 0], -60, 60), (v[:, 1], 10, 40)):
        assert low <= angle.min() < low + 1
        assert high - 1 < angle.max() <= high
        assert angle.mean() == pytest.approx((low + high) / 2, abs=1.5)
        assert angle.std() == pytest.approx((high - low) / math.sqrt(12), rel=0.04)


def test_directions_are_those_of_the_renderers_cameras():
    v = torch.tensor([[0.3, 0.2], [-2.9, -0.4], [math.pi / 2, 1.2]])
    back = orbiting(*v.unbind(1), 1.0)[:, 2, :3]                                  # from the origin to the camera
    assert torch.allclose(towards(v), back, atol=1e-6)
    assert torch.allclose(angles(2.5 * towards(v)), v, atol=1e-5)


def test_angles_of_the_vertical_are_finite():
    up = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], requires_grad=True)
    found = angles(up)
    found.sum().backward()
    assert found.isfinite().all()
    assert up.grad.isfinite().all()
    assert found[0, 1].item() == pytest.approx(math.pi / 2, abs=1e-5)


def test_roughness_by_hand():
    x, y = places(5).float()
    plane = torch.stack([x, y, 0.3 * x - 0.1 * y])[None]
    assert roughness(Surface(plane, "sheet")) == pytest.approx(0, abs=1e-12)
    dent = plane.clone()
    dent[0, 2, 2, 2] += 0.4                       # one vertex is 0.4 off, each of its neighbours sees a quarter of that
    assert roughness(Surface(dent, "sheet")) == pytest.approx((0.4**2 + 4 * 0.1**2) / 9, rel=1e-5)
    corner = plane.clone()
    corner[0, 2, 0, 0] += 0.4                                                     # nobody's neighbour
    assert roughness(Surface(corner, "sheet")) == pytest.approx(0, abs=1e-12)


def test_roughness_of_a_ball_counts_its_seam():
    ball = unit_ball(9)[None].float()
    bent = ball.clone()
    bent[0, :, 0, 2] *= 1.5
    bent[0, :, 0, -3] *= 1.5                                                      # the same vertex
    assert roughness(Surface(bent, "ball")) > 1.3 * roughness(Surface(ball, "ball"))
    inner = normalize(torch.rand(1, 3, 9, 9), dim=1)
    total = sum(float((padded(inner, "ball", 1)[0, :, i + 1, j + 1] - 0.25 * (
        padded(inner, "ball", 1)[0, :, i, j + 1] + padded(inner, "ball", 1)[0, :, i + 2, j + 1]
        + padded(inner, "ball", 1)[0, :, i + 1, j] + padded(inner, "ball", 1)[0, :, i + 1, j + 2])).square().sum())
        for i in range(9) for j in range(9))
    assert roughness(Surface(inner, "ball")) == pytest.approx(total / 81, rel=1e-5)


def test_oversize_by_hand():
    points = torch.zeros(1, 3, 2, 2)
    points[0, 0] = torch.tensor([[0.5, 1.0], [1.5, 3.0]])
    assert oversize(Surface(points, "sheet"), radius=1.0) == pytest.approx((0.5**2 + 2**2) / 4)
    assert oversize(Surface(points, "sheet"), radius=3.0) == 0
    points.requires_grad_()
    oversize(Surface(points, "sheet"), radius=2.0).backward()
    assert points.grad.isfinite().all()
    assert (points.grad != 0).sum() == 1


def test_beyond_by_hand():
    view = torch.tensor([[0.0, 0.4], [1.0, 0.4], [-1.2, 0.9], [0.1, -0.3]])
    found = beyond(view, azimuth=math.degrees(0.9), elevation=math.degrees(0.2), middle=math.degrees(0.4))
    assert found == pytest.approx((0.1**2 + 0.3**2 + 0.3**2 + 0.5**2) / 4)
    assert beyond(view, azimuth=180.0, elevation=45.0, middle=math.degrees(0.3)) == 0


class TestBeyond(LossSuite):
    component = beyond

    def inputs(self):
        return (4 * numbers(4, 2) - 2,)


class TestRoughness(LossSuite):
    component = roughness

    def inputs(self):
        return (Surface(numbers(4, 3, 9, 9), "ball"),)


class TestOversize(LossSuite):
    component = oversize

    def inputs(self):
        return (Surface(2 * numbers(4, 3, 9, 9), "sheet"),)


def test_errors_say_what_to_do(context):
    with pytest.raises(UnbraidError, match=r"points: 16 is even(.|\n)*take 17"):
        Surfaces(points=16).build(context(), torch.empty(2, 6))
    with pytest.raises(UnbraidError, match=r"expected \(B, 3, N, N\)"):
        Surface(torch.empty(2, 3, 9, 8), "ball")
    with pytest.raises(ValueError, match="positive radius"):
        oversize(Surface(torch.ones(1, 3, 5, 5), "sheet"), radius=0.0)
