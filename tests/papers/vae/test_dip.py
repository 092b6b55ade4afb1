import numpy as np
import pytest
import torch

from unbraid import Code, Gaussian
from unbraid_plugins.papers.vae import dip


def gaussian(batch=6, size=4):
    return Gaussian(torch.randn(batch, size, dtype=torch.float64), torch.randn(batch, size, dtype=torch.float64))


def reference(covariance, off, diag):
    variances = np.diag(covariance)
    return off * ((covariance**2).sum() - (variances**2).sum()) + diag * ((variances - 1) ** 2).sum()


def test_type_one_is_of_the_covariance_of_the_means():
    q = gaussian()
    covariance = np.cov(q.mean.numpy().T, bias=True)
    assert dip(q, off=10, diag=100).item() == pytest.approx(reference(covariance, 10, 100))
    assert dip(q, off=3, diag=0, type="I").item() == pytest.approx(reference(covariance, 3, 0))


def test_type_two_is_of_the_covariance_of_the_code():
    q = gaussian()
    covariance = np.cov(q.mean.numpy().T, bias=True) + np.diag(np.exp(q.logvar.numpy()).mean(0))
    assert dip(q, off=5, diag=5, type="II").item() == pytest.approx(reference(covariance, 5, 5))
    assert dip(q, off=0, diag=2, type="II").item() == pytest.approx(reference(covariance, 0, 2))


def test_type_two_is_of_what_samples_have():
    q = gaussian()
    z = torch.cat([q.sample(torch.randn_like(q.mean)) for _ in range(20_000)])
    assert dip(q, off=1, diag=1, type="II").item() == pytest.approx(reference(np.cov(z.numpy().T), 1, 1), rel=0.03)


def test_by_hand():
    """Means (1, 1) and (-1, -1): covariances all 1; variances of the code 1 + 1/2."""
    q = Gaussian(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]), torch.full((2, 2), 0.5).log())
    assert dip(q, off=10, diag=100).item() == 20
    assert dip(q, off=10, diag=100, type="II").item() == pytest.approx(20 + 100 * 2 * 0.25)


def test_white_means_cost_nothing():
    q = Gaussian(torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) + 5, torch.zeros(4, 2))
    assert dip(q, off=10, diag=100).item() == 0


def test_white_means_cost_nothing_in_whatever_directions_the_factors_lie():
    """So the penalty does not tell factors from their mixtures."""
    white = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=torch.float64)
    assert dip(Gaussian(white @ turn, torch.zeros(4, 2)), off=10, diag=100).item() == pytest.approx(0, abs=1e-12)


def test_the_scale_is_that_of_means_over_the_batch():
    q = gaussian()
    twice = Gaussian(q.mean.repeat(2, 1), q.logvar.repeat(2, 1))
    for type in ("I", "II"):
        assert dip(twice, off=10, diag=100, type=type).item() == pytest.approx(
            dip(q, off=10, diag=100, type=type).item())


def test_a_batch_of_white_codes_costs_its_noise():
    """B draws of N(0, 1): C is Wishart, E[C_ij^2] = (B - 1) / B^2, E[(C_ii - 1)^2] = (2 B - 1) / B^2."""
    size, batch, generator = 10, 64, torch.Generator().manual_seed(0)
    costs = [dip(Gaussian(torch.randn(batch, size, generator=generator), torch.zeros(batch, size)), off=10, diag=100)
             for _ in range(400)]
    noise = (10 * size * (size - 1) * (batch - 1) + 100 * size * (2 * batch - 1)) / batch**2
    assert torch.stack(costs).mean().item() == pytest.approx(noise, rel=0.05)


@pytest.mark.parametrize("type", ["I", "II"])
def test_gradients_agree_with_finite_differences(type):
    q = gaussian()
    leaves = (q.mean.requires_grad_(), q.logvar.requires_grad_())
    assert torch.autograd.gradcheck(lambda m, v: dip(Gaussian(m, v), off=2, diag=3, type=type), leaves)


def test_codes_and_half_precision(layout):
    q = Gaussian(torch.randn(8, 10).bfloat16(), torch.randn(8, 10).bfloat16())
    long = Gaussian(q.mean.float(), q.logvar.float())
    for type in ("I", "II"):
        cost = dip(q, off=1, diag=1, type=type)
        assert cost == dip(long, off=1, diag=1, type=type)
        assert cost == dip(Gaussian(Code(q.mean, layout), q.logvar), off=1, diag=1, type=type)


def test_spatial_codes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 4\)"):
        dip(Gaussian(torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)), off=1, diag=1)
