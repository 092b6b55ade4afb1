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
