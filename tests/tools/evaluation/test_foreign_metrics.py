"""A metric of another distribution: declared, measured beside baselines, shown, added to earlier results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_life import Shelf
from tiny_autoencoder import tiny_autoencoder

from unbraid.engine import train
from unbraid.runs import Run
from unbraid_plugins.tools.evaluation import evaluate
from unbraid_plugins.tools.evaluation.score_table import table
from unbraid_registry import registry

SOURCE = '''
import numpy as np
from unbraid import hookimpl, metric

@metric{mark}
def spread(codes):
    """How far codes lie apart."""
    return float(codes.std())

@metric(better="higher")
def known(codes, chunks=None):
    """Fails where the chunks are the factors."""
    return float({{"z": 1.0}}[next(iter(chunks)).partition("[")[0]])

@metric(better="lower")
def repeated(functions, images):
    """How far an image is from what the recipe's function again(x) makes of it."""
    return float(((functions["again"](images) - images) ** 2).mean())

@hookimpl
def unbraid_components():
    return [spread, known, repeated]
'''
ONES = ["vid.spread", "vid.known"]


def source(mark: str = '(better="lower")') -> str:
    return SOURCE.format(mark=mark)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    functions = {"encode(x)": "encoder(x)", "decode(f)": "generator(f)", "again(x)": "generator(encoder(x))"}
    recipe = tiny_autoencoder("train.steps=2", f"functions={json.dumps(functions)}")
    return train(recipe, tmp_path_factory.mktemp("vid") / "run").folder


@pytest.fixture
def run(trained: Path, tmp_path: Path, shelf: Shelf) -> Run:
    shelf.install("vid", "1.0", source())
    folder = tmp_path / "run"
    folder.mkdir()
    for file in ("run.json", "recipe.yaml"):
        (folder / file).write_bytes((trained / file).read_bytes())
    shutil.copytree(trained / "checkpoints", folder / "checkpoints")
    return Run(folder)


def measured(run: Run, *metrics: str, images: int = 20, **options: Any) -> dict[str, Any]:
    return evaluate(run, metrics=metrics, images=images, **options)


@pytest.mark.parametrize(("mark", "told"), [
    ("", "doesn't say which score is better"),
    ('(better="more")', "'more' is none of higher, lower, neither"),
])
def test_a_direction_cannot_be_forgotten(shelf: Shelf, mark: str, told: str) -> None:
    shelf.install("vid", "1.0", source(mark))
    problem, = [p for p in registry().problems if p.plugin == "vid"]
    assert told in problem.message
    assert '@metric(better="higher")' in problem.remedy


def test_it_is_declared_and_shown(run: Run) -> None:
    result = measured(run, "vid.spread")
    assert result["metrics"]["vid.spread"]["better"] == "lower"
    row, = [line for line in table([("run", result)], colour=False).splitlines() if "vid.spread" in line]
    assert "factor" not in table([("run", result)], colour=False)      # nothing of ours was measured: no empty table
    score = result["arms"]["model"]["vid.spread"]["score"]
    assert row.replace("|", " ").split()[:3] == ["vid.spread", "lower", f"{score:.3f}"]
    assert json.loads((run.folder / "evaluation.json").read_text()) == result


def test_it_measures_any_function_of_the_recipe(run: Run) -> None:
    result = measured(run, "vid.repeated", "reconstruction_error")
    for arm in ("model", "untrained"):
        found = result["arms"][arm]
        assert found["vid.repeated"]["score"] == pytest.approx(found["reconstruction_error"]["mse"], rel=1e-4)
    assert not [arm for arm in ("pixels", "random", "perfect") if "vid.repeated" in result["arms"].get(arm, {})]


def test_one_that_fails_names_its_arm_and_line_and_the_others_go_on(run: Run) -> None:
    result = measured(run, *ONES)
    assert "vid.spread" in result["arms"]["perfect"]
    assert result["arms"]["model"]["vid.known"] == {"score": 1.0}
    told, = [note for note in result["notes"] if "vid.known" in note]
    line = next(n for n, text in enumerate(source().splitlines(), 1) if "partition" in text)
    assert told.startswith("the metric vid.known failed on perfect: KeyError: ")
    assert f"unbraid_vid.py:{line} in known, of the plugin 'vid' (unbraid-vid 1.0)" in told


def test_the_traceback_has_the_rest(run: Run, unbraid: Callable[..., Any]) -> None:
    options = ("evaluate", run.folder, "--metrics", "vid.known", "--images", 20, "--no-report")
    assert "Traceback" not in unbraid(*options).err
    said = unbraid(*options, "--traceback")
    assert said.code == 0
    assert 'partition("[")[0]' in said.err


def test_measurements_are_added_and_never_lost(run: Run, unbraid: Callable[..., Any]) -> None:
    measured(run, "reconstruction_error")
    before = json.loads((run.folder / "evaluation.json").read_text())["arms"]["model"]["reconstruction_error"]
    said = unbraid("evaluate", run.folder, "--metrics", "vid.spread", "--images", 20, "--no-report")
    assert "kept from before: reconstruction_error" in said.out
    assert [line for line in said.out.splitlines() if line.startswith("| vid.spread ")]
    after = json.loads((run.folder / "evaluation.json").read_text())
    assert after["arms"]["model"]["reconstruction_error"] == before
    assert after["metrics"]["reconstruction_error"]["of"] == after["metrics"]["vid.spread"]["of"]
    assert not [note for note in after["notes"] if "another state" in note]


def test_another_state_is_marked(run: Run) -> None:
    measured(run, "reconstruction_error")
    result = measured(run, "vid.spread", seed=3)
    assert "measured earlier, on another state: reconstruction_error (seed 0, now 3)" in result["notes"]
    again = measured(run, "reconstruction_error", "vid.spread", seed=3)
    assert not [note for note in again["notes"] if "another state" in note]
    assert again["kept"] == []


def test_one_that_is_gone_is_kept(run: Run, shelf: Shelf) -> None:
    measured(run, "vid.spread")
    shelf.uninstall("vid")
    assert "vid.spread" in measured(run, "reconstruction_error")["arms"]["model"]


def test_a_damaged_evaluation_is_not_replaced(run: Run, unbraid: Callable[..., Any]) -> None:
    (run.folder / "evaluation.json").write_text("{")
    said = unbraid("evaluate", run.folder, "--metrics", "vid.spread", "--images", 20, "--no-report")
    assert said.code == 2
    assert "can't read the earlier evaluation" in said.err
    assert (run.folder / "evaluation.json").read_text() == "{"


def test_judges_are_trained_only_where_something_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model without `encode` has nothing to judge: the oracles would be trained for nothing."""
    from unbraid_plugins.shared.metrics.edits import oracles as module

    def trained(*_: Any, **__: Any) -> Any:
        raise AssertionError("oracles were trained")

    monkeypatch.setattr(module, "_trained", trained)
    run = train(tiny_autoencoder("train.steps=1", 'functions={"paint(f)": "generator(f)"}'), tmp_path / "run")
    result = evaluate(run, images=20)
    assert "oracles" not in result["data"]
    assert not [note for note in result["notes"] if "failed" in note]
