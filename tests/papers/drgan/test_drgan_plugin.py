"""The networks and the fusion of DR-GAN: the paper's layers, both formulations, sets of every size."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unbraid import Code, Label, Layout, Record, Set, UnbraidError
from unbraid.testing import CriticSuite, EncoderSuite, GeneratorSuite, OperationSuite, PluginSuite
from unbraid_configs import Factor
from unbraid_plugins.papers.drgan import Critic, Encoder, Generator, frontal, fuse, up_to, with_fused
from unbraid_plugins.papers.drgan.casia import Down, Up, plan, sizes

CODE = Layout.of({"identity": Factor(name="identity", size=12), "yaw": Factor(name="yaw", size=5, prior="classes")})
PERSON = CODE.select(["identity"])


class TestDrgan(PluginSuite):
    module = "unbraid_plugins.papers.drgan"
    name = "drgan"


class TestEncoder(EncoderSuite):
    component = Encoder
    options: ClassVar = {"width": 4, "layers": 1}


class TestGenerator(GeneratorSuite):
    component = Generator
    options: ClassVar = {"width": 4, "layers": 1}


class TestCritic(CriticSuite):
    component = Critic
    options: ClassVar = {"width": 4, "layers": 1, "heads": ()}


class TestFuse(OperationSuite):
    component = fuse


class TestWithFused(OperationSuite):
    component = with_fused


class TestUpTo(OperationSuite):
    component = up_to


# -- layers ------------------------------------------------------------------------------------------------------------


def layers_of(net: nn.Module) -> list[tuple[int, int]]:
    """Channels made and stride of every convolution."""
    return [(m.out_channels, m.stride[0]) for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def test_the_layers_are_those_of_the_paper(context) -> None:
    paper, x = Layout.of({"identity": Factor(name="identity", size=320)}), torch.empty(2, 3, 96, 96, device="meta")
    down = [(32, 1), (64, 1), (64, 2), (64, 1), (128, 1), (128, 2), (96, 1), (192, 1), (192, 2), (128, 1), (256, 1),
            (256, 2), (160, 1), (320, 1)]
    up = [(160, 1), (256, 1), (256, 2), (128, 1), (192, 1), (192, 2), (96, 1), (128, 1), (128, 2), (64, 1), (64, 1),
          (64, 2), (32, 1), (3, 1)]
    around = context(3, 96, 96, code=paper, identity=200, yaw=9)
    encoder, critic = Encoder().build(around, x), Critic().build(around, x)
    generator = Generator().build(around, torch.empty(2, 320), torch.empty(2, 9), torch.empty(2, 50))
    assert layers_of(encoder) == layers_of(critic) == down
    assert layers_of(generator) == up
    assert generator.first[0].in_features == 320 + 9 + 50
    assert generator.first[0].out_features == 320 * 6 * 6
    heads = [(m.in_features, m.out_features) for m in critic.modules() if isinstance(m, nn.Linear)]
    assert heads == [(320, 1), (320, 200), (320, 9)]
    assert not any(isinstance(m, nn.BatchNorm2d) for m in list(generator.body)[-1:])    # any colour can be painted
    assert isinstance(list(encoder.modules())[-2], nn.BatchNorm2d)                       # f(x) can be negative
    weights = torch.cat([p.flatten() for p in generator.parameters() if p.ndim > 1])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert abs(weights.mean().item()) < 1e-4


@pytest.mark.parametrize("size", [(96, 50), (7, 8), (33, 32)], ids=str)
def test_up_is_the_transpose_of_down(size: tuple[int, int]) -> None:
    """For equal weights, <down(x), y> = <x, up(y)>."""
    down, up = Down(3, 5, size).double(), Up(5, 3, size).double()
    up.conv.weight = down.conv.weight
    x, y = torch.randn(2, 3, *size).double(), torch.randn(2, 5, *sizes(*size)[1]).double()
    with torch.no_grad():
        bias = down.conv.bias.zero_(), up.conv.bias.zero_()
        assert bias[0].shape == (5,)
        assert (down(x) * y).sum().item() == pytest.approx((x * up(y)).sum().item())


def test_an_even_side_is_padded_right_and_below_as_tensorflow_does() -> None:
    down = Down(1, 1, (4, 4))
    nn.init.ones_(down.conv.weight)
    nn.init.zeros_(down.conv.bias)
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0, 0] = 1                                     # the first pixel is seen by the first place alone
    assert down(x)[0, 0].tolist() == [[1, 0], [0, 0]]
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 3, 3] = 1                                     # and the last one by the last
    assert down(x)[0, 0].tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("image", [(3, 32, 32), (1, 35, 50)], ids=str)
def test_networks_fit_images_of_every_size_and_learn_from_all_of_them(context, image, layers: int) -> None:
    around, x = context(*image, code=PERSON, identity=4, yaw=5), torch.rand(4, *image)
    encoder = Encoder(width=2, layers=layers, confidence=True).build(around, x)
    generator = Generator(width=2, layers=layers).build(around, torch.empty(2, 12), torch.empty(2, 5))
    critic = Critic(width=2, layers=layers).build(around, x)
    seen = encoder(x).parts
    y = generator(seen["identity"].tensor, torch.eye(5)[:4])
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1
    assert isinstance(seen["identity"], Code)
    assert (seen["identity"].layout, seen["confidence"].shape) == (PERSON, (4, 1))
    found = critic(y).parts
    assert {name: tuple(t.shape) for name, t in found.items()} == {"score": (4, 1), "identity": (4, 4), "yaw": (4, 5)}
    (sum(t.square().sum() for t in found.values()) + y.square().sum() + seen["confidence"].sum()).backward()
    for box in (encoder, generator, critic):
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in box.parameters())


def test_a_shallow_plan_keeps_what_each_level_makes() -> None:
    assert [level[-1] for level in plan(1, 320, 32)] == [level[-1] for level in plan(3, 320, 32)]


# -- formulations ------------------------------------------------------------------------------------------------------


def test_a_fake_class_and_a_score_are_the_same_losses(context) -> None:
    """N + 1 classes as in CVPR 2017, written out, are what the recipe's losses make of the score."""
    x, around = torch.rand(6, 3, 16, 16), context(3, 16, 16, identity=4, yaw=5)
    critic = Critic(width=2, layers=1, fake="identity").build(around, x)
    for p in critic.parameters():
        nn.init.normal_(p, std=0.5)
    found, who = critic(x).parts, torch.tensor([0, 1, 2, 3, 0, 1])
    heads = critic.body[-1]
    features = critic.body[:-1](2 * x - 1)
    logits = torch.cat([heads.logits[0](features), heads.score(features)], 1)             # N identities, and fake
    assert logits.shape == (6, 5)
    as_real = F.binary_cross_entropy_with_logits(found["score"], torch.ones(6, 1)) + F.cross_entropy(
        found["identity"], who)
    as_fake = F.binary_cross_entropy_with_logits(found["score"], torch.zeros(6, 1))
    torch.testing.assert_close(as_real, F.cross_entropy(logits, who))
    torch.testing.assert_close(as_fake, F.cross_entropy(logits, torch.full((6,), 4)))
    other = Critic(width=2, layers=1).build(around, x)
    other.load_state_dict(critic.state_dict())
    assert not torch.allclose(other(x).parts["score"], found["score"])


# -- sets --------------------------------------------------------------------------------------------------------------


def a_set(people: int = 3, images: int = 4) -> tuple[Set, Set]:
    f, w = torch.randn(people, images, 12), torch.rand(people, images, 1)
    return Set.fold(Code(f, PERSON)), Set.fold(w)


def test_a_fused_set_is_the_weighted_mean() -> None:
    f, w = a_set()
    features, weights = f.unfolded().tensor, w.unfolded()
    found = fuse(f, w)
    assert found.layout == PERSON
    for person in range(3):
        total = sum(float(weights[person, i]) for i in range(4))
        by_hand = sum(weights[person, i] * features[person, i] for i in range(4)) / total
        torch.testing.assert_close(found.tensor[person], by_hand)
    together = with_fused(f, w)
    assert together.count == 5
    torch.testing.assert_close(together.unfolded().tensor, torch.cat([features, found.tensor[:, None]], 1))


def test_equal_confidences_make_the_mean_and_one_alone_its_own() -> None:
    f, _ = a_set()
    features = f.unfolded().tensor
    torch.testing.assert_close(fuse(f, Set(torch.full((12, 1), 0.3), 4)).tensor, features.mean(1))
    alone = torch.zeros(3, 4, 1)
    alone[:, 2] = 1e-5                                    # however little it is, it is the only one that counts
    torch.testing.assert_close(fuse(f, Set.fold(alone)).tensor, features[:, 2])
    nothing = fuse(f, Set(torch.zeros(12, 1), 4)).tensor
    assert torch.isfinite(nothing).all()


def test_the_order_of_a_set_does_not_matter() -> None:
    f, w = a_set()
    order = torch.tensor([2, 0, 3, 1])
    moved = fuse(Set.fold(Code(f.unfolded().tensor[:, order], PERSON)), Set.fold(w.unfolded()[:, order]))
    torch.testing.assert_close(moved.tensor, fuse(f, w).tensor)


def test_gradients_reach_the_confidences() -> None:
    f, w = a_set()
    features, weights = f.unfolded().tensor.double(), w.unfolded().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda c: fuse(Set.fold(Code(features, PERSON)), Set.fold(c)).tensor, weights)


def test_sets_of_every_size_are_equally_likely(dice) -> None:
    _, w = a_set(people=2000, images=4)
    found = up_to(w, random=dice(batch=2000)).unfolded()
    taken = (found > 0).squeeze(2)
    assert taken[:, 0].all()                              # somebody counts
    assert (taken.sum(1).bincount(minlength=5)[1:] / 2000 - 0.25).abs().max() < 0.04
    assert torch.equal(taken, torch.arange(4) < taken.sum(1, keepdim=True))
    assert torch.equal(found[taken], w.unfolded()[taken])


def test_the_frontal_pose_is_the_middle_one() -> None:
    layout = CODE
    x = torch.rand(3, 3, 8, 8)
    found = frontal(x, layout=layout)
    assert isinstance(found, Label)
    assert (found.index.tolist(), found.classes) == ([2, 2, 2], 5)
    assert frontal(x, number=4, layout=layout).index.tolist() == [4, 4, 4]


# -- what does not fit -------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_explained(context) -> None:
    x, f = torch.empty(2, 3, 32, 32), Code(torch.rand(2, 12), PERSON)
    w: Tensor = torch.rand(2, 1)
    with pytest.raises(ValueError, match=r"a set of codes and a set of confidences; these are a Code[\s\S]*count: 4"):
        fuse(f, w)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="4 codes and 2 confidences"):
        with_fused(a_set()[0], Set(torch.rand(6, 1), 2))
    with pytest.raises(ValueError, match="takes a set"):
        up_to(w, random=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no category 'pose'; write  code:"):
        frontal(x, pose="pose", layout=CODE)
    with pytest.raises(ValueError, match="has the classes 0 to 4; there is no 5"):
        frontal(x, number=5, layout=CODE)
    with pytest.raises(UnbraidError, match=r"no labelled factor 'yaw'[\s\S]*rename"):
        Critic().build(context(identity=3), x)
    with pytest.raises(UnbraidError, match=r"'score' is the name"):
        Critic(heads="score").build(context(score=3), x)
    with pytest.raises(UnbraidError, match=r"fake: 'name' is no head[\s\S]*identity, yaw"):
        Critic(fake="name").build(context(identity=3, yaw=2), x)
    with pytest.raises(UnbraidError, match="declares none"):
        Encoder().build(context(code=Layout(())), x)
    with pytest.raises(UnbraidError, match="without a value"):
        Generator().build(context())


def test_a_record_of_several_factors_has_them_all(context) -> None:
    x = torch.rand(2, 3, 16, 16)
    found = Encoder(width=2, layers=1, confidence=True).build(context(), x)(x)
    assert isinstance(found, Record)
    assert list(found.parts) == ["chunk1", "chunk2", "pose", "confidence"]
    assert math.isclose(float(found.parts["confidence"].detach().mean()), 0.5, abs_tol=0.4)
