import numpy as np
import pytest

from unbraid_plugins.shared.metrics import azimuth_error, edge_precision, viewpoint_error

TRUTH = np.random.default_rng(0).uniform(-np.pi, np.pi, 200)


def test_one_rotation_is_forgiven_and_a_mirror_is_not():
    turned, mirrored = azimuth_error(TRUTH + 1.3, TRUTH), azimuth_error(0.4 - TRUTH, TRUTH)
    assert turned.score == pytest.approx(0, abs=1e-6)
    assert turned.within == {15: 1, 30: 1}
    assert mirrored.score > 60
    assert mirrored.mirrored == pytest.approx(0, abs=1e-6)
    assert mirrored.score == viewpoint_error(0.4 - TRUTH, TRUTH, reflect=False).score


def test_front_and_back_taken_for_one_are_told_from_being_lost():
    flipped = TRUTH + np.pi * np.random.default_rng(1).integers(0, 2, 200)
    found, lost = azimuth_error(flipped, TRUTH), azimuth_error(np.random.default_rng(2).permutation(TRUTH), TRUTH)
    assert found.half_turn == pytest.approx(0, abs=1e-6)
    assert found.within[30] < 0.65
    assert lost.half_turn > 30


def graph(turns, ends=((0, 1), (1, 2), (0, 2)), tree=(True, True, False)):
    return {"members": np.asarray([0, 0, 1, 2]), "ends": np.asarray(ends), "turns": np.radians(turns),
            "in_tree": np.asarray(tree), "step": np.radians(15.0)}


AZIMUTHS = np.radians([-2.0, 2, 15, 195])


def test_edges_are_right_within_half_a_step_of_the_mean_views():
    found = edge_precision(graph([15, 172, -158]), AZIMUTHS)              # true: 15, 180, -165 degrees
    assert found.score == pytest.approx(2 / 3)
    assert found.tree == 0.5
    assert edge_precision(graph([15, 173, -158]), AZIMUTHS).score == 1    # half a step is right
    assert edge_precision(graph([-15, -15, 15]), AZIMUTHS).sign == 0
    assert edge_precision(graph([15, 0, 15]), AZIMUTHS).flipped == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no edges"):
        edge_precision(graph([], np.empty((0, 2), int), []), AZIMUTHS)
