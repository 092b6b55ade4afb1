"""Viewpoints, depth, points and silhouettes: what they forgive, and what they don't."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from unbraid_plugins.shared.metrics import chamfer, depth_error, silhouette_iou, viewpoint_error
from unbraid_plugins.shared.metrics.shapes.viewpoint_error import around

ANGLES = st.lists(st.floats(-20, 20), min_size=1, max_size=30).map(np.asarray)
POINTS = arrays(np.float64, st.tuples(st.integers(1, 15), st.just(3)), elements=st.floats(-9, 9, width=32))


def by_trying(angles: np.ndarray, truth: np.ndarray, sign: int) -> float:
    """The least mean distance in degrees, over a fine net of rotations."""
    net = np.radians(np.arange(0, 360, 0.25))
    found = np.abs(around(truth - sign * angles - net[:, None])).mean(1)
    return float(np.degrees(found.min()))


class TestViewpoints:
    @settings(max_examples=60, deadline=None)
    @given(ANGLES, st.floats(-9, 9), st.booleans(), st.integers(-2, 2))
    def test_the_gauge_is_forgiven(self, truth, rotation, mirror, turns):
        """A common rotation, a mirror and whole turns cost nothing, and do not change the error of others."""
        moved = (-truth if mirror else truth) + rotation + turns * 2 * np.pi
        assert viewpoint_error(moved, truth).by_image == pytest.approx(np.zeros(len(truth)), abs=1e-6)
        noisy = truth + np.random.default_rng(0).normal(size=len(truth))
        expected = viewpoint_error(noisy, truth)
        assert viewpoint_error((-noisy if mirror else noisy) + rotation, truth).mean == pytest.approx(
            expected.mean, abs=1e-6)

    @settings(max_examples=60, deadline=None)
    @given(ANGLES, st.integers(0, 99))
    def test_the_best_rotation_is_found(self, truth, seed):
        angles = np.random.default_rng(seed).uniform(-9, 9, len(truth))
        one, both = viewpoint_error(angles, truth, reflect=False), viewpoint_error(angles, truth)
        assert one.mean == pytest.approx(by_trying(angles, truth, 1), abs=0.13)
        assert one.mean <= by_trying(angles, truth, 1) + 1e-9
        assert both.mean <= min(by_trying(angles, truth, 1), by_trying(angles, truth, -1)) + 1e-9
        assert (one.by_image >= 0).all()
        assert (one.by_image <= 180).all()
        turned = np.degrees(truth - np.radians(one.rotation) - angles)
        assert np.abs((turned + 180) % 360 - 180) == pytest.approx(one.by_image, abs=1e-6)

    def test_a_few_wrong_by_half_a_turn(self):
        truth = np.linspace(0, 6, 100)
        angles = truth + 1 + np.where(np.arange(100) < 20, np.pi, 0)
        found = viewpoint_error(angles, truth)
        assert found.median == found.score == pytest.approx(0, abs=1e-9)
        assert found.mean == pytest.approx(36)
        assert found.within == {15: 0.8, 30: 0.8}
        assert found.rotation == pytest.approx(np.degrees(-1))

    def test_a_mirror_that_is_not_forgiven(self):
        truth = np.random.default_rng(0).uniform(0, 2 * np.pi, 500)
        assert viewpoint_error(-truth, truth).reflected
        assert viewpoint_error(-truth, truth).score == pytest.approx(0, abs=1e-9)
        assert viewpoint_error(-truth, truth, reflect=False).score > 60
        assert not viewpoint_error(truth, truth).reflected

    def test_chance_is_a_quarter_turn(self):
        angles, truth = np.random.default_rng(1).uniform(0, 2 * np.pi, (2, 4000))
        assert viewpoint_error(angles, truth).score == pytest.approx(90, abs=4)
        assert viewpoint_error(angles, truth, symmetry=4).score == pytest.approx(90 / 4, abs=1)
        assert viewpoint_error(truth + np.pi / 2, truth, symmetry=4).by_image.max() < 1e-6
        quarter = truth + np.random.default_rng(2).integers(0, 4, 4000) * np.pi / 2
        assert viewpoint_error(quarter, truth, symmetry=4).by_image.max() < 1e-6
        assert viewpoint_error(quarter, truth, symmetry=2).mean > 20

    @pytest.mark.parametrize(("angles", "message"), [
        (np.zeros(0), "one angle at least"), (np.zeros((3, 1)), r"\(N,\) both"),
        (np.asarray([0, np.nan]), "1 of 2 angles")])
    def test_mistakes(self, angles, message):
        with pytest.raises(ValueError, match=message):
            viewpoint_error(angles, np.zeros(angles.shape[:1]))
        with pytest.raises(ValueError, match="1 at least; found 0"):
            viewpoint_error(np.zeros(2), np.zeros(2), symmetry=0)


class TestDepth:
    TRUTH = np.random.default_rng(0).uniform(1, 3, (6, 5, 4))

    @settings(max_examples=40, deadline=None)
    @given(st.floats(0.01, 50), st.floats(-50, 50))
    def test_scale_and_shift_are_forgiven_and_inversion_is_not(self, scale, shift):
        found = depth_error(scale * self.TRUTH + shift, self.TRUTH)
        assert found.score == pytest.approx(0, abs=1e-5)
        assert (found.correlation > 0.999).all()
        inside_out = depth_error(shift - scale * self.TRUTH, self.TRUTH)
        assert (inside_out.score, inside_out.inverted) == (1, 1)

    @settings(max_examples=30, deadline=None)
    @given(st.floats(0.01, 50), st.integers(0, 99))
    def test_scale_alone(self, scale, seed):
        depth = np.random.default_rng(seed).uniform(1, 3, self.TRUTH.shape)
        found = depth_error(depth, self.TRUTH, up_to="scale")
        assert depth_error(scale * depth, self.TRUTH, up_to="scale").by_image == pytest.approx(found.by_image)
        assert depth_error(scale * self.TRUTH, self.TRUTH, up_to="scale").score == pytest.approx(0, abs=1e-9)
        assert depth_error(self.TRUTH + 1, self.TRUTH, up_to="scale").score > 0.1
        logs = np.log(depth[0]) - np.log(self.TRUTH[0])
        assert found.by_image[0] == pytest.approx(np.sqrt((logs ** 2).mean() - logs.mean() ** 2))

    def test_it_is_the_error_after_the_best_fit(self):
        depth = self.TRUTH + np.random.default_rng(1).normal(size=self.TRUTH.shape)
        for d, t, error in zip(depth, self.TRUTH, depth_error(depth, self.TRUTH).by_image, strict=True):
            a = np.stack([d.ravel(), np.ones(d.size)], 1)
            left = np.linalg.lstsq(a, t.ravel(), rcond=None)[1][0]
            assert error == pytest.approx(np.sqrt(left / np.square(t - t.mean()).sum()))

    def test_only_known_pixels_count(self):
        truth, depth = self.TRUTH.copy(), 2 * self.TRUTH
        truth[:, 0], depth[:, 0] = np.nan, 99
        assert depth_error(depth, truth).score == pytest.approx(0, abs=1e-6)
        mask = np.ones(truth.shape)
        mask[:, 0] = 0
        assert depth_error(depth[:, None], truth[:, None], mask).score == pytest.approx(0, abs=1e-6)

    def test_images_that_tell_nothing_are_left_out(self):
        truth, depth = self.TRUTH.copy(), self.TRUTH.copy()
        truth[0], truth[1], depth[2] = 2.0, np.nan, 7.0
        found = depth_error(depth, truth)
        assert np.isnan(found.by_image).tolist() == [True, True, False, False, False, False]
        assert found.by_image[2] == 1                                # flat depth
        assert (found.score, found.inverted) == (pytest.approx(0.25, abs=1e-5), 0)
        with pytest.raises(ValueError, match="none of 1 images"):
            depth_error(depth[:1], truth[:1])

    def test_mistakes(self):
        depth = self.TRUTH.copy()
        depth[3, 0, 0] = np.nan
        with pytest.raises(ValueError, match="depth of image 3 is not finite in 1 of 20"):
            depth_error(depth, self.TRUTH)
        with pytest.raises(ValueError, match="true depth of image 0 is not finite and positive"):
            depth_error(self.TRUTH, -self.TRUTH, up_to="scale")
        with pytest.raises(ValueError, match=r"one shape; found \[\(6, 5, 4\), \(6, 5, 3\)\]"):
            depth_error(self.TRUTH, self.TRUTH[:, :, :3])
        with pytest.raises(ValueError, match="'scale and shift' or 'scale'"):
            depth_error(self.TRUTH, self.TRUTH, up_to="shift")  # type: ignore[arg-type]


class TestPoints:
    @settings(max_examples=50, deadline=None)
    @given(POINTS, POINTS, st.integers(0, 99), st.booleans())
    def test_by_all_pairs_and_after_a_common_motion(self, a, b, seed, squared):
        distances = np.linalg.norm(a[:, None] - b[None], axis=-1) ** (2 if squared else 1)
        found = chamfer(a, b, squared=squared)
        assert found.forth == pytest.approx(distances.min(1).mean(), abs=1e-9)
        assert found.back == pytest.approx(distances.min(0).mean(), abs=1e-9)
        assert found.farthest == pytest.approx(max(distances.min(1).max(), distances.min(0).max()), abs=1e-9)
        random = np.random.default_rng(seed)
        turn, move = np.linalg.qr(random.normal(size=(3, 3)))[0], random.normal(size=3)
        again = chamfer(b @ turn + move, random.permutation(a @ turn + move), squared=squared)
        assert again.score == pytest.approx(found.score, rel=1e-6, abs=1e-5)
        assert chamfer(a, a[::-1]).score == 0

    def test_scale_and_shift_are_not_forgiven(self):
        sphere = np.random.default_rng(0).normal(size=(3000, 3))
        sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
        assert chamfer(sphere, 1.5 * sphere).score == pytest.approx(1, abs=0.05)
        halves = chamfer(sphere[:1500], sphere[1500:]).score
        assert 0 < halves < 0.1 < chamfer(sphere[:1500], sphere[1500:] + np.asarray([0.3, 0, 0])).score

    @pytest.mark.parametrize(("points", "message"), [
        (np.zeros((0, 3)), r"one at least; found \(0, 3\)"), (np.zeros((4, 2)), r"\(4, 2\) and \(5, 3\)"),
        (np.full((4, 3), np.inf), "4 of 4 points are not finite")])
    def test_mistakes(self, points, message):
        with pytest.raises(ValueError, match=message):
            chamfer(points, np.zeros((5, 3)))


class TestSilhouettes:
    def test_by_hand(self):
        a, b = np.zeros((2, 4, 4, 4), bool)
        a[0, :2], b[0, 1:3] = True, True                             # 4 of 12
        a[1, :2], b[1, :1] = True, True                              # 4 of 8
        b[2, 0, 0] = True                                            # nothing of it; the last are empty both
        found = silhouette_iou(a, b)
        assert found.by_image == pytest.approx([1 / 3, 1 / 2, 0, 1])
        assert found.score == pytest.approx(11 / 24)
        assert found.area == pytest.approx((0 + 1 - 1) / 3)
        assert silhouette_iou(a[:, None] * 200.0, b[:, None].astype(np.uint8) * 255, threshold=99).score == found.score

    @settings(max_examples=30, deadline=None)
    @given(arrays(np.float64, (2, 3, 5, 4), elements=st.floats(0, 1)))
    def test_symmetric_and_blind_to_where_pixels_are(self, pair):
        a, b = pair
        found = silhouette_iou(a, b).by_image
        assert ((found >= 0) & (found <= 1)).all()
        assert silhouette_iou(b, a).by_image.tolist() == found.tolist()
        assert silhouette_iou(a[:, ::-1, ::-1], b[:, ::-1, ::-1]).by_image.tolist() == found.tolist()
        assert silhouette_iou(a, a).score == 1

    @pytest.mark.parametrize(("mask", "message"), [
        (np.zeros((0, 4, 4)), "one shape"), (np.zeros((2, 3, 4, 4)), "one shape"), (np.zeros((4, 4)), "one shape"),
        (np.full((1, 4, 4), np.nan), "NaN in 16 pixels")])
    def test_mistakes(self, mask, message):
        with pytest.raises(ValueError, match=message):
            silhouette_iou(mask, np.zeros(mask.shape))
        with pytest.raises(ValueError, match="one shape"):
            silhouette_iou(np.zeros((1, 4, 4)), np.zeros((2, 4, 4)))
