import pytest
import torch
from torch.distributions import Normal, kl_divergence

from unbraid import Code, Gaussian
from unbraid_plugins.papers.vae import annealed_kl, kl_per_dimension
from unbraid_plugins.shared.losses import kl


def gaussian(batch=5, size=3):
    return Gaussian(torch.randn(batch, size, dtype=torch.float64), torch.randn(batch, size, dtype=torch.float64))


def reference(q):
    one = torch.ones((), dtype=torch.float64)
    return kl_divergence(Normal(q.mean, q.std), Normal(0 * one, one))


def test_kl_is_summed_over_dimensions_and_averaged_over_the_batch():
    q = gaussian()
    assert torch.allclose(kl(q), reference(q).sum(1).mean())
    assert kl(Gaussian(torch.zeros(3, 2), torch.zeros(3, 2))).item() == 0


def test_kl_of_a_spatial_code_sums_over_places():
    q = Gaussian(torch.randn(2, 3, 4, 4, dtype=torch.float64), torch.randn(2, 3, 4, 4, dtype=torch.float64))
    assert torch.allclose(kl(q), reference(q).flatten(1).sum(1).mean())


def test_kl_per_number_does_not_grow_with_the_code():
    q = gaussian()
    assert torch.allclose(kl(q, per="number"), reference(q).mean())
    with pytest.raises(ValueError, match="'pixel'"):
        kl(q, per="pixel")


def test_kl_takes_a_code_as_the_mean(layout):
    q = gaussian(size=layout.size)
    assert kl(Gaussian(Code(q.mean, layout), q.logvar)) == kl(q)


def test_kl_has_the_gradient_of_finite_differences():
    q = gaussian(2, 2)
    leaves = (q.mean.requires_grad_(), q.logvar.requires_grad_())
    assert torch.autograd.gradcheck(lambda m, v: kl(Gaussian(m, v)), leaves)


@pytest.mark.parametrize("capacity", [0.0, 2.5, 100.0])
def test_annealed_kl_is_the_distance_to_the_capacity(capacity):
    q = gaussian()
    expected = 1000 * abs(reference(q).sum(1).mean().item() - capacity)
    assert annealed_kl(q, capacity=capacity).item() == pytest.approx(expected)
    assert annealed_kl(q, capacity=capacity, gamma=1.0).item() == pytest.approx(expected / 1000)


def test_annealed_kl_pushes_up_below_the_capacity_and_down_above():
    mean = torch.tensor([[1.0]], requires_grad=True)
    for capacity, sign in ((5.0, -1), (0.1, 1)):
        slope, = torch.autograd.grad(annealed_kl(Gaussian(mean, torch.zeros(1, 1)), gamma=1.0, capacity=capacity), mean)
        assert slope.item() == sign


def test_kl_per_dimension_sums_to_the_kl():
    q = gaussian()
    assert torch.allclose(kl_per_dimension(q), reference(q).mean(0))
    assert torch.allclose(kl_per_dimension(q).sum(), kl(q))
