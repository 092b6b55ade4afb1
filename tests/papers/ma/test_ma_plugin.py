"""The networks of Ma et al.: the authors' sizes, what each code may depend on, and errors that teach."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import nn

from unbraid import Layout, UnbraidError
from unbraid.testing import CriticSuite, EncoderSuite, GeneratorSuite, NetworkSuite
from unbraid_configs import Factor
from unbraid_plugins.papers.ma import (
    BackgroundEncoder,
    Critic,
    Generator,
    Mapping,
    PartEncoder,
    PoseDecoder,
    PoseEncoder,
    Stem,
)
from unbraid_plugins.papers.ma.blocks import levels

NARROW = {"width": 4}
BOXES = torch.tensor([[1.0, 2, 11, 12], [4, 4, 30, 28]]).repeat(4, 1, 1)


def code(**factors: tuple[int, int] | int) -> Layout:
    return Layout.of({n: Factor(name=n, count=s[0], size=s[1]) if isinstance(s, tuple) else Factor(name=n, size=s)
                      for n, s in factors.items()})


def fixed(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


class TestStem(NetworkSuite):
    component = Stem
    options: ClassVar = NARROW


class TestParts(EncoderSuite):
    component = PartEncoder
    options: ClassVar = {**NARROW, "crop": 8}

    def inputs(self):
        return fixed(4, 4, 32, 32), BOXES, torch.tensor([[1.0, 1]] * 4)


class TestBackground(EncoderSuite):
    component = BackgroundEncoder
    options: ClassVar = NARROW


class TestGenerator(GeneratorSuite):
    component = Generator
    options: ClassVar = {**NARROW, "neck": 6}

    def inputs(self):
        return fixed(4, 6), fixed(4, 4), fixed(4, 18, 32, 32)


class TestCritic(CriticSuite):
    component = Critic
    options: ClassVar = NARROW


class TestPoseEncoder(EncoderSuite):
    component = PoseEncoder
    options: ClassVar = {"width": 8, "blocks": 1}

    def inputs(self):
        return (fixed(4, 18, 3),)


class TestPoseDecoder(NetworkSuite):
    component = PoseDecoder
    options: ClassVar = {"width": 8, "blocks": 1, "joints": 5}

    def inputs(self):
        return (fixed(4, 6),)


class TestMapping(EncoderSuite):
    component = Mapping
    options: ClassVar = {"width": 8, "blocks": 1}

    def inputs(self):
        return (fixed(4, 6),)


def layers(module: nn.Module, kind: type[nn.Module]) -> list[tuple[int, int]]:
    found = [m.weight.shape for m in module.modules() if isinstance(m, kind)]
    return [(s[1], s[0]) for s in found]


def test_the_layers_are_the_authors_at_128_x_64(context):
    around = context(3, 128, 64, code=code(foreground=(7, 32)))
    with torch.device("meta"):
        x, h, maps = torch.empty(2, 3, 128, 64), torch.empty(2, 128, 128, 64), torch.empty(2, 18, 128, 64)
        boxes, codes = torch.empty(2, 7, 4), torch.empty(2, 352)
        stem, parts = Stem().build(around, x), PartEncoder().build(around, h, boxes)
        generator, critic = Generator().build(around, codes, maps), Critic().build(around, x)
        pose, joints = (PoseEncoder().build(context(code=code(pose=32)), torch.empty(2, 18, 3)),
                        PoseDecoder().build(context(), torch.empty(2, 32)))
    assert layers(stem, nn.Conv2d) == [(3, 128), (128, 128), (128, 128)]
    assert levels((128, 64)) == [(128, 64), (64, 32), (32, 16), (16, 8), (8, 4)]
    down = [(128, 128)] * 2
    for i in range(1, 5):
        down += [(128 * i, 128 * (i + 1)), *[(128 * (i + 1),) * 2] * 2]
    assert sorted(layers(parts, nn.Conv2d)) == sorted(down)
    assert layers(parts, nn.Linear) == [(640 * 9, 32)]                 # 48, 24, 12, 6, 3
    assert layers(generator, nn.Linear) == [(640 * 32, 64), (64, 128 * 32)]
    assert layers(generator, nn.Conv2d)[0] == (352 + 18, 128)
    assert [s for s in layers(critic, nn.Conv2d)] == [(3, 64), (64, 128), (128, 256), (256, 512)]
    assert layers(critic, nn.Linear) == [(512 * 32, 1)]
    assert layers(pose, nn.Linear) == [(54, 512), *[(512, 512)] * 8, (512, 32)]
    assert layers(joints, nn.Linear) == [(32, 512), *[(512, 512)] * 8, (512, 54)]


@pytest.mark.parametrize("size", [(64, 32), (32, 32), (50, 35)], ids=str)
def test_the_generator_paints_images_of_every_size(context, size):
    generator = Generator(width=2, neck=3).build(context(3, *size), torch.empty(2, 5), torch.empty(2, 18, *size))
    assert generator(torch.randn(2, 5), torch.rand(2, 18, *size)).shape == (2, 3, *size)


def test_a_part_that_is_not_seen_has_no_code(context):
    around, h = context(code=code(foreground=(2, 5))), torch.rand(4, 6, 32, 32)
    encoder = PartEncoder(width=4, crop=8).build(around, h, BOXES, torch.ones(4, 2))
    all_seen, one_seen = (encoder(h, BOXES, torch.tensor([seen] * 4)) for seen in ([1.0, 1], [1.0, 0]))
    assert torch.equal(all_seen[:, :5], one_seen[:, :5])
    assert all_seen[:, 5:].any()
    assert not one_seen[:, 5:].any()
    assert torch.equal(encoder(h, BOXES), all_seen)


def test_a_part_sees_its_box_and_nothing_else(context):
    around, h = context(code=code(foreground=(2, 5))), torch.rand(1, 6, 32, 32, requires_grad=True)
    encoder = PartEncoder(width=4, crop=8).build(around, h, BOXES)
    slope, = torch.autograd.grad(encoder(h, BOXES[:1])[:, :5].sum(), h)
    seen = slope.abs().sum((0, 1)) > 0
    assert seen[3:11, 2:10].all()                  # left 1, top 2, right 11, bottom 12
    assert not seen[13:].any()
    assert not seen[:, 12:].any()


def test_crops_agree_with_bilinear_sampling(context):
    """A box of whole pixels, scaled by 1, is the image itself; roi_align averages where it shrinks."""
    from torchvision.ops import roi_align

    h = torch.rand(1, 2, 16, 16)
    crop = roi_align(h, torch.tensor([[0.0, 3, 2, 11, 10]]), 8, aligned=True, sampling_ratio=1)
    assert torch.allclose(crop[0], h[0, :, 2:10, 3:11], atol=1e-6)


def test_visibility_is_rounded_and_still_learns(context):
    decoder = PoseDecoder(joints=4, width=8, blocks=1).build(context(), torch.empty(2, 6))
    joints = decoder(torch.randn(5, 6))
    assert set(joints[..., 2].unique().tolist()) <= {0, 1}
    joints[..., 2].sum().backward()
    assert decoder.body.body[-1].weight.grad[8:].abs().sum() > 0


def test_what_does_not_fit_is_explained(context):
    h = torch.empty(2, 4, 32, 32)
    with pytest.raises(UnbraidError, match="boxes of body parts"):
        PartEncoder().build(context(), h)
    with pytest.raises(UnbraidError, match="as many numbers for each of 3 parts"):
        PartEncoder().build(context(), h, torch.empty(2, 3, 4))
    with pytest.raises(UnbraidError, match="maps of the image's size, 16 x 16"):
        Generator().build(context(), torch.empty(2, 5), h)
    with pytest.raises(UnbraidError, match="declares none"):
        PoseEncoder().build(context(code=Layout(())), torch.empty(2, 18, 3))


def test_linear_pixels_may_leave_the_range(context):
    maps = torch.rand(2, 18, 16, 16)
    bounded, free = (Generator(width=2, neck=3, output=output).build(context(), torch.empty(2, 5), maps)
                     for output in ("tanh", "linear"))
    free.load_state_dict(bounded.state_dict())
    z = 50 * torch.randn(2, 5)
    assert 0 <= bounded(z, maps).min() <= bounded(z, maps).max() <= 1
    assert torch.allclose((2 * free(z, maps) - 1).tanh(), 2 * bounded(z, maps) - 1, atol=1e-5)
