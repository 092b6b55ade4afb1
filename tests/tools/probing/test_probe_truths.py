"""What classifiers must find in codes of which the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from made import CLASSES, TEST, TRAIN, labels, scores, task

from unbraid_plugins.tools.probing import ProbeError, Settings
from unbraid_plugins.tools.probing.classifiers import distances, nearest
from unbraid_plugins.tools.probing.fit import labelled_rows
from unbraid_plugins.tools.probing.labels import drawn, short
from unbraid_plugins.tools.probing.plot import NETWORK, draw
from unbraid_plugins.tools.probing.preprocessing import WIDEST, prepared
from unbraid_plugins.tools.probing.representations import Representation, shrunk

BOTH = ["linear", "nearest"]


@pytest.mark.parametrize("classifier", BOTH)
def test_codes_that_hold_the_class_are_read_from_one_label_of_each(classifier):
    train, test = labels()
    axes = np.random.default_rng(1).normal(size=(CLASSES, 6))
    found = scores(axes[train], axes[test], train, test)[classifier]
    assert found["mean"] == [1, 1, 1, 1]
    assert found["std"] == [0, 0, 0, None]


@pytest.mark.parametrize("classifier", BOTH)
def test_codes_that_know_nothing_are_at_chance(classifier):
    train, test = labels()
    rng = np.random.default_rng(1)
    found = scores(rng.normal(size=(TRAIN, 8)), rng.normal(size=(TEST, 8)), train, test)[classifier]
    assert found["mean"] == pytest.approx([1 / CLASSES] * 4, abs=0.06)


@pytest.mark.parametrize("classifier", BOTH)
def test_more_labels_read_more_from_noisy_codes(classifier):
    train, test = labels()
    rng = np.random.default_rng(1)
    axes = rng.normal(size=(CLASSES, 10))
    noisy = (axes[y] + rng.normal(size=(len(y), 10)) for y in (train, test))
    found = scores(*noisy, train, test)[classifier]
    one, five, twenty, every = found["mean"]
    assert one + 0.1 < five < twenty < every
    assert found["std"][0] > found["std"][2]


def test_what_a_line_can_not_separate_a_neighbour_can():
    train, test = (np.arange(n) % 2 for n in (TRAIN, TEST))
    rng = np.random.default_rng(1)

    def corners(y):                                                  # the exclusive or of two signs
        signs = rng.choice([-1, 1], len(y))
        return np.stack([signs, signs * (2 * y - 1)], 1) + 0.1 * rng.normal(size=(len(y), 2))

    found = scores(corners(train), corners(test), train, test)
    assert found["linear"]["mean"][-1] < 0.8
    assert found["nearest"]["mean"][-1] == 1


def test_classes_in_a_row_are_read_from_one_number():
    """Least squares against indicators would mask all classes but those at the ends."""
    rng = np.random.default_rng(1)
    train, test = rng.integers(0, 12, TRAIN), rng.integers(0, 12, TEST)
    found = scores(train[:, None] + 0.1 * rng.normal(size=(TRAIN, 1)), test[:, None], train, test)
    assert found["linear"]["mean"][-1] > 0.95
    assert found["linear"]["penalty"][-1] > 1


def test_the_penalty_is_chosen_without_the_test_images():
    train, test = labels()
    rng = np.random.default_rng(1)
    axes = rng.normal(size=(CLASSES, 300))
    codes = [axes[y] + 6 * rng.normal(size=(len(y), 300)) for y in (train, test)]
    found = scores(*codes, train, test)["linear"]
    assert found["penalty"][0] == 1.0
    assert found["penalty"][-1] < 1
    assert scores(codes[0], -codes[1], train, test)["linear"]["penalty"] == found["penalty"]


def test_units_and_dead_numbers_of_a_code_do_not_matter():
    train, test = labels()
    rng = np.random.default_rng(1)
    axes = rng.normal(size=(CLASSES, 5))
    codes = [axes[y] + rng.normal(size=(len(y), 5)) for y in (train, test)]
    units = np.asarray([1e-3, 1, 1e3, 7, 1e5])
    dead = [np.concatenate([c * units + 3, np.full((len(c), 1), 2.0)], 1) for c in codes]
    assert scores(*codes, train, test)["nearest"]["mean"] == pytest.approx(
        scores(*dead, train, test)["nearest"]["mean"], abs=0.01)
    ready = prepared(Representation("pixels", "baseline", *(c.astype(np.float32) for c in dead), standardised=False))
    assert np.isfinite(ready.train).all()
    assert ready.train.std(0)[4] > 100 * ready.train.std(0)[2] > 0    # pixels keep their proportions


def test_a_wide_code_is_seen_along_its_axes():
    train, test = labels()
    rng = np.random.default_rng(1)
    axes = rng.normal(size=(CLASSES, WIDEST + 100))
    codes = [(axes[y] + rng.normal(size=(len(y), WIDEST + 100))).astype(np.float32) for y in (train, test)]
    ready = prepared(Representation("code", "code", *codes))
    assert ready.train.shape == (TRAIN, WIDEST + 100)
    assert (ready.train_axes.shape, ready.test_axes.shape) == ((TRAIN, WIDEST), (TEST, WIDEST))
    assert 0.9 < ready.kept < 1
    assert scores(*codes, train, test)["linear"]["mean"][-1] > 0.99


def test_images_of_unknown_class_are_neither_fitted_nor_judged():
    train, test = labels()
    axes = np.random.default_rng(1).normal(size=(CLASSES, 6))
    codes = axes[train], axes[test]
    train[::2], test[::3] = -1, -1
    wrong = [c.copy() for c in codes]
    wrong[0][::2], wrong[1][::3] = axes[0], axes[1]
    assert scores(*wrong, train, test)["linear"]["mean"] == [1, 1, 1, 1]
    assert scores(*wrong, train, test)["nearest"]["mean"] == [1, 1, 1, 1]


def test_labels_are_drawn_equally_of_every_class():
    y = np.repeat([0, 1, 2, -1], [50, 3, 200, 100])
    found = drawn(y, 10, 3, seed=0)
    assert len(found) == 3
    assert len({rows.tobytes() for rows in found}) == 3
    for few, more in zip(found, drawn(y, 40, 3, seed=0), strict=True):
        assert np.bincount(y[few]).tolist() == [10, 3, 10]
        assert set(few) <= set(more)
    assert [len(r) for r in drawn(y, None, 3, seed=0)] == [253]
    assert [len(r) for r in drawn(y, 200, 3, seed=0)] == [253]       # as many as there are: no draw
    assert (short(y, 10), short(y, 60), short(y, None)) == (1, 2, 0)
    assert not np.array_equal(drawn(y, 10, 1, seed=1)[0], found[0])


def test_fewer_images_than_labels_are_told():
    y = np.repeat([0, 1], [30, 3])
    rows, notes = labelled_rows(task(y, y), Settings(labels=(1, 5, 50)))
    assert [len(sets[0]) for sets in rows["pose"]] == [2, 8, 33]
    assert notes == ["pose: of the training images have 1 of 2 classes fewer than 5, 2 of 2 classes fewer than 50; all "
                     "of these are used"]


def test_neighbours_vote():
    train = np.asarray([[0.0], [1.0], [1.2], [1.4], [9.0]], np.float32)
    between = distances(np.asarray([[0.1], [0.6], [8.0]], np.float32), train)
    y, rows = np.asarray([7, 5, 5, 7, 3]), np.arange(5)
    assert nearest(between, rows, y).tolist() == [7, 5, 3]
    assert nearest(between, rows, y, 3).tolist() == [5, 5, 3]        # the last: three classes, the nearest wins
    assert nearest(between, rows, y, 99).tolist() == [7, 5, 7]       # two of each: the class of the nearest
    assert nearest(between, np.asarray([1, 3]), y[[1, 3]]).tolist() == [5, 5, 7]


def test_large_images_are_shrunk_by_a_whole_factor():
    images = np.zeros((2, 3, 130, 200), np.float32)
    images[1, 2, :, 100:] = 1
    small = shrunk(images)
    assert small.shape == (2, 3, 43, 66)
    assert small[1, 2, :, -10:].min() == 1
    assert not small[0].any()
    assert shrunk(images[:, :, :64, :64]).shape == (2, 3, 64, 64)


@pytest.mark.parametrize(("settings", "says"), [
    ({"labels": ["few"]}, "labels of every class are numbers from 1, or 'all'; found 'few'"),
    ({"labels": [0]}, "found '0'"), ({"labels": []}, "nothing to fit"), ({"draws": 0}, "draws must be 1 at least"),
    ({"neighbours": -1}, "neighbours must be 1"), ({"images": 0}, "images must be 1"),
])
def test_settings_that_mean_nothing(settings, says):
    with pytest.raises(ProbeError, match=says):
        Settings(**settings)


@pytest.mark.parametrize("factors", [1, 2, 5])
def test_the_names_of_all_lines_are_inside_the_picture(factors):
    kinds = {"code": "code", "varying": "part", "common": "part", "pixels": "baseline", "untrained": "baseline"}
    names = list(kinds)
    told = {f"factor_{i}": {"mean": [0.5, 0.9], "std": [0.1, None]} for i in range(factors)}
    figure = draw({"labels": [1, "all"], "factors": {f: {"chance": 0.25} for f in told},
                   "representations": {n: {"kind": kind} for n, kind in kinds.items()},
                   "accuracy": {"linear": dict.fromkeys(names, told), "nearest": dict.fromkeys(names, told),
                                "network": {"pixels": told}}})
    figure.draw_without_rendering()
    box, page = figure.legends[0].get_window_extent(), figure.bbox
    assert {t.get_text() for t in figure.legends[0].get_texts()} == {*names, NETWORK}
    assert page.x0 <= box.x0 < box.x1 <= page.x1
    assert len([a for a in figure.axes if a.axison]) == 2 * factors
