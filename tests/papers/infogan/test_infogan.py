"""InfoGAN's bound against distributions that we did not write and channels with a known information; its networks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal

from unbraid import Code, Layout, UnbraidError
from unbraid_configs import Factor
from unbraid_plugins.papers.infogan import Generator, Head, Posterior, Trunk, information, mode
from unbraid_plugins.papers.infogan.information import entropy
from unbraid_plugins.papers.infogan.recognition import Guess

LAYOUT = Layout.of({"c1": Factor(name="c1", size=10, prior="classes"), "c2": Factor(name="c2", size=2, prior="uniform"),
                    "c4": Factor(name="c4", size=3, prior="binary"), "c5": Factor(name="c5", size=1)})
MNIST = Layout.of({"c1": Factor(name="c1", size=10, prior="classes"), "c2": Factor(name="c2", size=1, prior="uniform"),
                   "c3": Factor(name="c3", size=1, prior="uniform")})
ALL_KNOWN = math.log(2) - 0.5 * math.log(2 * math.pi)              # of U(-1, 1), with a standard deviation of 1


def guess(batch: int = 6, layout: Layout = LAYOUT) -> Guess:
    return Guess(*torch.randn(2, batch, layout.size, dtype=torch.float64), layout)


def code(dice, batch: int = 6, layout: Layout = LAYOUT) -> Code:
    drawn = layout.draw(dice(batch=batch))
    return Code(drawn.tensor.double(), layout)


# -- the bound ---------------------------------------------------------------------------------------------------------


def test_the_likelihood_is_that_of_torchs_distributions(dice):
    q, c = guess(), code(dice)
    number = Normal(q.tensor, q.logstd.exp())
    expected = (Categorical(logits=q.tensor[:, :10]).log_prob(c.tensor[:, :10].argmax(1))
                + number.log_prob(c.tensor)[:, [10, 11, 15]].sum(1)
                + Bernoulli(logits=q.tensor[:, 12:15]).log_prob(c.tensor[:, 12:15]).sum(1))
    assert torch.allclose(q.log_likelihood(c), expected)


def test_the_entropy_is_that_of_the_prior(dice):
    c = code(dice, 200_000)
    frequency = c.c1.tensor.mean(0)
    assert -(frequency * frequency.log()).sum().item() == pytest.approx(entropy(LAYOUT.select(["c1"])), abs=1e-3)
    for name, bound in (("c2", 1.0), ("c5", 4.0)):                  # differential: of a fine histogram
        density = torch.histogram(c.part(name).tensor[:, 0], 50, range=(-bound, bound), density=True).hist.clamp(1e-9)
        told = -(density * density.log()).sum().item() * 2 * bound / 50
        assert told == pytest.approx(entropy(LAYOUT.select([name])) / LAYOUT.select([name]).size, abs=0.01), name
    assert entropy(LAYOUT.select(["c4"])) == pytest.approx(3 * math.log(2))
    assert entropy(LAYOUT) == pytest.approx(math.log(10) + 5 * math.log(2) + 0.5 * math.log(2 * math.pi * math.e))


def test_the_ceilings(dice):
    c = code(dice, 4000, MNIST)
    knows = Guess(torch.cat([50 * c.c1.tensor, c.tensor[:, 10:]], 1), torch.zeros_like(c.tensor), MNIST)
    blind = Guess(torch.zeros_like(c.tensor), torch.zeros_like(c.tensor), MNIST)
    assert information(knows.part("c1"), c).item() == pytest.approx(math.log(10))
    assert information(blind.part("c1"), c).item() == pytest.approx(0, abs=1e-9)
    for name in ("c2", "c3"):
        assert information(knows.part(name), c).item() == pytest.approx(ALL_KNOWN)
        assert information(blind.part(name), c).item() == pytest.approx(ALL_KNOWN - 1 / 6, abs=0.01)
    codes_own = Normal(0, 1).log_prob(c.c2.tensor).mean().item()    # the authors' code takes it for -H(c)
    assert information(knows.part("c2"), c).item() - math.log(2) - codes_own == pytest.approx(1 / 6, abs=0.01)
    assert information(knows, c).item() == pytest.approx(math.log(10) + 2 * ALL_KNOWN)


def check_it_is_a_lower_bound(bound=information):
    """A category through a channel that errs with probability 0.3: the best Q reaches I(c; x), no other does."""
    k, wrong, n = 4, 0.3, 40_000
    layout = Layout.of({"c": Factor(name="c", size=k, prior="classes")})
    c, other = torch.randint(k, (n,)), torch.randint(1, k, (n,))
    x = torch.where(torch.rand(n) < wrong, (c + other) % k, c)
    channel = torch.full((k, k), wrong / (k - 1)).fill_diagonal_(1 - wrong)
    truth = math.log(k) + (channel[0] * channel[0].log()).sum().item()
    onehot = Code(nn.functional.one_hot(c, k).float(), layout)

    def told(logits):
        return bound(Guess(logits[x], torch.zeros(n, k), layout), onehot).item()

    assert told(channel.log()) == pytest.approx(truth, abs=0.02)
    for power in (0.3, 3.0):
        assert told(power * channel.log()) < truth - 0.1
    assert told(channel.log().roll(1, 0)) < 0


def test_it_is_a_lower_bound_of_the_information():
    check_it_is_a_lower_bound()


@pytest.mark.parametrize("broken", [lambda q, c: -information(q, c), lambda q, c: q.log_likelihood(c).mean(),
                                    lambda q, c: information(q, c).abs()], ids=["sign", "no entropy", "absolute"])
def test_broken_bounds_are_seen(broken):
    with pytest.raises(AssertionError):
        check_it_is_a_lower_bound(broken)


def test_its_gradient_agrees_with_finite_differences(dice):
    c = code(dice, 3)
    tensor, logstd = (0.5 * torch.randn(2, 3, LAYOUT.size, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda t, s: information(Guess(t, s, LAYOUT), c), (tensor, logstd))
    images = torch.randn(3, LAYOUT.size, dtype=torch.float64, requires_grad=True)       # ... and reaches what G made
    information(Guess(3 * images, torch.zeros_like(images), LAYOUT), c).backward()
    assert (images.grad.abs().sum(0) > 0).all()


def test_a_factor_that_the_code_lacks_is_named(dice):
    q, c = guess(), code(dice)
    with pytest.raises(ValueError, match=r"about 'c2' \(2 uniform\)[\s\S]*c1 \(10 classes\)"):
        information(q, c.part("c1"))
    normal = Layout.of({"c2": Factor(name="c2", size=2)})           # the same name, drawn from another prior
    with pytest.raises(ValueError, match="2 uniform"):
        information(q.part("c2"), Code(torch.randn(6, 2), normal))


def test_the_mode_is_a_code_of_the_prior(dice):
    q = guess()
    c = mode(q)
    assert c.layout == LAYOUT
    assert c.c1.tensor.sum(1).tolist() == [1] * 6
    assert torch.equal(c.c1.tensor.argmax(1), q.tensor[:, :10].argmax(1))
    assert torch.equal(c.c2.tensor, q.tensor[:, 10:12])
    assert torch.equal(c.c4.tensor, (q.tensor[:, 12:15] > 0).double())


# -- the networks ------------------------------------------------------------------------------------------------------


def kinds(module: nn.Module) -> list[str]:
    return [type(m).__name__ for m in module.modules() if not list(m.children())]


def test_the_papers_networks_for_mnist(context):
    made = context(1, 28, 28, code=MNIST)
    g = Generator().build(made, torch.empty(2, 74))
    assert kinds(g) == ["Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d", "ReLU", "Unflatten",
                        "Enlarging", "BatchNorm2d", "ReLU", "Enlarging", "Pixels"]
    weights = {name: tuple(p.shape) for name, p in g.named_parameters() if p.ndim > 1}
    assert list(weights.values()) == [(1024, 74), (128 * 7 * 7, 1024), (128, 64, 4, 4), (64, 1, 4, 4)]
    assert g(torch.randn(2, 74)).shape == (2, 1, 28, 28)
    trunk = Trunk().build(made, torch.empty(2, 1, 28, 28))
    assert kinds(trunk) == ["Conv2d", "LeakyReLU", "Conv2d", "BatchNorm2d", "LeakyReLU", "Flatten", "Linear",
                            "BatchNorm1d", "LeakyReLU"]
    assert [tuple(p.shape) for p in trunk.parameters() if p.ndim > 1] == [
        (64, 1, 4, 4), (128, 64, 4, 4), (1024, 128 * 7 * 7)]
    assert {m.negative_slope for m in trunk.modules() if isinstance(m, nn.LeakyReLU)} == {0.1}
    seen = trunk(torch.rand(2, 1, 28, 28))
    assert Head().build(made, seen)(seen).shape == (2, 1)
    q = Posterior().build(made, seen)
    assert kinds(q) == ["Linear", "BatchNorm1d", "LeakyReLU", "Linear"]
    assert [tuple(p.shape) for p in q.parameters() if p.ndim > 1] == [(128, 1024), (12, 128)]
    assert q(seen).tensor.shape == (2, 12)
    assert q(seen).logstd.abs().max() == 0


def test_the_authors_slope_and_the_papers_standard_deviation_are_options(context):
    made = context(1, 28, 28, code=MNIST)
    trunk = Trunk(slope=0.01).build(made, torch.empty(2, 1, 28, 28))
    assert {m.negative_slope for m in trunk.modules() if isinstance(m, nn.LeakyReLU)} == {0.01}
    q = Posterior(std="learned", slope=0.01).build(made, torch.empty(2, 8))
    told = q(torch.randn(5, 8))
    assert told.logstd.std() > 0
    told.logstd.sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in q.spread.parameters())
    with pytest.raises(ValueError, match="slope"):
        Trunk(slope=1.5)


@pytest.mark.parametrize(("image", "smallest"), [((3, 64, 64), 4), ((3, 32, 32), 4), ((1, 60, 45), 5),
                                                 ((3, 30, 16), 4)])
@pytest.mark.parametrize("hidden", [0, 16])
def test_images_of_other_sizes(context, image, smallest, hidden):
    made = context(*image, code=MNIST)
    g = Generator(width=2, hidden=hidden).build(made, torch.empty(4, 12))
    y = g(torch.randn(4, 12))
    assert y.shape == (4, *image)
    assert y.min() >= 0
    assert y.max() <= 1
    trunk = Trunk(width=2, hidden=hidden).build(made, y)
    assert trunk(y).ndim == 2
    assert hidden == 0 or trunk(y).shape == (4, 16)
    side = min(m.num_features for m in g.modules() if isinstance(m, nn.BatchNorm1d) and m.num_features != hidden)
    assert side % smallest == 0


def test_the_weights_begin_small(context):
    made = context(1, 28, 28, code=MNIST)
    for m in Generator().build(made, torch.empty(2, 74)).modules():
        if isinstance(m, nn.Linear | nn.ConvTranspose2d):
            assert m.weight.std().item() == pytest.approx(0.02, rel=0.05)
            assert m.bias.abs().max() == 0


def test_mistakes_teach(context):
    with pytest.raises(UnbraidError, match="declares none") as found:
        Posterior().build(context(code=Layout(())), torch.empty(2, 8))
    assert "c1: 10 classes" in found.value.hint
    with pytest.raises(UnbraidError, match="one image"):
        Trunk().build(context(), *torch.empty(2, 2, 3, 16, 16))
