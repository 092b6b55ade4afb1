from typing import ClassVar

import pytest
import torch
from torch import nn

from unbraid import Context, UnbraidError
from unbraid.testing import LossSuite, NetworkSuite, numbers, small_context
from unbraid_plugins.papers.peng import (
    LabelHead,
    LandmarkHead,
    Reconstructor,
    RichFeatures,
    landmark_mse,
    relative_error,
    seen,
)


class TestRichFeatures(NetworkSuite):
    component = RichFeatures
    options: ClassVar = {"width": 2, "features": 12}


class TestReconstructor(NetworkSuite):
    component = Reconstructor
    options: ClassVar = {"features": 12}

    def inputs(self):
        return numbers(4, 6), numbers(4, 3)


class TestProduct(TestReconstructor):
    options: ClassVar = {"features": 12, "fusion": "product"}


class TestLabelHead(NetworkSuite):
    component = LabelHead
    options: ClassVar = {"of": "person"}

    def context(self) -> Context:
        return small_context(person=5)

    def inputs(self):
        return (numbers(4, 6),)


class TestLandmarkHead(NetworkSuite):
    component = LandmarkHead
    options: ClassVar = {"points": 5}

    def inputs(self):
        return (numbers(4, 6),)


class TestLandmarkMse(LossSuite):
    component = landmark_mse

    def inputs(self):
        return numbers(4, 5, 2), numbers(4, 5, 2, seed=1), numbers(4, 5, seed=2)


class TestSeen(LossSuite):
    component = seen

    def inputs(self):
        return numbers(4, 5), numbers(4, 5, seed=1)


class TestRelativeError(LossSuite):
    component = relative_error

    def inputs(self):
        return numbers(4, 5), numbers(4, 5, seed=1)


@pytest.mark.parametrize("image", [(3, 8, 8), (1, 28, 28), (3, 35, 50), (3, 100, 100)], ids=str)
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_features_fit_images_of_every_size_and_keep_a_scale(context, image, norm):
    x = torch.rand(4, *image)
    e = RichFeatures(width=4, features=16, norm=norm).build(context(*image), x)(x)
    assert e.shape == (4, 16)
    assert 0.01 < e.std() < 100


def test_the_layers_are_casia_nets_at_100_pixels(context):
    x = torch.rand(2, 1, 100, 100)
    net, seen_ = RichFeatures().build(context(1, 100, 100), x), []
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            m.register_forward_hook(lambda m, i, o: seen_.append(tuple(o.shape[1:3])))
    with torch.no_grad():
        assert net(x).shape == (2, 512)
    assert seen_ == [(32, 100), (64, 100), (64, 50), (128, 50), (96, 25), (192, 25), (128, 13), (256, 13), (160, 7),
                     (320, 7)]
    assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == 9            # none after the last convolution


def test_the_reconstructor_looks_at_both_features(context):
    i, n = torch.rand(2, 6, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    for fusion in ("sum", "product"):
        g = Reconstructor(features=7, fusion=fusion).build(context(), i, n)
        assert all(slope.abs().max() > 0 for slope in torch.autograd.grad(g(i, n).square().sum(), (i, n)))
    with pytest.raises(UnbraidError, match=r"f1\.identity, f2\.other"):
        Reconstructor().build(context(), torch.rand(2, 6))


def test_a_head_has_a_logit_for_each_class_and_a_head_of_nothing_is_explained(context):
    assert LabelHead(of="person").build(small_context(person=5), torch.rand(2, 6))(torch.rand(2, 6)).shape == (2, 5)
    with pytest.raises(UnbraidError, match="no labelled factor 'persona'"):
        LabelHead(of="persona").build(small_context(person=5), torch.rand(2, 6))
    with pytest.raises(UnbraidError, match="without a value"):
        LandmarkHead().build(context())


def test_hidden_and_unknown_landmarks_do_not_count():
    points = torch.tensor([[[0.0, 0.0], [1.0, 1.0], [torch.nan, 0.0]]])
    guess = torch.tensor([[[3.0, 4.0], [9.0, 9.0], [5.0, 5.0]]], requires_grad=True)
    visible = torch.tensor([[1.0, 0.0, 1.0]])
    assert landmark_mse(guess, points, visible).item() == 25
    assert landmark_mse(guess, points, visible.fill_(torch.nan)).item() == 0
    loss = landmark_mse(guess, points, torch.ones(1, 3))
    loss.backward()
    assert loss.item() == (25 + 128) / 2
    assert torch.isfinite(guess.grad).all()
    with pytest.raises(ValueError, match="a visibility for each point"):
        landmark_mse(guess, points, torch.ones(1, 2))


def test_unknown_visibility_does_not_count():
    logits = torch.tensor([[0.0, 100.0, -3.0]])
    known = torch.tensor([[1.0, 1.0, torch.nan]])
    assert seen(logits, known).item() == pytest.approx(0.5 * torch.log(torch.tensor(2.0)).item())
    assert seen(logits, torch.full((1, 3), torch.nan)).item() == 0


def test_the_relative_error_does_not_see_the_scale_and_is_one_for_the_mean():
    e = torch.randn(50, 6)
    assert relative_error(e, e).item() == 0
    assert relative_error(e.mean(0).expand_as(e), e).item() == pytest.approx(1)
    other = e.flip(0)
    assert relative_error(0.1 * other, 0.1 * e).item() == pytest.approx(relative_error(other, e).item(), rel=1e-4)
