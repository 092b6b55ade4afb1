"""Fréchet and kernel distances against closed forms, and FID and KID with networks that are handed in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file
from scipy.linalg import sqrtm
from torch import nn
from torchvision.models import get_model

from unbraid_plugins.shared.metrics import features_of, fid, frechet_distance, kernel_distance, kid, torchvision_network
from unbraid_plugins.shared.metrics.images import features as feature_blocks

RNG = np.random.default_rng(0)
ROWS = arrays(np.float64, st.tuples(st.integers(2, 12), st.just(3)), elements=st.floats(-9, 9, width=32))


def with_moments(mean: np.ndarray, covariance: np.ndarray, count: int = 60) -> np.ndarray:
    """Features with exactly this mean and sample covariance."""
    x = np.random.default_rng(1).normal(size=(count, len(mean)))
    x = x - x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def spread(seed: int) -> np.ndarray:
    """A covariance (4, 4)."""
    x = np.random.default_rng(seed).normal(size=(4, 9))
    return x @ x.T


class TestFrechet:
    def test_gaussians_in_closed_form(self):
        m, s, t = np.asarray([1.0, -2, 0, 3]), spread(1), spread(2)
        found = frechet_distance(with_moments(m, s), with_moments(0 * m, t, 90))
        assert found.means == pytest.approx(14)
        assert found.covariances == pytest.approx(np.trace(s + t - 2 * sqrtm(s @ t).real))
        assert found.score == found.means + found.covariances

    def test_one_dimension_by_hand(self):
        x = np.asarray([[0.0], [2.0]])
        assert frechet_distance(x, 3 * x + 1).score == pytest.approx(9 + (np.sqrt(2) - np.sqrt(18)) ** 2)

    @settings(max_examples=40, deadline=None)
    @given(ROWS, ROWS, st.integers(0, 99))
    def test_a_distance(self, x, y, seed):
        """0 of equal sets, symmetric, not negative, and the same after a common rotation, shift and reordering."""
        size = 1 + np.square(x).sum() + np.square(y).sum()
        assert frechet_distance(x, x[::-1]).score == pytest.approx(0, abs=1e-9 * size)
        found = frechet_distance(x, y).score
        assert found >= 0
        assert frechet_distance(y, x).score == pytest.approx(found, abs=1e-7 * size)
        turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
        assert frechet_distance(x @ turn + 5, y @ turn + 5).score == pytest.approx(found, abs=1e-6 * size)

    def test_more_features_than_rows(self):
        x, y = RNG.normal(size=(5, 40)), RNG.normal(size=(7, 40))
        s, t = np.cov(x.T), np.cov(y.T)
        roots = np.sqrt(np.maximum(np.linalg.eigvals(s @ t).real, 0))
        expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(s + t) - 2 * roots.sum()
        assert frechet_distance(x, y).score == pytest.approx(expected, rel=1e-5)
        assert frechet_distance(x[:1], x[:1] + 1).score == pytest.approx(40)

    def test_blocks_change_nothing(self, monkeypatch):
        x, y = RNG.normal(size=(50, 3)).astype(np.float32), RNG.normal(size=(41, 3))
        whole = frechet_distance(x, y).score, kernel_distance(x, y).score
        monkeypatch.setattr(feature_blocks.blocks, "__defaults__", (7,))
        assert (frechet_distance(x, y).score, kernel_distance(x, y).score) == pytest.approx(whole, rel=1e-9)


class TestKernel:
    def test_by_hand(self):
        """k = (xy + 1)^2: 1 and 4 within, 1 and 9 between."""
        x, y = np.asarray([[0.0], [1.0]]), np.asarray([[0.0], [2.0]])
        expected = 1 + 1 - 2 / 4 * (1 + 1 + 1 + 9)
        assert kernel_distance(x, y, degree=2, gamma=1).score == pytest.approx(expected)

    @settings(max_examples=30, deadline=None)
    @given(ROWS, ROWS)
    def test_symmetric_and_blind_to_order(self, x, y):
        found = kernel_distance(x, y).score
        assert kernel_distance(y, x[::-1]).score == pytest.approx(found, rel=1e-6, abs=1e-6)

    def test_without_bias(self):
        """Of one distribution it is 0 in the mean; of two it is the distance of their moments."""
        draws = [kernel_distance(*np.random.default_rng(i).normal(size=(2, 20, 2)), degree=1, gamma=1).score
                 for i in range(400)]
        assert np.mean(draws) == pytest.approx(0, abs=4 * np.std(draws) / 20)
        assert min(draws) < 0
        x = RNG.normal(size=(2000, 2))
        assert kernel_distance(x, x[::-1] + 2, degree=1, gamma=1).score == pytest.approx(8, rel=0.02)

    def test_subsets(self):
        x, y = RNG.normal(size=(300, 4)), RNG.normal(size=(200, 4)) + 0.5
        whole, found = kernel_distance(x, y), kernel_distance(x, y, subsets=60, size=50)
        other = kernel_distance(x, y, subsets=60, size=50, seed=1)
        assert (whole.by_subset.shape, whole.deviation) == ((1,), 0)
        assert found.by_subset.shape == (60,)
        assert found.score == pytest.approx(whole.score, abs=4 * found.deviation / np.sqrt(60))
        assert other.score != found.score == kernel_distance(x, y, subsets=60, size=50).score
        assert kernel_distance(x, y, subsets=2, size=999).by_subset[0] == pytest.approx(
            kernel_distance(x, y, subsets=2, size=200).by_subset[0])


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@pytest.mark.parametrize(("features", "others", "message"), [
    (np.ones(3), np.ones((3, 1)), r"\(N, D\) and \(M, D\)"),
    (np.ones((3, 2)), np.ones((3, 1)), r"\(3, 2\) and \(3, 1\)"), (np.ones((0, 2)), np.ones((3, 2)), r"\(0, 2\)"),
    (np.ones((3, 2)), np.full((4, 2), np.nan), "4 of 4 rows of others")])
def test_features_that_cannot_be_compared(distance, features, others, message):
    with pytest.raises(ValueError, match=message):
        distance(features, others)


def test_one_row_has_no_discrepancy():
    with pytest.raises(ValueError, match="two rows of each set; found 1 and 3"):
        kernel_distance(np.ones((1, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="two at least"):
        kernel_distance(np.ones((3, 2)), np.ones((3, 2)), subsets=5, size=1)


class TestImages:
    IMAGES, OTHERS = RNG.random((30, 3, 8, 8)).astype(np.float32), RNG.random((20, 3, 8, 8)).astype(np.float32) ** 2

    @staticmethod
    def means(images: np.ndarray) -> np.ndarray:
        return images.mean((2, 3))

    def test_an_injected_function(self):
        found = fid(self.IMAGES, self.OTHERS, self.means, batch=7)
        assert found.score == pytest.approx(frechet_distance(self.means(self.IMAGES), self.means(self.OTHERS)).score)
        assert (found.images, found.width) == ((30, 20), 3)
        assert kid(self.IMAGES, self.OTHERS, self.means, subsets=0).score == pytest.approx(
            kernel_distance(self.means(self.IMAGES), self.means(self.OTHERS)).score)
        assert kid(self.IMAGES, self.OTHERS, self.means, subsets=5, size=10).distance.by_subset.shape == (5,)

    def test_an_injected_module_is_at_rest_and_left_as_it_was(self):
        module = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Dropout(0.5)).train()
        np.testing.assert_allclose(features_of(self.IMAGES, module), self.means(self.IMAGES), rtol=1e-5)
        assert module.training

    def test_whole_numbers_are_levels_of_255(self):
        levels = np.rint(self.IMAGES * 255).astype(np.uint8)
        np.testing.assert_allclose(features_of(levels, self.means), self.means(levels / 255), rtol=1e-5)

    def test_wrong_shapes(self):
        with pytest.raises(ValueError, match=r"images must be \(N, C, H, W\)"):
            fid(self.IMAGES[:0], self.OTHERS, self.means)
        with pytest.raises(ValueError, match=r"features \(n, D\) for images \(7, 3, 8, 8\); found \(7,\)"):
            features_of(self.IMAGES, lambda x: x.mean((1, 2, 3)), batch=7)


class TestTorchvision:
    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory) -> Path:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            state = get_model("mobilenet_v3_small", weights=None).state_dict()
        save_file(state, path := tmp_path_factory.mktemp("weights") / "mobilenet_v3_small.safetensors")
        return path

    def test_the_features_are_what_the_last_layer_is_given(self, weights):
        net = torchvision_network("mobilenet_v3_small", weights)
        grey = np.random.default_rng(3).random((3, 1, 400, 300), np.float32)
        found = features_of(grey, net)
        assert found.shape == (3, 1024)
        assert not any(p.requires_grad for p in net.parameters())
        whole = get_model("mobilenet_v3_small", weights=None).eval()
        whole.load_state_dict(load_file(weights))
        x = torch.as_tensor(grey).repeat(1, 3, 1, 1)
        x = nn.functional.interpolate(x, (224, 224), mode="bilinear", antialias=True)
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
        x = (x - mean) / std
        with torch.inference_mode():
            logits = whole(x).numpy()
            ours = whole.classifier[-1](torch.as_tensor(found)).numpy()
        np.testing.assert_allclose(ours, logits, atol=1e-3 * float((logits - logits.mean(0)).std()))

    def test_what_cannot_be_had_is_said(self, weights, tmp_path):
        with pytest.raises(ValueError, match=r"no classifier 'resnet1'.*resnet18"):
            torchvision_network("resnet1", weights)
        with pytest.raises(ValueError, match=r"pickled: convert them once.*resnet18\.safetensors"):
            torchvision_network("resnet18", tmp_path / "resnet18.pth")
        with pytest.raises(ValueError, match=r"must be a \.safetensors file that is there"):
            torchvision_network("resnet18", tmp_path / "absent.safetensors")
        with pytest.raises(ValueError, match="does not hold the weights of resnet18"):
            torchvision_network("resnet18", weights)
        (tmp_path / "broken.safetensors").write_bytes(b"no such thing")
        with pytest.raises(ValueError, match="does not hold the weights"):
            torchvision_network("mobilenet_v3_small", tmp_path / "broken.safetensors")
