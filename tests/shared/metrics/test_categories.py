"""Categorical codes as clusters, codes told from images, classes made: by hand, and of a run beside baselines."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from unbraid.data import open_data
from unbraid.model import Model, build_method
from unbraid_configs import load_recipe
from unbraid_plugins.papers.infogan import category_accuracy, code_recovery, made_classes
from unbraid_plugins.shared.metrics.edits.oracles import Oracles
from unbraid_plugins.tools.evaluation import evaluate_model
from unbraid_plugins.tools.evaluation.baselines import at_random, of_pixels
from unbraid_plugins.tools.evaluation.encoded import of_model
from unbraid_plugins.tools.evaluation.evidence import sample

CATEGORIES = {"c1": (1, 4)}


def one_hot(classes: np.ndarray, k: int = 3) -> np.ndarray:
    return np.concatenate([np.zeros((len(classes), 1)), np.eye(k)[classes]], 1)


# -- category_accuracy -------------------------------------------------------------------------------------------------


def test_a_renamed_category_is_perfect_and_unknown_images_do_not_count():
    kind = np.asarray([0, 1, 2, 0, 1, 2, -1])
    found = category_accuracy(one_hot(np.asarray([2, 0, 1, 2, 0, 1, 1])), {"kind": kind}, CATEGORIES)
    assert found.score == 1
    assert found.nmi[0, 0] == pytest.approx(1)
    assert found.best == {"kind": "c1"}
    assert found.chance == {"kind": pytest.approx(1 / 3)}


def test_one_category_for_two_classes_names_one_of_them():
    kind = np.asarray([0, 0, 1, 1, 2, 2])
    found = category_accuracy(one_hot(np.asarray([0, 0, 0, 0, 1, 2])), {"kind": kind}, CATEGORIES)
    assert found.score == pytest.approx(3 / 6)


def test_every_factor_takes_its_best_category():
    a, b = np.random.default_rng(0).integers(3, size=(2, 600))
    codes = np.concatenate([one_hot(a), np.eye(3)[b]], 1)
    found = category_accuracy(codes, {"b": b, "a": a}, {"c1": (1, 4), "c2": (4, 7)})
    assert found.best == {"b": "c2", "a": "c1"}
    assert found.matrix.diagonal().max() < 0.45
    assert found.score == 1


# -- code_recovery -----------------------------------------------------------------------------------------------------


def test_what_is_told_in_nats():
    drawn = one_hot(np.arange(3000) % 3)
    drawn[:, 0] = np.random.default_rng(0).uniform(-1, 1, 3000)
    chunks = {"c2": (0, 1), **CATEGORIES}
    all_ = code_recovery(drawn, drawn, CATEGORIES, chunks)
    assert all_.information["c1"] == pytest.approx(math.log(3)) == all_.ceiling["c1"]
    assert all_.explained == {"c2": pytest.approx(1)}
    assert all_.score == pytest.approx(1)
    merged = drawn.copy()                                   # two classes look the same: H(1/3, 2/3) is left
    merged[:, 1:] = np.eye(3)[np.minimum(np.arange(3000) % 3, 1)]
    told = code_recovery(drawn, merged, CATEGORIES).information["c1"]
    assert told == pytest.approx(math.log(3) - 2 / 3 * math.log(2))
    none = code_recovery(drawn, np.random.default_rng(1).permutation(drawn), CATEGORIES, chunks)
    assert none.information["c1"] < 0.01
    assert none.explained["c2"] < 0.01
    constant = code_recovery(drawn, np.ones_like(drawn), CATEGORIES, chunks)
    assert (constant.score, constant.explained["c2"]) == (0, 0)


# -- made_classes ------------------------------------------------------------------------------------------------------


def judge(classes: np.ndarray) -> Oracles:
    return Oracles({}, {}, 1.0, lambda images: {"kind": classes})


def test_a_collapse_is_seen_however_well_codes_are_told():
    drawn, labels, images = np.arange(300) % 3, {"kind": np.arange(9) % 3}, np.zeros((300, 1, 2, 2))
    alive = made_classes(one_hot(drawn), images, CATEGORIES, labels, judge((drawn + 1) % 3))
    assert alive.made == {"kind": 3}
    assert alive.effective["kind"] == pytest.approx(3)
    assert alive.consistent == {"kind": 1}
    assert alive.score == 1
    collapsed = made_classes(one_hot(drawn), images, CATEGORIES, labels, judge(np.ones(300, int)))
    assert collapsed.made == {"kind": 1}
    assert collapsed.effective["kind"] == pytest.approx(1)
    assert collapsed.consistent == {"kind": pytest.approx(1 / 3)}
    assert collapsed.score == pytest.approx(1 / 3)
    rare = np.where(np.arange(300) < 2, 2, drawn % 2)       # less than 1 % of them
    assert made_classes(one_hot(drawn), images, CATEGORIES, labels, judge(rare)).made == {"kind": 2}


# -- as the evaluation calls them --------------------------------------------------------------------------------------


def test_an_evaluation_measures_categories_beside_k_means(tmp_path: Path):
    """Three kinds of stripes that any k-means can tell, and a network that can't yet."""
    kind = np.arange(120) % 3
    images = np.zeros((120, 12, 12), np.uint8)
    images[np.arange(120), 4 * kind] = 255
    np.savez(tmp_path / "stripes.npz", images=images, labels=kind)
    recipe = load_recipe("infogan-mnist", [
        f"data.source={{type: npz, path: {tmp_path / 'stripes.npz'}}}", "data.batch=8", "data.workers=0",
        "code.z=4 uniform", "code.c1=3 classes", "networks.generator={width: 2, hidden: 8}",
        "networks.trunk={width: 2, hidden: 8}"])
    data = open_data(recipe.data, seed=0)
    method = build_method(recipe, data.facts)
    model = Model(method, method.modules)
    metrics = ["category_accuracy", "code_recovery", "made_classes"]
    found = evaluate_model(model, data, metrics=metrics)["arms"]["model"]
    assert set(found) == set(metrics)
    assert found["code_recovery"]["ceiling"]["c1"] == pytest.approx(math.log(3), abs=1e-5)
    assert found["made_classes"]["classes"] == {"label": 3}
    sampled = sample(data)
    own, factors = of_model(model, sampled), sampled.evidence["factors"]
    assert own["drawn_codes"].shape == own["told_codes"].shape == (1000, 9)
    for baseline, least, most in ((of_pixels, 1, 1), (at_random, 0.3, 0.95)):
        codes = baseline(own, sampled, 0)
        assert least <= category_accuracy(codes["codes"], factors, codes["categories"]).score <= most
