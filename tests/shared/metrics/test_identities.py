"""Identification and verification against scikit-learn, and on features whose score is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import KNeighborsClassifier

from unbraid_plugins.shared.metrics import rank_1_identification, roc, verification

PEOPLE, YAWS = 8, 5


def labelled(images: int = 3) -> dict[str, np.ndarray]:
    """This many images of every person in every yaw."""
    who, yaw, _ = (v.ravel() for v in np.meshgrid(range(PEOPLE), range(YAWS), range(images), indexing="ij"))
    return {"identity": who, "yaw": yaw}


def features(factors: dict[str, np.ndarray], spoiled: float = 0.8, seed: int = 0) -> np.ndarray:
    """Noisy features of the person, which the yaw spoils."""
    random = np.random.default_rng(seed)
    person, turned = random.normal(size=(PEOPLE, 16)), random.normal(size=(YAWS, 16))
    away = np.abs(factors["yaw"] - YAWS // 2)[:, None]
    noise = random.normal(size=(len(away), 16))
    return person[factors["identity"]] + spoiled * away * turned[factors["yaw"]] + 0.6 * noise


# -- rank 1 ------------------------------------------------------------------------------------------------------------


def test_identification_is_that_of_a_nearest_neighbour_by_the_cosine() -> None:
    factors = labelled(images=1)
    codes = features(factors)
    front = factors["yaw"] == 2                              # one image of each person: all draws are the same gallery
    nearest = KNeighborsClassifier(1, metric="cosine", algorithm="brute").fit(codes[front], factors["identity"][front])
    found = rank_1_identification(codes, factors)
    assert found is not None
    assert found.by_pose.keys() == {0, 1, 3, 4}
    for yaw, share in found.by_pose.items():
        rows = factors["yaw"] == yaw
        assert share == pytest.approx(nearest.score(codes[rows], factors["identity"][rows]))
    assert found.score == pytest.approx(np.mean(list(found.by_pose.values())))
    assert 0.2 < found.score < 0.95
    assert found.by_pose[0] < found.by_pose[1]


def test_a_gallery_image_is_no_probe_and_galleries_are_drawn() -> None:
    factors = labelled(images=3)
    found = rank_1_identification(features(factors), factors, draws=40)
    assert found is not None
    assert (found.gallery, found.identities, found.chance) == (2, PEOPLE, 1 / PEOPLE)
    assert found.probes == dict.fromkeys(range(YAWS), 3 * PEOPLE)
    alone = np.eye(len(factors["yaw"]))                      # every image is like itself alone
    apart = rank_1_identification(alone, factors, draws=40)
    assert apart is not None
    assert apart.score == apart.by_pose[2] == pytest.approx(1 / PEOPLE)             # ties: the share that is right


def test_perfect_features_score_one_and_the_pose_alone_chance() -> None:
    factors = labelled()
    person, yaw = np.eye(PEOPLE)[factors["identity"]], np.eye(YAWS)[factors["yaw"]]
    perfect, blind = (rank_1_identification(codes, factors) for codes in (person, yaw))
    assert perfect is not None
    assert blind is not None
    assert (perfect.score, blind.score) == (1, pytest.approx(1 / PEOPLE))


def test_the_chunk_of_the_identity_is_compared_alone() -> None:
    factors = labelled()
    codes = np.concatenate([np.eye(PEOPLE)[factors["identity"]], 9 * np.eye(YAWS)[factors["yaw"]]], 1)
    chunks = {"identity": (0, PEOPLE), "pose": (PEOPLE, PEOPLE + YAWS)}
    found, whole = rank_1_identification(codes, factors, chunks), rank_1_identification(codes, factors)
    assert found is not None
    assert whole is not None
    assert (found.chunk, found.pose, found.score, whole.chunk) == ("identity", "yaw", 1, "code")


def test_a_single_number_is_compared_by_its_value() -> None:
    factors = labelled()
    codes = np.stack([factors["identity"] / PEOPLE - 0.5, factors["yaw"] / YAWS - 0.5], 1)
    found = rank_1_identification(codes, factors, {"identity": (0, 1), "yaw": (1, 2)})
    assert found is not None
    assert found.score == 1


def test_a_gallery_of_another_pose_and_people_without_one() -> None:
    factors = labelled()
    gone = (factors["identity"] == 3) & (factors["yaw"] == 0)                        # has no image for this gallery
    factors["yaw"] = np.where(gone, -1, factors["yaw"])
    found = rank_1_identification(features(factors, 0), factors, gallery=0)
    assert found is not None
    assert (found.identities, found.probes[4]) == (PEOPLE - 1, 3 * (PEOPLE - 1))


def test_bootstrap_scores_lie_around_the_score() -> None:
    factors = labelled()
    found = rank_1_identification(features(factors), factors, resamples=50)
    assert found is not None
    assert found.resampled.shape == (50,)
    assert found.resampled.mean() == pytest.approx(found.score, abs=0.03)
    assert found.resampled.std() > 0


def test_what_can_not_be_identified() -> None:
    factors = labelled()
    codes = features(factors)
    assert rank_1_identification(codes, {"identity": factors["identity"]}) is None
    assert verification(codes, {"yaw": factors["yaw"]}) is None
    assert verification(codes, {"identity": 0 * factors["identity"], "yaw": factors["yaw"]}) is None
    with pytest.raises(ValueError, match="two people at least, of yaw 9; found 0"):
        rank_1_identification(codes, factors, gallery=9)
    with pytest.raises(ValueError, match="all images whose person is in the gallery are of yaw 0"):
        rank_1_identification(codes, {"identity": factors["identity"], "yaw": 0 * factors["yaw"]})
    with pytest.raises(ValueError, match="there is no factor 'tilt'; there is identity, yaw"):
        rank_1_identification(codes, factors, pose="tilt")


# -- verification ------------------------------------------------------------------------------------------------------


def reference(scores: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """False and true accept rates at every threshold, and the equal error rate, from scikit-learn."""
    far, tar, _ = roc_curve(same, scores, drop_intermediate=False)
    return far, tar, float(brentq(lambda x: 1 - x - np.interp(x, far, tar), 0, 1))


@pytest.mark.parametrize("decimals", [9, 1])                 # at 1 many pairs are equally similar
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rates_are_those_of_scikit_learn(decimals: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    same = random.random(400) < 0.3
    scores = (random.normal(size=400) + 1.2 * same).round(decimals)
    found = roc(scores, same)
    far, tar, eer = reference(scores, same)
    np.testing.assert_allclose(found.far, far)
    np.testing.assert_allclose(found.tar, tar)
    assert found.auc == pytest.approx(roc_auc_score(same, scores))
    for rate in (0.001, 0.01, 0.1, 0.5, 1):
        assert found.tar_at(rate) == pytest.approx(tar[far <= rate].max())
    if decimals == 9:                                        # the curve is a staircase: both readings agree
        assert found.eer == pytest.approx(eer, abs=0.01)


def test_rates_by_hand() -> None:
    found = roc(np.asarray([5, 4, 3, 2, 1, 0]), np.asarray([1, 1, 0, 1, 0, 0]))
    assert found.far.tolist() == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert found.tar.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1])
    assert (found.genuine, found.impostors, found.eer, found.tar_at(0)) == (3, 3, pytest.approx(1 / 3),
                                                                            pytest.approx(2 / 3))
    assert roc(np.asarray([2, 1]), np.asarray([True, False])).eer == 0
    assert roc(np.asarray([1, 2]), np.asarray([True, False])).eer == 1
    assert roc(np.ones(10), np.arange(10) < 5).eer == 0.5


def test_verification_takes_all_pairs_of_different_images() -> None:
    factors = labelled()
    codes = features(factors)
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    pairs = [(i, j) for i in range(len(unit)) for j in range(i)]
    scores = np.asarray([unit[i] @ unit[j] for i, j in pairs])
    same = np.asarray([factors["identity"][i] == factors["identity"][j] for i, j in pairs])
    far, tar, eer = reference(scores, same)
    found = verification(codes, factors)
    assert found is not None
    assert (found.genuine, found.impostors) == (same.sum(), (~same).sum())
    assert found.eer == pytest.approx(eer, abs=2e-3)
    assert found.tar_at[0.01] == pytest.approx(tar[far <= 0.01].max())
    assert found.score == 1 - found.eer
    assert found.eer_by_pose[2] < found.eer_by_pose[3] < found.eer_by_pose[4]


def test_what_can_not_be_verified() -> None:
    with pytest.raises(ValueError, match="all of these are of two"):
        roc(np.ones(3), np.zeros(3))
    with pytest.raises(ValueError, match="all of these are of one"):
        roc(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match=r"\(P,\) both; found \(3,\) and \(2,\)"):
        roc(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="1 of 2 similarities are not finite"):
        roc(np.asarray([0, np.nan]), np.asarray([0, 1]))
