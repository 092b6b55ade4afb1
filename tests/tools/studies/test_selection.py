"""Choosing without labels: models whose codes are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from unbraid import UnbraidError, load
from unbraid.data import open_data
from unbraid.model import build_method
from unbraid.runs.checkpoint import Checkpoint, flat, write
from unbraid_configs import dump_recipe
from unbraid_plugins.shared.metrics import udr
from unbraid_plugins.tools.studies import Plan, Study
from unbraid_plugins.tools.studies.groups import groups_of
from unbraid_plugins.tools.studies.points import Point
from unbraid_plugins.tools.studies.scores import rows_of_study
from unbraid_plugins.tools.studies.udr import agreement, rank

FACTORS = 3
NARROW, WIDE = -4.0, 0.0                           # log-variances of a number that tells much, and nothing


@pytest.fixture
def study(small: Path, tmp_path: Path) -> Study:
    """At beta 1 every seed finds the three factors, in another order; at beta 4 each mixes them in its own way."""
    return linear_models(small, tmp_path, ["weights.beta=1,4", "seed=0..3"], weights_of)


def weights_of(point: Point) -> np.ndarray:
    rng = np.random.default_rng(int(point.seed or 0))
    if dict(point.values)["weights.beta"] == "1":
        return np.eye(FACTORS)[rng.permutation(FACTORS)]
    return np.linalg.qr(rng.normal(size=(FACTORS, FACTORS)))[0]


def linear_models(small: Path, tmp_path: Path, arguments: list[str], weights: Callable[[Point], np.ndarray],
                  log_variance: float = NARROW) -> Study:
    """A study whose encoders are linear in the three pixels that are the images' factors."""
    images = np.zeros((300, 8, 8, 1), np.uint8)
    images[:, 0, :FACTORS, 0] = np.random.default_rng(1).integers(0, 256, (300, FACTORS))
    np.savez(tmp_path / "noise.npz", images=images)
    study = Study(tmp_path / "study")
    plan = study.begin(Plan.of([str(small)], ["networks.encoder.hidden=[]", *arguments]))
    for point in plan.points:
        run, recipe = study.run(point), plan.recipe(point)
        data = open_data(recipe.data)
        method = build_method(recipe, data.facts)
        layer = next(m for m in method.modules["encoder"].modules() if isinstance(m, torch.nn.Linear))
        with torch.no_grad():
            layer.weight.zero_()
            layer.weight[:FACTORS, :FACTORS] = torch.as_tensor(weights(point))
            layer.bias[FACTORS:] = log_variance
        tensors = flat({name: module.state_dict() for name, module in method.modules.items()})
        run.folder.mkdir(parents=True)
        write(run.checkpoints, Checkpoint(6, {"networks": tensors}))
        run.recipe_file.write_text(dump_recipe(recipe))
        run.write_record({"data": data.facts.to_json(), "sessions": [{"exit": "finished"}]})
        good = 1.0 if dict(point.values).get("weights.beta") == "1" else 0.1
        (run.folder / "evaluation.json").write_text(json.dumps(
            {"step": 6, "arms": {"model": {"mig": {"score": good + 0.01 * int(point.seed or 0)}}}}))
    return study


@pytest.mark.parametrize("similarity", ["lasso", "spearman"])
def test_what_every_seed_finds_again_is_ranked_first(study: Study, similarity):
    rows, _ = rows_of_study(study)
    ranked, notes = rank(groups_of(rows), images=250, similarity=similarity)
    assert [r.group.label for r in ranked] == ["weights.beta=1", "weights.beta=4"]
    assert notes == []
    assert ranked[0].score > 0.8 > 0.6 > ranked[1].score
    assert set(ranked[1].models) == {f"weights.beta=4,seed={i}" for i in range(4)}


def test_it_is_the_metric_of_the_codes_of_the_same_images(study: Study):
    rows, _ = rows_of_study(study)
    group = groups_of(rows)[1]
    ranked, _ = rank([group], images=300, similarity="spearman")
    images = np.load(study.folder.parent / "noise.npz")["images"].transpose(0, 3, 1, 2)
    codes = [load(row.run.folder).code(images).tensor.numpy() for row in group.rows]
    assert list(ranked[0].models.values()) == pytest.approx(udr(codes).by_model.tolist(), abs=1e-5)


def test_numbers_that_tell_nothing_do_not_count(small: Path, tmp_path: Path):
    """With every mean 0 and every variance 1 the KL is 0: there is nothing that could be found again."""
    study = linear_models(small, tmp_path, ["seed=0..1"], lambda point: 1e-3 * np.eye(FACTORS), WIDE)
    ranked, _ = rank(groups_of(rows_of_study(study)[0]), images=200)
    assert ranked[0].score == 0


def test_a_ranking_is_kept_with_the_study(study: Study, unbraid):
    said = unbraid("compare", "study", "--select", "udr", "--images", 200)
    assert said.code == 0
    assert said.out.index("weights.beta=1") < said.out.index("weights.beta=4")
    assert "Rank correlation of UDR with what labels say" in said.out
    found = json.loads((study.folder / "results.json").read_text())["udr"]
    assert (found["similarity"], found["images"]) == ("lasso", 200)
    assert found["settings"][0]["setting"] == "weights.beta=1"
    assert found["agreement"]["mig"]["of_models"] == 8
    assert "udr" in (study.folder / "table.csv").read_text().splitlines()[0]
    assert unbraid("compare", "study", "--metric", "udr").out.splitlines()[1].startswith("weights.beta=1")
    write(study.runs / "weights.beta=1,seed=0/checkpoints", Checkpoint(7, {}))
    assert "  3  " in unbraid("compare", "study", "--metric", "udr").out.splitlines()[1]    # that model is another now


def test_how_the_ranking_agrees_with_labels(study: Study):
    from unbraid_plugins.tools.studies.scores import UDR, with_scores

    rows, _ = rows_of_study(study)
    rows = with_scores(rows, UDR, {row.name: row.score("mig") ** 3 for row in rows})
    assert agreement(rows, groups_of(rows)) == {"mig": {"models": pytest.approx(1.0), "of_models": 8, "settings": None,
                                                        "of_settings": 2}}


def test_a_single_model_is_not_ranked(small: Path, tmp_path: Path, unbraid):
    linear_models(small, tmp_path, ["weights.beta=1,4"], lambda point: np.eye(FACTORS))
    said = unbraid("compare", "study", "--select", "udr")
    assert said.code == 2
    assert "weights.beta=1 has 1 model: ranked are two or more" in said.err
    assert "no setting has two models" in said.err


def test_codes_of_different_size_are_not_compared(small: Path, tmp_path: Path):
    study = linear_models(small, tmp_path, ["code.z=3,4", "seed=0..1"], lambda point: np.eye(FACTORS))
    rows, _ = rows_of_study(study)
    with pytest.raises(UnbraidError, match="codes of 3 and 4 numbers"):
        rank(groups_of(rows, "seed"), images=50)
