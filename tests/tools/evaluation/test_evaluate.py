"""Whole evaluations of a tiny run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from PIL import Image

import unbraid
from unbraid import UnbraidError
from unbraid.data import open_data
from unbraid.runs import Run
from unbraid_plugins.tools.evaluation import Baselines, evaluate, evaluate_model, protocol_of, table, untrained
from unbraid_plugins.tools.evaluation.evidence import sample

MIXING = {
    "title": "tiny",
    "data": {"source": {"type": "sprites", "size": 16, "count": 400}, "draw": {"x": {}}, "batch": 8},
    "code": {"chunk": "3 x 4"},
    "networks": {"encoder": {"type": "conv_encoder", "width": 4}, "generator": {"type": "conv_generator", "width": 4}},
    "flow": {"f": "encoder(x)"},
    "players": {"autoencoder": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "mse(generator(f), x)"}}},
    "functions": {"encode(x)": "encoder(x)", "decode(f)": "generator(f)"},
    "train": {"steps": 5, "device": "cpu", "tensorboard": False},
}
VARIATIONAL = {
    **MIXING, "code": {"z": 3}, "data": {**MIXING["data"], "source": {"type": "shapes", "size": 16, "count": 400}},
    "networks": {"encoder": {"type": "vae.study_encoder"}, "generator": {"type": "vae.study_generator"}},
    "flow": {"q": "encoder(x)", "z": "sample(q)", "y": "generator(z)"},
    "players": {"vae": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "bernoulli(y, x)",
                                                                          "prior": "kl(q)"}}},
    "functions": {"encode(x)": "q.mean", "decode(z)": "sigmoid(y)"},
}


def trained(tree: dict[str, Any], folder: Path) -> Run:
    return unbraid.train(unbraid.make_recipe(tree), folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(MIXING, tmp_path_factory.mktemp("mixing") / "run")


@pytest.fixture(scope="module")
def result(run: Run) -> dict[str, Any]:
    return evaluate(run, images=100)


def test_an_evaluation_is_written_into_the_run(run: Run, result: dict[str, Any]) -> None:
    assert json.loads((run.folder / "evaluation.json").read_text()) == result
    assert (result["step"], result["split"], result["images"]) == (5, "test", 40)
    assert result["factors"] == {"skin": 5, "hair_style": 6, "hair_colour": 6, "shirt": 6, "trousers": 5, "pose": 5,
                                 "facing": 4}


def test_every_arm_has_its_metrics(result: dict[str, Any]) -> None:
    of_codes = {"retrieval_map", "nearest_neighbour_accuracy", "linear_probe", "mig", "dci", "sap", "modularity",
                "explicitness", "irs", "beta_vae_score", "factor_vae_score"}
    of_decoders = {"reconstruction_error", "live_factors", "swap_accuracy"}
    for name, arm in result["arms"].items():
        assert of_codes <= set(arm), name
        assert of_decoders & set(arm) == (of_decoders if name in ("model", "untrained") else set()), name
    assert list(result["arms"]) == ["model", "untrained", "pixels", "random", "perfect"]
    assert "oracles" in result["data"]
    for name, arm in result["arms"].items():
        chunks = list(result["factors"]) if name == "perfect" else ["chunk1", "chunk2", "chunk3"]
        assert arm["retrieval_map"]["chunks"] == chunks
        assert all(isinstance(metric["score"], float) for metric in arm.values())


def test_every_metric_says_what_it_is_and_how_sure(result: dict[str, Any]) -> None:
    assert set(result["metrics"]) == {"oracles", *(m for arm in result["arms"].values() for m in arm)}
    for said in result["metrics"].values():
        assert len(said["summary"]) > 10
        assert said["better"] in ("higher", "lower", "neither")
        assert said["cost"] >= 0
    assert list(result["intervals"]) == list(result["arms"])
    sure = {"mig", "modularity", "sap", "explicitness", "beta_vae_score", "factor_vae_score"}
    for name, intervals in result["intervals"].items():
        assert sure <= set(intervals)
        assert not {"dci", "irs"} & set(intervals)
        for metric, (low, high) in intervals.items():
            assert low <= result["arms"][name][metric]["score"] <= high, (name, metric)
        assert intervals["mig"][0] < intervals["mig"][1]
    floor, ceiling = (result["intervals"][name]["mig"] for name in ("random", "perfect"))
    assert floor[1] < ceiling[0]


def test_the_pictures_can_be_looked_at(result: dict[str, Any]) -> None:
    assert set(result["pictures"]) == {"map", "reconstructions", "swaps", "swap_grids", "traversals", "classes"}
    for path in result["pictures"].values():
        assert np.asarray(Image.open(path).convert("RGB")).std() > 1


def test_it_is_the_same_again(run: Run, result: dict[str, Any]) -> None:
    assert evaluate(run, images=100)["arms"] == result["arms"]


def test_an_untrained_twin_has_the_first_weights(run: Run) -> None:
    model = unbraid.load(run.folder)
    twin, again = untrained(model), untrained(model)
    images = np.random.default_rng(0).random((2, 3, 16, 16), np.float32)
    assert twin.code(images).tensor.equal(again.code(images).tensor)
    assert not twin.code(images).tensor.equal(model.code(images).tensor)


def test_other_models_can_stand_beside(run: Run) -> None:
    model = unbraid.load(run.folder)
    data = open_data(model.method.recipe.data)
    found = evaluate_model(model, data, images=40, others={"twin": model})
    assert list(found["arms"]) == ["model", "twin"]
    assert found["arms"]["model"] == found["arms"]["twin"]
    assert found["pictures"] == {}


def test_each_number_of_a_single_variational_factor_is_a_chunk(tmp_path: Path) -> None:
    found = evaluate(trained(VARIATIONAL, tmp_path / "run"), images=60)
    model = found["arms"]["model"]
    assert model["retrieval_map"]["chunks"] == ["z[0]", "z[1]", "z[2]"]
    assert len(model["kl_per_number"]["kl"]) == 3
    assert all(k > 0 for k in model["kl_per_number"]["kl"])


def test_without_factors_only_what_needs_none(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(20):
        pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    tree = {**MIXING, "data": {**MIXING["data"], "source": {"type": "folder", "path": str(folder), "size": 16}}}
    found = evaluate(trained(tree, tmp_path / "run"))
    assert {"reconstruction_error", "live_factors"} <= set(found["arms"]["model"])
    assert not {"mig", "retrieval_map"} & set(found["arms"]["model"])
    assert not {"random", "perfect"} & set(found["arms"])
    assert set(found["pictures"]) == {"reconstructions", "traversals"}
    assert "PSNR" in table([("run", found)])


def test_without_a_test_split_the_training_split_is_halved() -> None:
    recipe = unbraid.make_recipe({**MIXING, "data": {**MIXING["data"], "splits": {"train": 1.0}}})
    sampled = sample(open_data(recipe.data))
    assert sampled.split == "train"
    assert sampled.notes == ["there is no test split: measured on images of the training split"]
    assert len(sampled.images) == len(sampled.evidence["train_images"]) == 200
    both = np.concatenate([sampled.images, sampled.evidence["train_images"]])
    assert len(np.unique(both.reshape(400, -1), axis=0)) > 390           # no image is in both halves


def test_the_table_is_plain_without_a_terminal(result: dict[str, Any]) -> None:
    text = table([("one", result), ("two", result)], colour=False)
    assert text.isascii()
    assert "\x1b" not in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert [line.split("|")[1].strip() for line in text.splitlines() if "0." in line and "|" in line] == 2 * [
        name for run in ("one", "two") for name in (run, "untrained", "pixels", "random", "perfect")]
    low, high = result["intervals"]["model"]["mig"]
    assert f"{result['arms']['model']['mig']['score']:.3f}+-{(high - low) / 2:.3f}".replace("+-0.", "+-.") in text
    alone = table([("one", result)], colour=False)
    assert f"{result['arms']['model']['retrieval_map']['score']:.3f}" in alone
    assert "hair_style" in alone
    assert "\x1b" in table([("one", result)], colour=True)


def test_what_cannot_be_measured_is_said(run: Run) -> None:
    recipe = unbraid.make_recipe({**MIXING, "functions": {"encode(x)": "encoder(x)", "decode(f, x)": "generator(f)"}})
    model = untrained(attrs.evolve(unbraid.load(run.folder), method=attrs.evolve(unbraid.load(run.folder).method,
                                                                               recipe=recipe)))
    found = evaluate_model(model, open_data(recipe.data), images=40)
    assert {"retrieval_map", "mig"} <= set(found["arms"]["model"])
    assert not {"swap_accuracy", "reconstruction_error", "live_factors"} & set(found["arms"]["model"])
    assert found["notes"] == ["the model has no decode of a code alone: what needs it is not measured",
                              "leak_matrix is not measured: no two images differ in one factor alone: a leak matrix "
                              "needs the combinations of factors"]


def test_controls_are_measured_once_for_several_models(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = unbraid.load(run.folder), open_data(unbraid.load(run.folder).method.recipe.data)
    baselines, names = Baselines(), ["mig", "nearest_neighbour_accuracy"]
    first = evaluate_model(model, data, images=40, metrics=names, baselines=baselines)
    assert set(first["metrics"]) == set(names)
    measured = []
    monkeypatch.setattr(Baselines, "measured", lambda self, key, measure: measured.append(key) or self._kept[key])
    again = evaluate_model(model, data, images=40, metrics=names, baselines=baselines)
    assert len(measured) == 6                                # of the data, the model, its twin and three baselines
    assert again["arms"] == first["arms"]
    with pytest.raises(KeyError):                                    # other images are measured anew
        evaluate_model(model, data, images=30, metrics=names, baselines=baselines)


def test_a_metric_that_there_is_not(run: Run) -> None:
    model = unbraid.load(run.folder)
    with pytest.raises(UnbraidError, match=r"no metric 'mgi'(.|\n)*did you mean 'mig'"):
        evaluate_model(model, open_data(model.method.recipe.data), metrics=["mgi"])
    with pytest.raises(UnbraidError, match=r"no protocol 'studi'(.|\n)*did you mean 'study'"):
        protocol_of("studi")
