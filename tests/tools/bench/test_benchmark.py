"""`unbraid bench`: cells are trained once, on equal terms, and all that happened stands on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unbraid_plugins.tools.studies import Study


def results() -> dict[str, Any]:
    return json.loads(Path("out/results.json").read_text())


def trained(commands: list[list[str]]) -> list[str]:
    return [command[command.index("--out") + 1] for command in commands if command[0] == "train"]


def test_a_quick_benchmark_trains_each_cell_once(suite: Path, commands: list[list[str]], unbraid):
    first = unbraid("bench", suite, "--quick", "--methods", "mixing", "--out", "out", "--jobs", 1)
    assert first.code == 0, first.err
    assert trained(commands) == ["out/cells/mixing@figures/runs/seed=0"]
    cell = results()["cells"]["mixing@figures"]
    assert cell["steps"] == 20
    assert cell["seconds"][0] > 0
    assert cell["scores"].keys() == cell["untrained"].keys() == {"retrieval", "rebuilt", "labels"}
    page = Path("out/results.md").read_text()
    assert "mixing is not trained on clips: figures are enough." in page
    assert unbraid("bench", suite, "--quick", "--methods", "mixing", "--out", "out").code == 0
    assert len(trained(commands)) == 1                                # what is done is not done again


def test_rates_are_chosen_without_test_images(suite: Path, commands: list[list[str]], unbraid):
    """The tries' test images are the validation split; they were not in the measured runs' test split."""
    from unbraid.data import open_data

    text = suite.read_text().replace("probe: {labels: [2]}\n", "")
    suite.write_text(text.replace("probe.linear.2", "retrieval_map"))
    said = unbraid("bench", suite, "--methods", "mixing", "--seeds", 1, "--out", "out", "--jobs", 1)
    assert said.code == 0, said.err
    assert [place.split("/")[1] for place in trained(commands)] == ["timing", "tuning", "tuning", "cells"]
    cell = results()["cells"]["mixing@figures"]
    assert cell["tries"].keys() == {"1", "10"}
    assert cell["rate"] == max((1, 10), key=lambda rate: cell["tries"][f"{rate}"])
    rows = {}
    for part in ("tuning", "cells"):
        study = Study.at(Path("out", part, "mixing@figures"))
        data = open_data(study.plan().recipe(study.plan().points[0]).data)
        rows[part] = {split: set(data.rows(split).tolist()) for split in data.facts.sources["source"].splits}
        data.close()
    assert rows["tuning"]["train"] == rows["cells"]["train"]
    assert rows["tuning"]["test"] == rows["cells"]["validation"]
    assert not (rows["tuning"]["train"] | rows["tuning"]["test"]) & rows["cells"]["test"]


@pytest.mark.parametrize(("old", "new", "arguments", "message"), [
    ("", "", ["nowhere"], "there is no suite 'nowhere'"),
    ("", "", ["suite.yaml", "--methods", "mixin"], "has no method 'mixin'"),
    ("blind: {clips: \"figures are enough\"}", "blind: {}", ["suite.yaml"], "says nothing about the data clips"),
    ("type: sprites, size: 16, count: 120, only:", "type: folder, path: nowhere, keep:", ["suite.yaml"], "data.source"),
    ("recipe: ./tiny.yaml", "recipe: minxing", ["suite.yaml"], "no recipe is called 'minxing'"),
    ("budget: 0.3", "budgets: 0.3", ["suite.yaml"], "budgets"),
])
def test_a_wrong_suite_is_one_error_before_anything_is_trained(old: str, new: str, arguments: list[str], message: str,
                                                               suite: Path, commands: list[list[str]], unbraid):
    suite.write_text(suite.read_text().replace(old, new))
    said = unbraid("bench", *arguments, "--out", "out")
    assert said.code == 2
    assert message in said.err
    assert not commands
    assert "Traceback" not in said.err


def test_a_cell_that_fails_is_told_stops_no_other_and_is_tried_again(suite: Path, commands: list[list[str]], unbraid):
    Path("broken").write_text("mixing@figures")
    said = unbraid("bench", suite, "--quick", "--out", "out", "--jobs", 1)
    assert said.code == 2
    assert "mixing@figures failed" in said.err
    found = results()["cells"]
    assert [cell["missing"] for cell in found.values()] == [1, 0]
    page = Path("out/results.md").read_text()
    assert "| mixing † |" in page
    assert "mixing@figures: 1 of 1 seeds have no result" in page
    Path("broken").unlink()
    before = len(trained(commands))
    assert unbraid("bench", suite, "--quick", "--out", "out", "--jobs", 1).code == 0
    assert trained(commands)[before:] == ["out/cells/mixing@figures/runs/seed=0"]
    assert [cell["missing"] for cell in results()["cells"].values()] == [0, 0]


def test_other_settings_are_another_benchmark(suite: Path, commands: list[list[str]], unbraid):
    assert unbraid("bench", suite, "--quick", "--only-page", "--out", "out").code == 0
    said = unbraid("bench", suite, "--quick", "--budget", 5, "--only-page", "--out", "out")
    assert said.code == 2
    assert "other settings: budget" in said.err
    assert not commands


@pytest.mark.parametrize(("recipe", "told"), [
    ("mixing-sprites", []),
    ("beta-vae-shapes", []),
    ("challenges-sprites", ["pairs of images that share skin, hair_style and hair_colour"]),
    ("mathieu-sprites", ["pairs of images that share skin, hair_style and hair_colour",
                         "of every image: skin, hair_style, hair_colour"]),
    ("drnet-sprites", ["clips: which images are frames of one", "clips: the order of their frames"]),
    ("unit-sprites", ["images of 2 kinds, sorted by kind"]),
])
def test_annotation_is_read_off_the_recipe(recipe: str, told: list[str]):
    from unbraid_configs import load_recipe
    from unbraid_plugins.tools.bench import annotation_of

    assert annotation_of(load_recipe(recipe)) == told


def logged(*lines: dict[str, float]):
    """A run of mixing-sprites with this log."""
    from unbraid.runs import Run
    from unbraid_configs import load_recipe

    class Logged(Run):
        def recipe(self, overrides=()):
            return load_recipe("mixing-sprites")

        def metrics(self):
            return list(lines)

    return Logged(Path("nowhere"))


def test_an_adversary_at_chance_is_marked():
    from unbraid_plugins.tools.bench.results import at_chance

    assert at_chance([logged(*({"critic/realism": v} for v in (0.1, 0.1, 1.38, 1.39)))]) == [
        "critic/realism (1 of 1 seeds)"]
    assert at_chance([logged(*({"critic/realism": v} for v in (1.38, 1.39, 0.9, 0.8)))]) == []


@pytest.mark.parametrize(("end", "realism", "told"), [
    (0.1, 1.0, ["autoencoder (1 of 1 seeds)"]), (0.004, 1.0, []), (0.001, 9.0, [])])
def test_a_training_that_lost_its_images_is_marked(end: float, realism: float, told: list[str]):
    """An adversarial loss may rise; it says nothing of the images."""
    from unbraid_plugins.tools.bench.results import broken

    course = [0.3, *[0.01] * 20, *[0.001] * 20, *[end] * 20]
    lines = [{"autoencoder/cycle": v, "autoencoder/rebuild": v, "autoencoder/chunks": 0.001 * v,
              "autoencoder/realism": realism if i > 40 else 0.1, "critic/realism": 0.5} for i, v in enumerate(course)]
    assert broken([logged(*lines)]) == told


def test_bundled_suites_can_be_read_and_name_every_method(unbraid):
    from unbraid_plugins.tools.bench import all_suites, find_suite

    assert set(all_suites()) == {"domains", "faces", "sprites", "views"}
    for name in all_suites():
        assert find_suite(name).measures
    assert "sprites" in unbraid("bench").out
