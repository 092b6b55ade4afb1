"""The networks, losses and operations of intrinsic faces."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from unbraid import Code, Layout, UnbraidError
from unbraid.interfaces import Context
from unbraid.testing import EncoderSuite, GeneratorSuite, LossSuite, NetworkSuite, OperationSuite
from unbraid.testing.samples import numbers
from unbraid_configs import Factor
from unbraid_plugins.opengl.image_renderers import Shading
from unbraid_plugins.papers.intrinsic_faces.edits import contact_sheet, quotient, towards
from unbraid_plugins.papers.intrinsic_faces.energy import EnergyAutoencoder, energy, tell_apart
from unbraid_plugins.papers.intrinsic_faces.labels import ball, oval
from unbraid_plugins.papers.intrinsic_faces.layers import unit_normals, white_shading
from unbraid_plugins.papers.intrinsic_faces.networks import Encoder, LightDecoder, MapDecoder

PAPER = {"albedo": 128, "normals": 128, "light": 10, "background": 128, "matte": 32}


def paper_context() -> Context:
    layout = Layout.of({n: Factor(name=n, size=s) for n, s in PAPER.items()})
    return Context(name="network", image=(3, 64, 64), code=layout)


class TestEncoder(EncoderSuite):
    component = Encoder
    options: ClassVar = {"width": 8, "bottleneck": 12}


class TestMapDecoder(GeneratorSuite):
    component = MapDecoder
    options: ClassVar = {"width": 8}


class TestLightDecoder(NetworkSuite):
    component = LightDecoder

    def inputs(self) -> tuple[Tensor, ...]:
        return (numbers(4, 10),)


class TestEnergyAutoencoder(NetworkSuite):
    component = EnergyAutoencoder
    options: ClassVar = {"width": 8, "bottleneck": 12}


class TestEnergy(LossSuite):
    component = energy


class TestTellApart(LossSuite):
    component = tell_apart
    options: ClassVar = {"margin": 0.5}


class TestWhiteShading(LossSuite):
    component = white_shading

    def inputs(self) -> tuple[Tensor, ...]:
        return numbers(4, 3, 4, 4), numbers(4, 1, 4, 4, seed=1)


class TestUnitNormals(OperationSuite):
    component = unit_normals


class TestOval(OperationSuite):
    component = oval
    differentiable = False


class TestBall(OperationSuite):
    component = ball
    differentiable = False


class TestContactSheet(OperationSuite):
    component = contact_sheet

    def inputs(self) -> tuple[Tensor, ...]:
        return (*(numbers(4, 3, 1, 2, seed=i) for i in range(5)), numbers(4, 1, 1, 2), numbers(4, 3, 1, 2))


class TestQuotient(OperationSuite):
    component = quotient

    def inputs(self) -> tuple[Tensor, ...]:
        shading, other = (0.5 + numbers(4, 3, 2, 2, seed=i) for i in (1, 2))
        return 0.2 * numbers(4, 3, 2, 2), shading, other, numbers(4, 1, 2, 2)


class TestTowards(OperationSuite):
    component = towards
    options: ClassVar = {"factors": "pose"}


def test_the_layers_are_the_papers_at_64_pixels():
    x, context = torch.rand(2, 3, 64, 64), paper_context()
    encoder, critic = Encoder().build(context, x), EnergyAutoencoder().build(context, x)
    decoder = MapDecoder().build(context, torch.rand(2, 128))
    for module, kernels in ((encoder, [(96, 5), (48, 5), (24, 5)]), (decoder, [(48, 5), (96, 5), (96, 5), (3, 3)]),
                            (critic, [(96, 5), (48, 5), (24, 5), (48, 5), (96, 5), (96, 5), (3, 3)])):
        found = [(m.out_channels, m.kernel_size[0]) for m in module.modules() if isinstance(m, nn.Conv2d)]
        assert found == kernels
        assert not any(isinstance(m, nn.BatchNorm2d | nn.InstanceNorm2d) for m in module.modules())
    sizes = [(m.in_features, m.out_features) for m in encoder.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(24 * 8 * 8, 128), (128, 426)]
    assert encoder(x).shape == (2, 426)
    assert critic(x).shape == x.shape


def test_training_begins_with_an_even_light_and_gradients_reach_every_harmonic():
    context = paper_context()
    lamp = LightDecoder().build(context, torch.rand(2, 10))
    normals = unit_normals(torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    shading = Shading()(normals, lamp(torch.zeros(2, 10)))
    assert torch.allclose(shading, torch.full_like(shading, 0.75), atol=1e-5)
    (shading * torch.rand(shading.shape)).sum().backward()
    assert (lamp.body[0].bias.grad != 0).all()


def test_unit_normals_face_the_camera_with_finite_slopes_at_the_outline():
    steep = torch.tensor([[1e4, -1e4, 1e-9, 0.0], [0.0, 1e4, 0.0, 0.0], [-1e4, -1e4, -50.0, 50.0]]).reshape(1, 3, 1, 4)
    steep.requires_grad_()
    n = unit_normals(steep)
    assert torch.allclose(n.norm(dim=1), torch.ones(1, 1, 4), atol=1e-6)
    assert (n[:, 2] >= 0).all()
    n.sum().backward()
    assert steep.grad.isfinite().all()
    assert steep.grad.abs().max() < 100
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\)"):
        unit_normals(torch.zeros(1, 2, 4, 4))


def test_white_shading_by_hand():
    shading, mask = torch.zeros(2, 3, 1, 2), torch.tensor([1.0, 0.0, 0.5, 0.5]).reshape(2, 1, 1, 2)
    shading[0, :, 0, 0], shading[1, 0] = torch.tensor([1.0, 0.5, 0.75]), 0.25
    means = torch.tensor([1 + 0.25, 0.5, 0.75]) / 2                      # sums over the batch, by the whole mask
    assert white_shading(shading, mask) == pytest.approx(float(0.5 * (means - 0.75).square().sum()))
    assert white_shading(torch.full((2, 3, 4, 4), 0.75), torch.ones(2, 1, 4, 4)) == 0
    assert white_shading(shading, torch.zeros(2, 1, 1, 2)) == 0


def test_the_gauge_sees_what_a_rebuilt_image_does_not():
    albedo, shading, mask = torch.rand(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.75), torch.ones(2, 1, 4, 4)
    assert torch.allclose((0.5 * albedo) * (2 * shading), albedo * shading)
    assert white_shading(2 * shading, mask) > white_shading(shading, mask) + 0.5


def test_one_step_of_the_critic_lowers_the_energy_of_real_images_and_raises_that_of_made_ones():
    torch.manual_seed(0)
    real, fake = torch.rand(8, 3, 16, 16) * 0.3, 1 - torch.rand(8, 3, 16, 16) * 0.3
    context = Context(name="critic", image=(3, 16, 16), code=Layout(()))
    critic = EnergyAutoencoder(width=8, bottleneck=16).build(context, real)

    def energies() -> tuple[float, float]:
        with torch.no_grad():
            return float(energy(critic(real), real)), float(energy(critic(fake), fake))

    before = energies()
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.05)
    tell_apart(critic(real), real, critic(fake), fake, margin=20).backward()
    optimizer.step()
    after = energies()
    assert after[0] < before[0]
    assert after[1] > before[1]


def test_made_images_beyond_the_margin_do_not_count():
    x, y = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    copies = torch.full((2, 3, 2, 2), 0.1)
    copies[1] = 0.9
    assert tell_apart(x, x, copies, y, margin=0.5) == pytest.approx((0.5 - 0.01) / 2)
    with pytest.raises(ValueError, match="positive margin"):
        tell_apart(x, x, copies, y, margin=0.0)


def test_coarse_labels_are_half_a_ball_in_an_oval():
    x = torch.zeros(2, 3, 32, 32)
    mask, n = oval(x), ball(x)
    assert mask.mean() == pytest.approx(math.pi * 0.6 * 0.8 / 4, abs=0.02)
    assert torch.allclose(n.norm(dim=1, keepdim=True), mask, atol=1e-5)
    assert n[0, 0, 16, 22] > 0.2 > -0.2 > n[0, 0, 16, 9]                  # right is right
    assert n[0, 1, 5, 16] > 0.3 > -0.3 > n[0, 1, 26, 16]                  # up is up


def test_moves_along_an_attribute_leave_the_other_factors():
    layout = paper_context().code
    f, less, more = (Code(numbers(n, 426, seed=n), layout) for n in (2, 5, 3))
    moved = towards(f, less, more, by=2.0)
    way = more.tensor.mean(0) - less.tensor.mean(0)
    assert torch.allclose(moved.part("albedo").tensor, f.part("albedo").tensor + 2 * way[:128])
    assert torch.allclose(moved.part("normals").tensor, f.part("normals").tensor + 2 * way[128:256])
    assert torch.equal(moved.tensor[:, 256:], f.tensor[:, 256:])
    with pytest.raises(ValueError, match="no factor 'smile'"):
        towards(f, less, more, factors="smile")


def test_mistakes_are_explained():
    with pytest.raises(UnbraidError, match=r"60 x 60 is no multiple of 8"):
        Encoder().build(paper_context(), torch.empty(2, 3, 60, 60))
    with pytest.raises(UnbraidError, match="declares none"):
        Encoder().build(Context(name="e", image=(3, 64, 64), code=Layout(())), torch.empty(2, 3, 64, 64))
    with pytest.raises(ValueError, match="takes shading"):
        white_shading(torch.ones(2, 3, 4, 4), torch.ones(2, 3, 4, 4))
