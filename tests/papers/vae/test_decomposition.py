import itertools
import math

import pytest
import torch
from torch.distributions import Normal

from unbraid import Code, Gaussian
from unbraid_plugins.papers.vae import dimension_wise_kl, index_code_information, total_correlation
from unbraid_plugins.papers.vae.total_correlation import stratified_weights

STD, RHO = 0.4, 0.8                             # of q(z | n), and the correlation in q(z)


def sample(batch=4, size=3):
    q = Gaussian(torch.randn(batch, size, dtype=torch.float64), torch.randn(batch, size, dtype=torch.float64))
    return q.sample(torch.randn(batch, size, dtype=torch.float64)), q


def reference(z, q, weight):
    """By the definition, one density after the other; weight(i, j)."""
    batch, size = z.shape
    total = 0.0
    for i in range(batch):
        densities = [[Normal(q.mean[j, k], q.std[j, k]).log_prob(z[i, k]).exp().item() for k in range(size)]
                     for j in range(batch)]
        total += math.log(sum(weight(i, j) * math.prod(densities[j]) for j in range(batch)))
        for k in range(size):
            total -= math.log(sum(weight(i, j) * densities[j][k] for j in range(batch)))
    return total / batch


def test_the_weighted_estimate_is_the_papers_with_and_without_its_constant():
    z, q = sample()
    assert total_correlation(z, q, size=1000).item() == pytest.approx(reference(z, q, lambda i, j: 1 / (1000 * 4)))
    assert total_correlation(z, q).item() == pytest.approx(reference(z, q, lambda i, j: 1))
    constant = (3 - 1) * math.log(1000 * 4)
    assert (total_correlation(z, q, size=1000) - total_correlation(z, q)).item() == pytest.approx(constant)


def test_the_stratified_estimate_is_the_papers():
    z, q = sample()
    itself, following, rest = 1 / 1000, (1000 - 3) / (1000 * 3), 1 / 3

    def weight(i, j):
        return itself if i == j else following if j == (i + 1) % 4 else rest

    assert total_correlation(z, q, estimate="stratified", size=1000).item() == pytest.approx(reference(z, q, weight))


def test_stratified_weights_give_the_whole_data_sets_density_over_all_batches():
    densities = torch.rand(5, dtype=torch.float64)              # of one sample under each image's q
    for batch in (2, 3, 4, 5):
        seen = [(stratified_weights(batch, 5) @ densities[list(chosen)])[0]
                for others in itertools.permutations(range(1, 5), batch - 1) for chosen in [(0, *others)]]
        assert torch.stack(seen).mean().item() == pytest.approx(densities.mean().item())


def correlated(batch, rho=RHO):
    """Samples of a Gaussian q(z) with variances 1 and this correlation, and the analytic total correlation."""
    means = torch.tensor([[1, rho], [rho, 1]]).double() - STD**2 * torch.eye(2).double()
    mean = torch.randn(batch, 2, dtype=torch.float64) @ torch.linalg.cholesky(means).T
    q = Gaussian(mean, torch.full_like(mean, 2 * math.log(STD)))
    return q.sample(torch.randn_like(mean)), q, -0.5 * math.log(1 - rho**2)


@pytest.mark.parametrize("rho", [0.0, RHO])
def test_a_large_batch_of_a_gaussian_has_the_analytic_total_correlation(rho):
    z, q, expected = correlated(2000, rho)
    weighted = total_correlation(z, q).item() + math.log(2000)  # the constant, the batch being all images
    assert weighted == pytest.approx(expected, rel=0.05, abs=0.03)
    stratified = total_correlation(z, q, estimate="stratified", size=10**6).item()
    assert stratified == pytest.approx(expected, rel=0.05, abs=0.03)


def wrong_axis(z, q):
    """The logsumexp over samples in place of the images."""
    a = -0.5 * ((z[:, None] - q.mean).square() / q.logvar.exp() + q.logvar + math.log(2 * math.pi))
    return (a.sum(2).logsumexp(0) - a.logsumexp(0).sum(1)).mean()


def wrong_order(z, q):
    """The logsumexp over dimensions in place of the images."""
    a = -0.5 * ((z[:, None] - q.mean).square() / q.logvar.exp() + q.logvar + math.log(2 * math.pi))
    return (a.sum(2).logsumexp(1) - a.logsumexp(2).sum(1)).mean()


@pytest.mark.parametrize("broken", [wrong_axis, wrong_order])
def test_a_logsumexp_over_the_wrong_axis_is_not_the_total_correlation(broken):
    z, q = sample()
    assert broken(z, q).item() != pytest.approx(total_correlation(z, q).item(), abs=0.01)


ESTIMATES = pytest.mark.parametrize("options", [{}, {"size": 100}, {"estimate": "stratified", "size": 100}], ids=str)
PARTS = (index_code_information, total_correlation, dimension_wise_kl)


@ESTIMATES
def test_the_three_parts_are_the_kl_of_the_samples(options):
    z, q = sample()
    prior = Normal(torch.tensor(0.0).double(), 1.0)
    kl = (Normal(q.mean, q.std).log_prob(z) - prior.log_prob(z)).sum(1).mean()
    assert sum(part(z, q, **options) for part in PARTS).item() == pytest.approx(kl.item())


def test_a_code_that_tells_every_image_apart_says_the_logarithm_of_their_number():
    far = Gaussian(torch.arange(6).double().unsqueeze(1) * 1000, torch.zeros(6, 1).double())
    stratified = index_code_information(far.mean, far, estimate="stratified", size=6)
    assert stratified.item() == pytest.approx(math.log(6))
    alike = Gaussian(torch.zeros(6, 1).double(), torch.zeros(6, 1).double())
    assert index_code_information(alike.mean, alike, estimate="stratified", size=6).item() == pytest.approx(0)


def test_a_code_distributed_as_the_prior_has_no_dimension_wise_kl():
    torch.manual_seed(0)
    mean = torch.randn(2000, 3, dtype=torch.float64) * math.sqrt(1 - STD**2)
    q = Gaussian(mean, torch.full_like(mean, 2 * math.log(STD)))
    z = q.sample(torch.randn_like(mean))
    assert dimension_wise_kl(z, q, estimate="stratified", size=10**6).item() == pytest.approx(0, abs=0.05)
    shifted = Gaussian(mean + 1, q.logvar)
    found = dimension_wise_kl(z + 1, shifted, estimate="stratified", size=10**6).item()
    assert found == pytest.approx(3 * 0.5, abs=0.15)                # KL(N(1, 1) || N(0, 1)) = 1/2


@pytest.mark.parametrize("part", PARTS)
@ESTIMATES
def test_gradients_agree_with_finite_differences(part, options):
    z, q = sample()
    leaves = [v.detach().requires_grad_() for v in (z, q.mean, q.logvar)]
    assert torch.autograd.gradcheck(lambda z, m, v: part(z, Gaussian(m, v), **options), leaves)


def test_the_gradient_does_not_need_the_number_of_images():
    z, q = sample()
    slopes = [torch.autograd.grad(total_correlation(v, q, size=size), v)[0]
              for size in (None, 737_280) for v in [z.clone().requires_grad_()]]
    assert torch.allclose(*slopes)


def test_half_precision_is_computed_in_float32(layout):
    q = Gaussian(torch.randn(8, 10), torch.randn(8, 10))
    z = q.sample(torch.randn(8, 10))
    short = Gaussian(q.mean.bfloat16(), q.logvar.bfloat16())
    long = Gaussian(short.mean.float(), short.logvar.float())
    assert total_correlation(z.bfloat16(), short) == total_correlation(z.bfloat16().float(), long)
    assert total_correlation(z, Gaussian(Code(q.mean, layout), q.logvar)) == total_correlation(z, q)


def test_what_it_cannot_estimate_is_refused():
    z, q = sample()
    with pytest.raises(ValueError, match=r"one shape; these are \(4, 1\), \(4, 3\)"):
        total_correlation(z[:, :1], q)
    with pytest.raises(ValueError, match=r"codes \(B, D\)"):
        total_correlation(torch.rand(2, 3, 4, 4), Gaussian(torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)))
    with pytest.raises(ValueError, match="size=N"):
        total_correlation(z, q, estimate="stratified")
    with pytest.raises(ValueError, match="it is 0"):
        total_correlation(z, q, size=0)
    with pytest.raises(ValueError, match="these are 4 and 3"):
        total_correlation(z, q, estimate="stratified", size=3)
    with pytest.raises(ValueError, match="at least two images"):
        total_correlation(z[:1], Gaussian(q.mean[:1], q.logvar[:1]), estimate="stratified", size=3)
