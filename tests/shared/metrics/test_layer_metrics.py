"""Metrics of normals, albedo and light, and the leak matrix, on arrays whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import albedo_error, leak_matrix, normal_angle, relight_psnr


def half_ball(size: int = 21, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    at = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(at, -at)
    z = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
    mask = (x**2 + y**2 < 1).astype(float)
    return np.stack([np.stack([x, y, z]) * mask] * count), np.stack([mask[None]] * count)


def turned(normals: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y, z = np.moveaxis(normals, 1, 0)
    return np.stack([c * x + s * z, y, c * z - s * x], 1)


# -- normals ----------------------------------------------------------------------------------------------------------


def test_normals_at_a_known_angle():
    """A turn around y moves a normal by less than the turn where it has a part along y."""
    truth, mask = half_ball()
    found = normal_angle(turned(truth, 20), truth, mask)
    along = np.linalg.norm(truth[0, [0, 2]], axis=0)[mask[0, 0] > 0]
    expected = np.degrees(2 * np.arcsin(np.sin(np.radians(10)) * along)).mean()
    assert found.score == pytest.approx(expected, abs=1e-6)
    assert np.allclose(found.by_image, expected)


def test_lengths_and_pixels_beside_the_mask_do_not_count():
    truth, mask = half_ball()
    noisy = np.where(mask > 0, 3.7 * truth, -1.0)
    assert normal_angle(noisy, truth, mask).score == pytest.approx(0, abs=1e-6)
    assert normal_angle(np.where(mask > 0, 0.0, truth), truth, mask).score == pytest.approx(90)     # no normal at all


def test_baselines_of_normals():
    truth, mask = half_ball(31)
    found = normal_angle(truth, truth, mask, turned(truth, 10))
    assert found.ball < 2.5                                              # a ball is just that
    assert found.front == pytest.approx(np.degrees(np.arccos(truth[0, 2][mask[0, 0] > 0])).mean(), abs=1e-6)
    assert 5 < found.label < 10
    assert np.isnan(normal_angle(truth, truth, mask).label)


def test_normals_that_cannot_be_compared():
    truth, mask = half_ball()
    with pytest.raises(ValueError, match="one shape"):
        normal_angle(truth[:1], truth, mask)
    with pytest.raises(ValueError, match="no pixel"):
        normal_angle(truth, truth, 0 * mask)


# -- albedo -----------------------------------------------------------------------------------------------------------


def test_albedo_up_to_its_scale():
    truth = np.random.default_rng(0).uniform(0.1, 0.9, (3, 3, 6, 6))
    gains = np.array([0.5, 1.0, 2.0])
    found = albedo_error(truth * gains[:, None, None, None], truth)
    assert found.score == pytest.approx(0, abs=1e-12)
    assert np.allclose(found.scale, 1 / gains)
    assert found.spread == pytest.approx(np.log(2) * np.sqrt(2 / 3))


def test_albedo_errors_by_hand():
    truth = np.ones((1, 3, 1, 2))
    wrong = truth.copy()
    wrong[..., 1] = 0                                                    # half of the pixels are black: 1/2 is lost
    assert albedo_error(wrong, truth).score == pytest.approx(0.5)
    red = np.zeros((1, 3, 1, 2))
    red[:, 0] = 1
    assert albedo_error(red, truth).score == pytest.approx(2 / 3)        # a wrong colour is an error
    mask = np.array([1.0, 0.0]).reshape(1, 1, 1, 2)
    found = albedo_error(wrong, truth, mask, images=red)
    assert found.score == 0
    assert found.image == pytest.approx(2 / 3)
    assert albedo_error(-truth, truth).score == 1                        # no negative scale


# -- light ------------------------------------------------------------------------------------------------------------


def test_relit_images_count_inside_the_mask_alone():
    truth = np.full((2, 3, 4, 4), 0.5)
    mask = np.zeros((2, 1, 4, 4))
    mask[:, :, :2] = 1
    near = np.where(mask > 0, truth + 0.01, 0.0)
    found = relight_psnr(near, truth, truth + 0.1, truth + 0.05, mask)
    assert found.score == pytest.approx(40)
    assert found.unedited == pytest.approx(20)
    assert found.mean_light == pytest.approx(-20 * np.log10(0.05))
    assert np.isnan(found.photo)
    assert relight_psnr(near, truth, truth, truth, mask, truth + 0.01).photo == pytest.approx(40)
    assert found.gain == pytest.approx(40 + 20 * np.log10(0.05))
    with pytest.raises(ValueError, match="not empty"):
        relight_psnr(near, truth, truth, truth, 0 * mask)


# -- leaks ------------------------------------------------------------------------------------------------------------


def grid(seed: int = 0) -> dict[str, np.ndarray]:
    a, b, c = (v.ravel() for v in np.meshgrid(range(4), range(3), range(5), indexing="ij"))
    return {"shape": a, "colour": b, "light": c}


def test_a_code_of_its_factors_leaks_nothing_and_a_mixed_one_does():
    factors = grid()
    random = np.random.default_rng(1)
    parts = {n: random.normal(size=(v.max() + 1, 4))[v] for n, v in factors.items()}
    chunks = {f"part {n}": (4 * i, 4 * i + 4) for i, n in enumerate(parts)}
    clean = np.concatenate(list(parts.values()), 1)
    found = leak_matrix(clean, factors, chunks, resamples=20)
    assert found.score == 1
    assert np.allclose(found.moved, np.diag(np.diag(found.moved)))
    assert (np.diag(found.moved) > 0.8).all()
    assert found.one_to_one == {n: f"part {n}" for n in factors}
    assert np.allclose(found.resampled, 1)
    leaking = clean.copy()
    leaking[:, :4] += parts["light"]                                     # light moves the part of the shape, too
    leaks = leak_matrix(leaking, factors, chunks)
    i = leaks.factors.index("light")
    assert leaks.moved[i, 0] > 0.4
    assert leaks.moved[leaks.factors.index("shape"), 2] == 0             # and the shape does not move that of the light
    assert leaks.score < 0.9
    mixed = clean @ random.normal(size=(12, 12))
    assert leak_matrix(mixed, factors, chunks).score < 0.5
    exchanged = {n: chunks[m] for n, m in zip(chunks, reversed(chunks), strict=True)}
    assert leak_matrix(clean, factors, exchanged).one_to_one["shape"] == "part light"


def test_pairs_differ_in_nothing_else():
    """Two factors that always change together have no pairs."""
    factors = grid()
    tied = {"shape": factors["shape"], "same": factors["shape"], "light": factors["light"]}
    codes = np.random.default_rng(0).normal(size=(len(factors["shape"]), 6))
    found = leak_matrix(codes, tied)
    assert found.factors == ["light"]
    assert found.left_out == ["shape", "same"]
    assert found.parts == ["code"]
    with pytest.raises(ValueError, match="differ in one factor alone"):
        leak_matrix(codes, {"shape": factors["shape"], "same": factors["shape"]})


def test_unknown_factors_and_still_parts():
    factors = grid()
    codes = np.stack([factors["light"].astype(float), np.zeros(60)], 1)
    half = {**factors, "light": np.where(np.arange(60) % 2, factors["light"], -1)}
    found = leak_matrix(codes, half, {"light": (0, 1), "still": (1, 2)})
    assert found.moved[:, 1].max() == 0
    assert found.moved[found.factors.index("light"), 0] > 0.5
