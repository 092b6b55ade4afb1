"""What a model's classifier says: by hand, and of pure classifiers with two domains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import unbraid
from unbraid.data import Data, open_data
from unbraid.model import Model, build_method
from unbraid_plugins.shared.metrics import classification_accuracy
from unbraid_plugins.tools.evaluation import Baselines, evaluate_model, table
from unbraid_plugins.tools.evaluation.predictions import factor_of

KIND = np.asarray([0, 0, 0, 1, 1, 2, -1])
NAMED = np.asarray([0, 0, 1, 1, 1, 1, 2])


def test_accuracy_chance_and_what_is_taken_for_what() -> None:
    found = classification_accuracy({"kind": NAMED}, {"kind": KIND, "other": KIND})
    assert found.accuracy == {"kind": pytest.approx(4 / 6)}
    assert found.score == pytest.approx(4 / 6)
    assert found.chance == {"kind": pytest.approx(3 / 6)}
    assert found.images == {"kind": 6}
    assert found.confusion["kind"].tolist() == [[2, 1, 0], [0, 2, 0], [0, 1, 0]]
    assert found.by_class["kind"] == pytest.approx([2 / 3, 1, 0])


def test_scores_are_no_less_than_classes_and_may_know_more_of_them() -> None:
    scores = np.eye(4)[NAMED] * 5 - 10                                    # no probabilities; the class 3 has no images
    found, same = (classification_accuracy({"kind": p}, {"kind": KIND}, resamples=50) for p in (scores, NAMED))
    assert found.score == same.score
    assert found.resampled.tolist() == same.resampled.tolist()
    assert found.confusion["kind"].shape == (4, 4)
    assert np.isnan(found.by_class["kind"][3])


def test_the_interval_is_that_of_a_share() -> None:
    random = np.random.default_rng(0)
    kind = random.integers(3, size=900)
    named = np.where(random.random(900) < 0.8, kind, (kind + 1) % 3)
    found = classification_accuracy({"kind": named}, {"kind": kind}, resamples=400)
    expected = np.sqrt(found.score * (1 - found.score) / 900)
    assert found.resampled.std() == pytest.approx(expected, rel=0.15)
    assert found.resampled.mean() == pytest.approx(found.score, abs=0.002)


@pytest.mark.parametrize(("predicted", "says"), [
    ({"kidn": NAMED}, "'kidn' is no factor"),
    ({"kind": NAMED[:3]}, r"shape \(3,\); expected \(7, classes\)"),
    ({"kind": np.full((7, 3), np.nan)}, "not finite"),
])
def test_what_is_no_prediction(predicted: dict[str, np.ndarray], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        classification_accuracy(predicted, {"kind": KIND})


def test_unknown_classes_alone() -> None:
    with pytest.raises(ValueError, match="no image's class of 'kind' is known"):
        classification_accuracy({"kind": NAMED}, {"kind": np.full(7, -1)})


# -- of models ---------------------------------------------------------------------------------------------------------


def domain(path: Path, shift: int, count: int = 90) -> Path:
    """Stripes at one of three heights; in the other domain what is at one height is named by the next."""
    kind = np.arange(count) % 3
    images = np.zeros((count, 12, 12), np.uint8)
    images[np.arange(count), 4 * kind] = 255
    np.savez(path, images=images, kind=(kind + shift) % 3, mirror=(kind + 2 * shift) % 3, half=kind // 2)
    return path


class Rows(nn.Module):
    """Scores of three classes: the brightness of three rows."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0, ::4].mean(2)


NETS = {True: {"type": "mlp", "out": 3, "hidden": [4]},
        False: {"type": "mlp_critic", "heads": ["kind", "mirror"], "hidden": [4]}}


def opened(tmp_path: Path, classify: str = "net(x)", minimized: str = "cross_entropy(net(x), x.kind)",
           ) -> tuple[Model, Data]:
    recipe = unbraid.make_recipe({
        "data": {"sources": {"a": {"type": "npz", "path": str(domain(tmp_path / "a.npz", 0))},
                             "b": {"type": "npz", "path": str(domain(tmp_path / "b.npz", 1))}},
                 "draw": {"x": {"from": "a"}}, "batch": 4, "workers": 0},
        "networks": {"net" if "net" in classify else "heads": NETS["net" in classify]},
        "functions": {"classify(x)": classify},
        "players": {"classifier": {"trains": ["net" if "net" in classify else "heads"],
                                   "minimizes": {"name": minimized}}}})
    data = open_data(recipe.data)
    method = build_method(recipe, data.facts)
    return Model(method, {name: Rows() for name in method.modules}), data


@pytest.mark.parametrize(("source", "accuracy"), [("a", 1.0), ("b", 0.0)])
def test_a_pure_classifier_is_measured_in_either_domain(tmp_path: Path, source: str, accuracy: float) -> None:
    model, data = opened(tmp_path)
    result = evaluate_model(model, data, source=source, metrics=["classification_accuracy"])
    found = result["arms"]["model"]["classification_accuracy"]
    assert found["accuracy"] == {"kind": accuracy}
    assert result["intervals"]["model"]["classification_accuracy"] == [accuracy, accuracy]
    assert "| 1.000 |" in table([("run", result)]) if accuracy else "| 0.000 |"


def test_an_untrained_twin_classifies_too(tmp_path: Path) -> None:
    model, data = opened(tmp_path)
    arms = evaluate_model(model, data, baselines=Baselines(), metrics=["classification_accuracy"])["arms"]
    assert list(arms) == ["model", "untrained"]
    assert arms["untrained"]["classification_accuracy"]["score"] < 1


@pytest.mark.parametrize(("classify", "minimized", "factor"), [
    ("net(x)", "cross_entropy(net(x), x.mirror)", "mirror"),              # what the losses are told
    ("heads(x).kind", "cross_entropy(heads(x).kind, x.kind) + cross_entropy(heads(x).mirror, x.mirror)", "kind"),
    ("net(x)", "cross_entropy(net(x), x.kind) + cross_entropy(net(x), x.mirror)", None),
    ("net(x)", "mse(net(x), net(x))", None),
])
def test_which_factor_a_classifier_speaks_of(tmp_path: Path, classify: str, minimized: str, factor: str | None) -> None:
    model, _ = opened(tmp_path, classify, minimized)
    assert factor_of(model, {"kind": 3, "mirror": 3, "half": 30}, 3) == factor
    assert factor_of(model, {"kind": 4, "mirror": 3, "half": 30}, 3) == "mirror"
    assert factor_of(model, {"kind": 4, "mirror": 4, "half": 30}, 3) is None


def test_a_note_where_that_is_not_clear(tmp_path: Path) -> None:
    model, data = opened(tmp_path, minimized="mse(net(x), net(x))")
    result = evaluate_model(model, data, metrics=["classification_accuracy"])
    assert result["arms"]["model"] == {}
    assert any("which factor of the images `classify` speaks of" in note for note in result["notes"])
