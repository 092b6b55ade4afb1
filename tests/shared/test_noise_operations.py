import pytest
import torch

from unbraid import Code, Gaussian, Label, Layout
from unbraid_configs import Factor
from unbraid_plugins.papers.mixing import random_mask
from unbraid_plugins.shared.operations import normal, permute_dims, prior, random_label, sample, uniform


def test_normal_has_its_standard_deviation(dice):
    z = normal(size=500, std=0.2, random=dice(batch=40))
    assert z.shape == (40, 500)
    assert z.std().item() == pytest.approx(0.2, rel=0.05)
    assert z.mean().item() == pytest.approx(0, abs=0.01)


def test_uniform_fills_its_interval(dice):
    z = uniform(size=500, random=dice(batch=40))
    assert z.shape == (40, 500)
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() < 1
    z = uniform(size=50, low=2, high=3, random=dice())
    assert 2 <= z.min() <= z.max() < 3


def test_sample_is_the_reparameterisation(dice, layout):
    mean, logvar = torch.randn(3, 10, requires_grad=True), torch.randn(3, 10, requires_grad=True)
    noise = dice().normal(3, 10)
    z = sample(Gaussian(Code(mean, layout), logvar), random=dice())
    assert isinstance(z, Code)
    assert z.layout == layout
    assert torch.allclose(z.tensor, mean + (0.5 * logvar).exp() * noise)
    slopes = torch.autograd.grad(z.tensor.sum(), (mean, logvar))
    assert torch.allclose(slopes[0], torch.ones(3, 10))
    assert torch.allclose(slopes[1], 0.5 * (0.5 * logvar).exp() * noise)
    assert torch.allclose(sample(Gaussian(mean, logvar), random=dice()), z.tensor)


def test_prior_draws_every_factor_from_its_own(dice):
    layout = Layout.of({"noise": Factor(name="noise", size=50, prior="uniform"),
                        "kind": Factor(name="kind", size=10, prior="classes"), "z": Factor(name="z", size=50),
                        "on": Factor(name="on", size=50, prior="binary")})
    c = prior(random=dice(batch=200), layout=layout)
    assert c.layout == layout
    assert c.tensor.shape == (200, 160)
    assert c.noise.tensor.min() < -0.99
    assert 0.99 < c.noise.tensor.max() < 1
    assert c.kind.tensor.sum(1).tolist() == [1] * 200
    assert set(c.kind.tensor.argmax(1).tolist()) == set(range(10))
    assert c.z.tensor.std().item() == pytest.approx(1, abs=0.05)
    assert set(c.on.tensor.unique().tolist()) == {0, 1}
    assert c.on.tensor.mean().item() == pytest.approx(0.5, abs=0.02)


def test_permute_dims_keeps_every_marginal_and_breaks_the_joint(dice, layout):
    column = torch.arange(200.0).unsqueeze(1)
    z = Code(column.expand(-1, 10).clone(), layout)
    shuffled = permute_dims(z, random=dice())
    assert torch.equal(shuffled.tensor.sort(0).values, z.tensor)
    correlation = torch.corrcoef(shuffled.tensor.T) - torch.eye(10)
    assert correlation.abs().max() < 0.4                                # each dimension has a permutation of its own
    assert torch.equal(permute_dims(z.tensor, random=dice()), shuffled.tensor)


def test_permute_dims_moves_whole_channels_of_a_spatial_code(dice):
    z = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 3, 2, 2)
    shuffled = permute_dims(z, random=dice())
    assert torch.equal(shuffled, shuffled[:, :, :1, :1].expand_as(z))
    assert torch.equal(shuffled.sort(0).values, z)


def test_random_label_has_the_classes_of_its_model(dice):
    y = random_label(Label(torch.full((300,), -1), 4), random=dice())
    assert y.classes == 4
    assert y.index.shape == (300,)
    assert set(y.index.tolist()) == {0, 1, 2, 3}


def test_random_mask_throws_a_fair_coin_per_sample_and_chunk(dice, layout):
    mask = random_mask(random=dice(batch=2000), layout=layout)
    assert mask.shape == (2000, 3)
    assert set(mask.unique().tolist()) == {0, 1}
    assert torch.allclose(mask.mean(0), torch.full((3,), 0.5), atol=0.05)
    assert len(mask.unique(dim=0)) == 8


def test_random_mask_per_batch_is_one_throw(dice, layout):
    mask = random_mask(per="batch", random=dice(batch=5), layout=layout)
    assert mask.shape == (5, 3)
    assert len(mask.unique(dim=0)) == 1
    with pytest.raises(ValueError, match="'epoch'"):
        random_mask(per="epoch", random=dice(), layout=layout)


def test_the_same_stream_gives_the_same_and_torchs_generator_is_left_alone(dice, layout):
    before = torch.get_rng_state()
    draws = [lambda r: normal(size=3, random=r), lambda r: uniform(size=3, random=r),
             lambda r: prior(random=r, layout=layout).tensor, lambda r: random_mask(random=r, layout=layout),
             lambda r: permute_dims(torch.arange(20.0).reshape(10, 2), random=r)]
    for draw in draws:
        assert torch.equal(draw(dice()), draw(dice()))
    assert torch.equal(torch.get_rng_state(), before)
