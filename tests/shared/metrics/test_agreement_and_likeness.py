"""Models against models, clusters against classes, images against images."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import clustering_accuracy, mask_ssim, nmi, psnr, ssim, udr
from unbraid_plugins.shared.metrics.disentanglement.udr import pair_score


@pytest.fixture
def factors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(400, 4))


def test_similarities_by_hand():
    assert pair_score(np.asarray([[.9, .1], [.2, .7]])) == pytest.approx(0.675827, abs=1e-6)
    assert pair_score(np.eye(5)) == 1
    assert pair_score(np.zeros((5, 5))) == 0
    assert pair_score(np.zeros((0, 5))) == 0


@pytest.mark.parametrize("similarity", ["spearman", "lasso"])
def test_models_that_agree_up_to_order_and_sign(factors, similarity):
    mixed = factors @ np.random.default_rng(1).normal(size=(4, 4))
    found = udr([factors, -2 * factors[:, ::-1], factors[:, [1, 0, 3, 2]], mixed], similarity=similarity)
    assert np.isnan(found.pairs.diagonal()).all()
    assert (found.by_model[:3] > 0.75).all()
    assert found.by_model[3] < 0.65
    assert found.best != 3


def test_numbers_without_information_are_left_out(factors):
    noise = np.random.default_rng(2).normal(size=(2, 400, 3))
    models = [np.concatenate([factors, n], 1) for n in noise]
    kl = [np.asarray([1, 1, 1, 1, 0, 0, 0])] * 2
    assert udr(models, kl).score > udr(models).score
    assert udr(models, kl).score == pytest.approx(udr([factors, factors]).score)
    assert udr(models, [np.zeros(7)] * 2).score == 0


def test_the_golden_codes_of_three_models():
    """Values computed by disentanglement_lib on three linear codes of dSprites' factors."""
    sizes, random = (3, 6, 40, 32, 32), np.random.RandomState(0)
    rows = np.concatenate([np.stack([random.randint(n, size=10) for n in sizes], 1) for _ in range(100)])
    u = rows / np.asarray(sizes) - 0.5
    phase = rows @ np.asarray([1.7, 2.3, 0.9, 1.1, 0.7])
    a = np.concatenate([u, 0.1 * np.sin(phase[:, None] * np.arange(1, 6))], 1)
    b = a.copy()
    b[:, 3:5] = np.stack([u[:, 3] - u[:, 4], u[:, 3] + u[:, 4]], 1) * np.sqrt(0.5)
    c = u @ np.random.RandomState(7).randn(5, 10)
    assert udr([a, b, c]).by_model == pytest.approx([0.458042, 0.458465, 0.208500], abs=1e-6)
    found = udr([a, b, c], similarity="lasso")
    assert found.by_model == pytest.approx([0.540274, 0.557956, 0.220334], abs=1e-3)
    assert found.pairs[0, 1:] == pytest.approx([0.781934, 0.217555], abs=1e-3)


@pytest.mark.parametrize(("models", "kl", "message"), [
    ([np.ones((3, 2))], None, "two or more codes"), ([np.ones((3, 2)), np.ones((4, 2))], None, "of the same images"),
    ([np.ones((3, 2))] * 2, [np.ones(2), np.ones(3)], "one value for each number")])
def test_models_that_cannot_be_compared(models, kl, message):
    with pytest.raises(ValueError, match=message):
        udr(models, kl)


def test_clusters_by_hand():
    clusters, classes = np.asarray([5, 5, 5, 2, 2, 9]), np.asarray([1, 1, 0, 0, 0, 3])
    found = clustering_accuracy(clusters, classes)
    assert found.naming == {5: 1, 2: 0, 9: 3}
    assert found.score == pytest.approx(5 / 6)
    assert clustering_accuracy(np.arange(4), np.zeros(4, int)).score == 0.25
    assert nmi(np.zeros(4, int), np.zeros(4, int)).score == 1
    assert nmi(np.asarray([0, 0, 1, 1]), np.asarray([0, 1, 0, 1])).score == 0
    assert nmi(np.asarray([0, 1, 2, 3]), np.asarray([0, 0, 1, 1])).score == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"\(N,\) both"):
        nmi(np.zeros(3, int), np.zeros(4, int))


def test_images_by_hand():
    a = np.random.default_rng(0).random((2, 3, 16, 16))
    assert psnr(a, a).score == 100
    assert psnr(a, a + 0.1).by_image == pytest.approx([20, 20])
    assert ssim(a, a).by_image == pytest.approx([1, 1])
    assert ssim(a, 1 - a).score < 0
    flat = np.full((1, 1, 11, 11), 0.5)
    assert ssim(flat, flat / 2).score == pytest.approx((0.25 + 1e-4) / (0.3125 + 1e-4))
    with pytest.raises(ValueError, match="smaller than the window of 11"):
        ssim(a[:, :, :10], a[:, :, :10])
    with pytest.raises(ValueError, match="one shape"):
        psnr(a, a[:1])
    with pytest.raises(ValueError, match="'gaussian' or 'uniform'"):
        ssim(a, a, window="box")


def by_loops(a: np.ndarray, b: np.ndarray, scale: float) -> np.ndarray:
    """SSIM of one channel at every place of a 7 x 7 window, from its definition with NumPy's own covariance."""
    out = np.empty((a.shape[0] - 6, a.shape[1] - 6))
    for i, j in np.ndindex(out.shape):
        x, y = (v[i:i + 7, j:j + 7].ravel() for v in (a, b))
        (xx, xy), (_, yy) = np.cov(x, y)
        c1, c2 = (0.01 * scale) ** 2, (0.03 * scale) ** 2
        out[i, j] = ((2 * x.mean() * y.mean() + c1) * (2 * xy + c2)
                     / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (xx + yy + c2)))
    return out


def test_ssim_under_a_mask_by_its_definition():
    random = np.random.default_rng(1)
    a, b = random.random((2, 2, 3, 16, 12))
    masks = (random.random((2, 1, 16, 12)) > 0.3).astype(float)
    found = mask_ssim(a, b, masks)
    maps = np.stack([[by_loops(m[0] * x, m[0] * y, 1) for x, y in zip(one, other, strict=True)]
                     for one, other, m in zip(a, b, masks, strict=True)])
    assert found.by_image == pytest.approx(maps.mean((1, 2, 3)))
    under = np.broadcast_to(masks[:, :, 3:-3, 3:-3], maps.shape)
    assert found.inside == pytest.approx(maps[under > 0].mean())
    assert found.data_range == 1
    assert mask_ssim(a, b, masks * 0).score == 1   # black on black
    assert mask_ssim(a, b, masks * 0 + 1).score == pytest.approx(ssim(a, b, window="uniform").score)


def test_the_range_of_the_data_is_an_option():
    random = np.random.default_rng(2)
    a, b = 0.2 * random.random((2, 2, 1, 12, 12))
    b *= np.asarray([1, 0.5])[:, None, None, None]
    target = ssim(a, b, window="uniform", data_range="target").by_image
    assert target == pytest.approx([by_loops(x[0], y[0], np.ptp(y)).mean() for x, y in zip(a, b, strict=True)])
    assert ssim(255 * a, 255 * b, data_range=255).by_image == pytest.approx(ssim(a, b).by_image)
    assert (target < ssim(a, b, window="uniform").by_image).all()
    for wrong in (0, "mine"):
        with pytest.raises(ValueError, match="data_range"):
            ssim(a, b, data_range=wrong)
    with pytest.raises(ValueError, match="masks of images"):
        mask_ssim(a, b, a[:1])
