"""Pose control of generators that obey, ignore or confuse the pose, as a known oracle sees it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import control_table, oracles, pose_control
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

YAWS, COLUMNS = 4, {"identity": (0, 3), "yaw": (3, 7)}


def seer(accuracy: float = 1.0) -> Oracles:
    """An oracle that reads the yaw off the first row of an image."""
    return Oracles({"yaw": accuracy}, {"yaw": 0.25}, accuracy, lambda images: {"yaw": images[:, 0, 0].argmax(1)})


def decoder(turn: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """A generator of images whose first row is what `turn` makes of the yaw in the code."""
    return lambda codes: np.stack([turn(codes[:, 3:])] * 2, 1)[:, None]


def codes() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate([random.normal(size=(30, 3)), np.eye(YAWS)[random.integers(0, YAWS, 30)]], 1)


@pytest.mark.parametrize(("turn", "accuracy"), [
    (lambda yaw: yaw, 1), (lambda yaw: np.eye(YAWS)[np.full(len(yaw), 2)], 1 / YAWS),
    (lambda yaw: np.roll(yaw, 1, 1), 0), (lambda yaw: yaw[:, [0, 1, 3, 2]], 0.5)],
    ids=["obeys", "ignores its code", "turns too far", "confuses two"])
def test_the_oracle_sees_what_was_asked_for(turn: Callable[[np.ndarray], np.ndarray], accuracy: float) -> None:
    found = pose_control(codes(), {"yaw": COLUMNS["yaw"]}, decoder(turn), seer())
    assert found is not None
    assert found.accuracy == {"yaw": pytest.approx(accuracy)}
    assert found.score == pytest.approx(accuracy)
    assert found.chance == {"yaw": 1 / YAWS}
    np.testing.assert_allclose(found.seen["yaw"], turn(np.eye(YAWS)))
    assert found.oracle == {"yaw": 1}


def test_the_rest_of_the_code_stays() -> None:
    given, seen = codes(), []
    pose_control(given, {"yaw": COLUMNS["yaw"]}, lambda f: (seen.append(f), decoder(lambda y: y)(f))[1], seer(), most=7)
    people = {tuple(row) for row in given[:, :3].tolist()}
    assert len(seen) == YAWS
    for asked, f in enumerate(seen):
        assert len(f) == 7
        assert (f[:, 3:] == np.eye(YAWS)[asked]).all()
        assert {tuple(row) for row in f[:, :3].tolist()} <= people
    assert (given == codes()).all()


def test_categories_that_are_no_factor_are_not_measured() -> None:
    assert pose_control(codes(), {"c1": (3, 7)}, decoder(lambda yaw: yaw), seer()) is None
    found = pose_control(codes(), {"c1": (0, 3), "yaw": (3, 7)}, decoder(lambda yaw: yaw), seer(), resamples=5)
    assert found is not None
    assert found.accuracy.keys() == {"yaw"}
    assert found.resampled.tolist() == [1] * 5


def test_a_trained_oracle_sees_it_too() -> None:
    random = np.random.default_rng(0)
    yaw = random.integers(0, 2, 200)
    images = random.random((200, 1, 8, 8)) * 0.3 + (np.arange(8) // 4 == yaw[:, None])[:, None, None] * 0.7
    judge = oracles(images[:50], {"yaw": yaw[:50]}, images[50:], {"yaw": yaw[50:]}, steps=60)
    found = pose_control(np.eye(2)[yaw[:50]], {"yaw": (0, 2)},
                         lambda f: np.tile((np.repeat(f, 4, 1) * 0.7 + 0.15)[:, None, None], (1, 1, 8, 1)), judge)
    assert found is not None
    assert found.score > 0.95


def test_a_class_that_was_never_asked_for_has_no_shares() -> None:
    assert np.isnan(control_table(np.asarray([1, 1]), np.asarray([1, 1]), 2)[0]).all()
