import pytest
import torch
from torch.nn import functional

from unbraid_plugins.shared.losses import (
    bernoulli,
    cycle,
    gaussian_nll,
    l1,
    laplace_nll,
    masked_l1,
    masked_mse,
    mean,
    mse,
    smooth,
)

SHAPE = (4, 3, 5, 7)


def pair(dtype=torch.float64):
    return torch.rand(SHAPE, dtype=dtype), torch.rand(SHAPE, dtype=dtype)


def test_mse_and_l1_are_torchs():
    y, x = pair()
    assert torch.equal(mse(y, x), functional.mse_loss(y, x))
    assert torch.equal(l1(y, x), functional.l1_loss(y, x))
    assert torch.equal(cycle(y, x), functional.l1_loss(y, x))
    assert torch.equal(cycle(y, x, norm="l2"), functional.mse_loss(y, x))


def test_bernoulli_is_summed_over_pixels_and_averaged_over_the_batch():
    logits, x = torch.randn(SHAPE, dtype=torch.float64), pair()[1].round()
    density = torch.distributions.Bernoulli(logits=logits)
    assert torch.allclose(bernoulli(logits, x), -density.log_prob(x).flatten(1).sum(1).mean())


def test_bernoulli_survives_certain_logits():
    logits = torch.full((1, 1, 1, 1), 500.0)
    assert bernoulli(logits, torch.zeros(1, 1, 1, 1)).item() == 500
    assert bernoulli(logits, torch.ones(1, 1, 1, 1)).item() == 0


def test_gaussian_nll_is_the_density_of_torchs_normal():
    y, x = pair()
    density = torch.distributions.Normal(y, torch.tensor(0.3, dtype=torch.float64))
    assert torch.allclose(gaussian_nll(y, x, std=0.3), -density.log_prob(x).flatten(1).sum(1).mean())
    with pytest.raises(ValueError, match="positive std"):
        gaussian_nll(y, x, std=0)


def test_laplace_nll_is_the_density_of_torchs_laplace():
    y, x = pair()
    density = torch.distributions.Laplace(y, torch.tensor(0.2, dtype=torch.float64))
    assert torch.allclose(laplace_nll(y, x, scale=0.2), -density.log_prob(x).flatten(1).sum(1).mean())
    with pytest.raises(ValueError, match="positive scale"):
        laplace_nll(y, x, scale=0)


def test_masked_losses_ignore_what_is_outside_the_mask_and_count_all_pixels():
    y, x = pair()
    mask = (torch.rand(4, 1, 5, 7) < 0.5).double()
    assert torch.allclose(masked_mse(y, x, mask), functional.mse_loss(mask * y, mask * x))
    assert torch.allclose(masked_l1(y, x, mask.expand(SHAPE)), functional.l1_loss(mask * y, mask * x))
    outside = y + (1 - mask) * 100
    assert torch.allclose(masked_mse(outside, x, mask), masked_mse(y, x, mask))
    assert masked_mse(y, x, torch.ones_like(mask)) == mse(y, x)


def test_a_mask_that_would_broadcast_is_refused():
    y, x = pair()
    for shape in ((1, 1, 5, 7), (5, 7), (4, 2, 5, 7), (4, 1, 1, 7)):
        with pytest.raises(ValueError, match=r"\(4, 1, 5, 7\)") as error:
            masked_mse(y, x, torch.ones(shape))
        assert str(shape) in str(error.value)


def test_smooth_counts_every_step_between_neighbours():
    image = torch.tensor([[0.0, 1.0], [3.0, 3.0]]).reshape(1, 1, 2, 2)
    assert smooth(image).item() == (1 + 0 + 3 + 2) / 4
    assert smooth(torch.full((2, 3, 4, 4), 0.7)).item() == 0
    assert smooth(torch.rand(2, 1, 1, 1)).item() == 0                   # a single pixel has no neighbour
    with pytest.raises(ValueError, match="B, C, H, W"):
        smooth(torch.rand(3, 4))


def test_mean_is_the_mean_of_everything():
    assert mean(torch.tensor([[1.0, 2.0], [3.0, 6.0]])).item() == 3


@pytest.mark.parametrize("loss", [mse, l1, bernoulli, gaussian_nll, laplace_nll, cycle])
@pytest.mark.parametrize("other", [(4, 1, 5, 7), (1, 3, 5, 7), (3, 5, 7), (4, 3, 5), ()])
def test_unequal_shapes_are_refused_with_both_in_the_message(loss, other):
    with pytest.raises(ValueError, match="one shape") as error:
        loss(torch.rand(SHAPE), torch.rand(other))
    assert str(SHAPE) in str(error.value)
    assert str(other) in str(error.value)


@pytest.mark.parametrize("loss", [mse, bernoulli, gaussian_nll, lambda y, x: cycle(y, x, norm="l2"),
                                  lambda y, x: masked_mse(y, x, (x > 0.5).double())])
def test_gradients_agree_with_finite_differences(loss):
    y, x = (torch.rand(2, 3, 2, 2, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(lambda y: loss(y, x), y.requires_grad_())


def test_gradients_of_absolute_differences_agree_away_from_the_kink():
    y = torch.rand(2, 1, 3, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: l1(y, torch.full_like(y, 2.0)), y)
    assert torch.autograd.gradcheck(lambda y: laplace_nll(y, torch.full_like(y, 2.0)), y)
    assert torch.autograd.gradcheck(smooth, y)


def test_arguments_stay_as_they_were():
    y, x = torch.rand(SHAPE).requires_grad_(), torch.rand(SHAPE)
    before = y.detach().clone(), x.clone()
    for loss in (mse, l1, bernoulli, gaussian_nll, laplace_nll, cycle):
        loss(y, x).backward()
    assert torch.equal(y, before[0])
    assert torch.equal(x, before[1])
    assert y.requires_grad
    assert not x.requires_grad
