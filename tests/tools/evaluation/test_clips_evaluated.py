"""Evaluation and probe of clips: what a clip shares, frames, numbers, analogies, forecasts; on a file never seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.datasets import load_digits
from tiny_clips import TINY

from unbraid import load, make_recipe, train
from unbraid.data import open_data
from unbraid_plugins.tools.evaluation import evaluate_model
from unbraid_plugins.tools.evaluation.clip_evidence import of_analogies, of_clips
from unbraid_plugins.tools.evaluation.evidence import sample
from unbraid_plugins.tools.evaluation.function_evidence import of_functions

OURS = ["number_regression", "chunk_probe", "clip_retrieval", "analogy_error", "prediction_error"]
FEW = ["--images", "120", "--test-images", "30"]


@pytest.fixture(scope="module")
def evaluated(drnet: Path) -> dict[str, Any]:
    model = load(drnet)
    return evaluate_model(model, open_data(model.method.recipe.data), metrics=OURS, images=60)


def test_clips_give_evidence(drnet: Path) -> None:
    model = load(drnet)
    data = open_data(model.method.recipe.data)
    sampled = sample(data)
    assert list(sampled.classes) == ["frame", "glyph", "colour"]       # a clip's number is no factor
    assert sampled.numbers == {"x": 1, "y": 1}
    assert sampled.evidence["shared_factors"] == ["glyph", "colour"]  # by `same: clip`, all that is constant in one
    assert sampled.evidence["numbers"]["x"].shape == (len(sampled.images), 1)
    assert sampled.evidence["oracle_numbers"]["y"].dtype == float
    found = of_clips(data, sampled, 0)
    clips = len(np.unique(data.images_of["source"].fields["clip"].values[data.rows("test")]))
    assert found["films"].shape == (clips, 8, 3, 16, 16)
    assert set(found["film_factors"]) == {"glyph", "colour"}
    functions = of_functions(model, sampled)
    assert {"analogy", "paint"} & functions["functions"].keys() == {"analogy"}
    assert functions["film_functions"]["predict"].frames == 4
    assert functions["film_functions"]["predict"](found["films"][:, :4]).shape == (clips, 3, 3, 16, 16)


def test_a_set_without_training_images_gives_evidence(drnet: Path) -> None:
    clips = attrs.evolve(load(drnet).method.recipe.data, splits={"test": 1.0})
    sampled = sample(open_data(clips))
    assert sampled.evidence["oracle_numbers"]["x"].shape == (0, 1)
    assert sampled.evidence["numbers"]["x"].shape == (len(sampled.images), 1)


def test_analogies_are_images_that_the_data_has(drnet: Path) -> None:
    data = open_data(load(drnet).method.recipe.data)
    sampled = sample(data)
    three = of_analogies(data, sampled, 0)["analogies"]
    images = data.images_of["source"]
    rows = data.rows("test")
    known = {images.read(rows[i:i + 1]).tobytes(): int(row) for i, row in enumerate(rows)}
    fields = {name: images.fields[name].values for name in ("glyph", "colour", "x", "y", "frame")}
    assert len(three["truth"]) > 10
    for shared, varying, truth in zip(*(three[n] for n in ("shared", "varying", "truth")), strict=True):
        a, b, c = (known[(v * 255).round().astype(np.uint8).tobytes()] for v in (shared, varying, truth))
        assert all(fields[n][c] == fields[n][a] for n in ("glyph", "colour"))
        assert all(fields[n][c] == fields[n][b] for n in ("x", "y", "frame"))


def test_metrics_of_clips_are_measured_beside_an_untrained_model(evaluated: dict[str, Any]) -> None:
    model = evaluated["arms"]["model"]
    assert evaluated["numbers"] == {"x": 1, "y": 1}
    assert set(OURS) <= model.keys()
    assert model["number_regression"]["chunks"] == ["content", "pose", "code"]
    assert len(model["prediction_error"]["psnr"]) == 3
    assert model["analogy_error"]["shared_from"] == {"analogy": "x"} or model["analogy_error"]["score"] > 0
    assert evaluated["metrics"]["analogy_error"]["better"] == "lower"


# -- a file that nobody has seen ---------------------------------------------------------------------------------------


def two_bouncing_digits(path: Path, clips: int = 24, frames: int = 8) -> None:
    """Two digits of 24 pixels that bounce in 64 x 64: video, positions_xy in pixels, labels."""
    rng, digits = np.random.default_rng(0), load_digits()
    video = np.zeros((clips, frames, 64, 64), np.uint8)
    positions, labels = np.zeros((clips, frames, 2, 2), np.float32), np.zeros((clips, 2), np.int64)
    for c in range(clips):
        for d in range(2):
            chosen = rng.integers(len(digits.images))
            picture = (digits.images[chosen] * 15.9).astype(np.uint8).repeat(3, 0).repeat(3, 1)
            labels[c, d] = digits.target[chosen]
            place, speed = rng.uniform(0, 40, 2), rng.uniform(2, 5, 2) * rng.choice([-1, 1], 2)
            for t in range(frames):
                x, y = place.round().astype(int)
                video[c, t, y:y + 24, x:x + 24] = np.maximum(video[c, t, y:y + 24, x:x + 24], picture)
                positions[c, t, d] = x, y
                speed = np.where((place + speed < 0) | (place + speed > 40), -speed, speed)
                place = place + speed
    np.savez(path, video=video, positions_xy=positions, labels=labels)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the bundled recipe on the file, by overrides alone."""
    folder = tmp_path_factory.mktemp("digits")
    two_bouncing_digits(folder / "digits.npz")
    tiny = {key: TINY[key] for key in ("networks", "players", "train")}
    recipe = make_recipe({"base": "drnet-sprites", **tiny},
                         [f"data.source={{type: npz, path: {folder / 'digits.npz'}}}", "data.draw.film.frames=6",
                          "data.batch=8", "code={content: 8, pose: 6}", "data.workers=0", "train.picture_every=1000",
                          "data.splits={train: 0.7, test: 0.3}"])
    return train(recipe, folder / "run").folder


def test_a_file_of_clips_trains_by_an_override_and_is_evaluated(digits: Path, unbraid) -> None:
    said = unbraid("evaluate", digits, "--no-report", "--images", "24", "--metrics", ",".join(OURS), "--json")
    assert said.code == 0, said.err
    found = json.loads((digits / "evaluation.json").read_text())
    assert found["numbers"] == {"positions_xy": 4}
    assert list(found["factors"]) == ["label1", "label2", "frame"]
    model = found["arms"]["model"]
    r2 = dict(zip(model["number_regression"]["chunks"], model["number_regression"]["linear"][0], strict=True))
    assert r2.keys() == {"content", "pose", "code"}
    assert found["arms"]["perfect"]["number_regression"]["score"] > 0.99
    assert model["prediction_error"]["seen"] >= 1
    assert "analogy_error" not in model                               # no frame of the file shows the analogy
    table = unbraid("evaluate", digits, "--no-report", "--images", "24", "--metrics", "number_regression")
    assert "positions_xy" in table.out
    assert "R2 pose" in table.out


def test_the_probe_regresses_positions_on_the_pose(digits: Path, unbraid) -> None:
    said = unbraid("probe", digits, "--labels", "5,all", "--draws", "2", *FEW, "--json")
    assert said.code == 0, said.err
    found = json.loads((digits / "probe.json").read_text())
    assert found["numbers"]["positions_xy"]["components"] == 4
    assert found["numbers"]["positions_xy"]["labelled"][0] == 5
    assert {"content", "pose", "pixels", "untrained"} <= found["r2"]["linear"].keys()
    assert all(len(found["r2"][kind]["pose"]["positions_xy"]["mean"]) == 2 for kind in ("linear", "nearest"))
    few, many = found["r2"]["nearest"]["pixels"]["positions_xy"]["mean"]
    assert many > few
    table = unbraid("probe", digits, "--labels", "all", *FEW)
    assert "R2 of numbers" in table.out
    assert "R2 of a linear regression" in (digits / "report.html").read_text(encoding="utf-8")
