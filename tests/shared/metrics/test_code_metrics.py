"""Probes, reconstruction, live chunks, KL."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import kl_per_number, linear_probe, live_factors, reconstruction_error

RNG = np.random.default_rng(0)


def test_a_probe_reads_what_is_linear_and_nothing_from_noise() -> None:
    y = RNG.integers(0, 4, 400)
    mixed = np.eye(4)[y] @ RNG.normal(size=(4, 12)) * 1e-3 + 5           # any place, any scale
    codes = np.concatenate([mixed, np.full((400, 1), 2.0)], 1)           # a number that never changes does no harm
    found = linear_probe(codes[:200], {"y": y[:200]}, codes[200:], {"y": y[200:]})
    assert found.accuracy["y"] == found.score == 1
    noise = RNG.normal(size=(400, 5))
    lost = linear_probe(noise[:200], {"y": y[:200]}, noise[200:], {"y": y[200:]})
    assert lost.score < lost.chance["y"] + 0.12
    assert lost.chance["y"] == np.bincount(y[:200]).max() / 200


def test_a_probe_that_was_fitted_on_shuffled_labels_fails() -> None:
    y = RNG.integers(0, 4, 400)
    codes = np.eye(4)[y]
    found = linear_probe(codes[:200], {"y": y[:200]}, codes[200:], {"y": RNG.permutation(y[200:])})
    assert found.score < 0.7


def test_a_probe_without_choice() -> None:
    found = linear_probe(np.zeros((4, 2)), {"y": np.asarray([0, 1, 0, -1])}, np.zeros((3, 2)), {"y": np.zeros(3, int)})
    assert found.score == pytest.approx(2 / 3)


def test_reconstruction_error_by_hand() -> None:
    images = np.zeros((2, 1, 2, 2), np.float32)
    found = reconstruction_error(images, images + 0.1)
    assert found.mse == pytest.approx(0.01)
    assert found.psnr == found.score == pytest.approx(20)
    assert reconstruction_error(images, images).psnr == 100
    with pytest.raises(ValueError, match="different shapes"):
        reconstruction_error(images, images[:1])


def test_live_factors_of_a_deterministic_code_change_the_image() -> None:
    def decode(f: np.ndarray) -> np.ndarray:
        return f[:, :2, None, None] * np.asarray([0.5, 0.01])[:, None, None] * np.ones((1, 1, 3, 3))

    chunks = {"big": (0, 1), "tiny": (1, 2), "dead": (2, 3)}
    found = live_factors(RNG.uniform(size=(50, 3)), chunks, decode)
    assert found.live == ["big"]
    assert found.score == 1
    assert found.kl == {}
    assert found.change["dead"] == 0 < found.change["tiny"] < 0.05 * found.change["big"]
    assert live_factors(RNG.uniform(size=(50, 3)), None, lambda f: np.zeros((len(f), 1, 2, 2))).live == []


def test_live_factors_of_a_variational_code_have_divergence() -> None:
    chunks, kl = {"told": (0, 2), "silent": (2, 4)}, np.asarray([[0.012, 0.012, 0.004, 0.004], [0, 0.004, 0.004, 0]])
    found = live_factors(RNG.normal(size=(2, 4)), chunks, None, kl)          # the numbers of a chunk count together
    assert found.kl == pytest.approx({"told": 0.014, "silent": 0.006})
    assert (found.live, found.change, found.score) == (["told"], {}, 1)
    assert live_factors(RNG.normal(size=(2, 4)), chunks, None, kl, least_kl=0.005).score == 2
    loud = live_factors(RNG.normal(size=(2, 4)), chunks, lambda f: np.abs(f[:, 2:3, None, None]), kl)
    assert loud.live == ["told"]
    assert loud.change["silent"] > 0 == loud.change["told"]


@pytest.mark.parametrize(("given", "message"), [
    ({"decode": None}, "neither decode nor kl"), ({"kl": np.zeros((5, 2))}, r"kl must be \(5, 3\)"),
    ({"codes": np.zeros((0, 3))}, "no codes"), ({"codes": np.full((5, 3), np.nan)}, "5 of 5 codes are not finite"),
    ({"kl": np.full((5, 3), np.nan)}, "kl is not finite")])
def test_codes_whose_live_factors_cannot_be_told(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        live_factors(**{"codes": np.zeros((5, 3)), "chunks": None, "decode": lambda f: f[:, :, None, None], **given})


def test_kl_of_numbers_is_a_mean_over_images() -> None:
    found = kl_per_number(np.asarray([[1.0, 0.0], [3.0, 0.002]]))
    np.testing.assert_allclose(found.kl, [2.0, 0.001])
    assert found.active == [0]
    assert found.score == pytest.approx(2.001)
