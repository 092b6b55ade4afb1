"""Tables, groups and plots of studies whose scores are known."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid import UnbraidError
from unbraid_configs.writing import as_it_stands, written
from unbraid_plugins.tools.studies.groups import as_json, groups_of
from unbraid_plugins.tools.studies.results import write_results
from unbraid_plugins.tools.studies.scores import rows_of, rows_of_study
from unbraid_plugins.tools.studies.tables import one_metric, table_csv

AXES = ["weights.beta=1,4,16", "weights.gamma=1,2", "seed=0..2"]


def scores(values: dict[str, str]) -> dict[str, dict[str, object]]:
    beta, gamma, seed = (float(values.get(p, 0)) for p in ("weights.beta", "weights.gamma", "train.seed"))
    return {"model": {"mig": beta / 100 + gamma / 1000 + seed / 10000, "loss": {"score": -beta, "parts": {"a": seed}}},
            "untrained": {"mig": 0.01 * seed}, "perfect": {"mig": 0.9}}


def test_groups_are_settings_with_seeds_as_repetitions(made_up):
    rows, notes = rows_of_study(made_up(AXES, scores))
    groups = groups_of(rows)
    assert (len(rows), len(groups), notes) == (18, 6, [])
    assert groups[1].label == "weights.beta=1, weights.gamma=2"
    assert groups[1].scores("mig") == pytest.approx({"0": 0.012, "1": 0.0121, "2": 0.0122})
    assert groups[1].summary("mig", "untrained").mean == pytest.approx(0.01)
    assert groups[1].summary("nothing") is None


def test_runs_are_compared_without_torch_by_the_texts_of_their_recipes(made_up):
    study = made_up(["weights.beta=1,4", "seed=0..1"], scores)
    runs = [study.run(point) for point in study.plan().points]
    for run in runs:
        assert as_it_stands(run.recipe_file) == written(run.recipe())
    done = subprocess.run([sys.executable, "-c", "import sys\nfrom unbraid.cli import main\ncode = main()\n"
                           "print('torch' in sys.modules)\nsys.exit(code)", "compare",
                           *(str(run.folder) for run in runs)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "weights.beta=4" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_by_an_axis_the_others_are_repetitions(made_up):
    rows, _ = rows_of_study(made_up(AXES, scores))
    groups = groups_of(rows, "weights.gamma")
    assert [(g.label, len(g.rows)) for g in groups] == [("weights.gamma=1", 9), ("weights.gamma=2", 9)]
    cells, _ = one_metric(rows, groups, "mig")
    assert cells[1][-2:] == ["best", ""]
    assert cells[2][0] == "weights.gamma=1"
    assert cells[2][-2:] == ["-0.001 [-0.001, -0.001]", "9 pairs"]    # every pair has its own beta and seed
    with pytest.raises(UnbraidError, match="there is no axis 'gama'") as found:
        groups_of(rows, "gama")
    assert "weights.beta" in found.value.hint


def test_the_csv_has_a_line_for_every_run_and_arm(made_up):
    lines = list(csv.DictReader(io.StringIO(table_csv(rows_of_study(made_up(AXES, scores))[0]))))
    assert len(lines) == 18 * 3
    line = next(li for li in lines if li["run"] == "weights.beta=4,weights.gamma=2,seed=1" and li["arm"] == "model")
    assert (line["weights.beta"], line["seed"], line["step"], line["seconds"]) == ("4", "1", "6", "90")
    assert float(line["mig"]) == pytest.approx(0.0421)
    assert next(li for li in lines if li["arm"] == "perfect")["loss"] == ""


def test_the_results_can_be_read_by_programs(made_up):
    rows, _ = rows_of_study(made_up(AXES, scores, better={"loss": "lower"}))
    found = as_json(rows, groups_of(rows))
    assert found["runs"]["weights.beta=4,weights.gamma=1,seed=2"]["scores"]["untrained"] == {"mig": 0.02}
    assert found["better"] == {"mig": "higher", "loss": "lower"}
    assert found["baselines"]["perfect"]["mig"]["mean"] == pytest.approx(0.9)
    best = [g["values"] for g in found["groups"] if g["metrics"]["mig"]["from_best"] is None]
    assert best == [{"weights.beta": "16", "weights.gamma": "2"}]
    assert found["groups"][0]["metrics"]["mig"]["from_best"]["mean"] == pytest.approx(-0.151)
    assert found["correlation"]["metrics"] == ["mig", "loss"]
    assert found["correlation"]["rho"][0][1] < -0.9
    assert found["correlation"]["runs"] == [[18, 18], [18, 18]]


@pytest.mark.parametrize(("arguments", "pictures"), [
    (AXES, {"by-weights.beta", "by-weights.gamma", "correlation"}),
    (["seed=0..1"], {"seeds"}),
    (["train.moves=in turn,together"], {"by-train.moves"}),
])
def test_every_kind_of_study_has_pictures(made_up, arguments, pictures):
    study = made_up(arguments, scores)
    written = write_results(study, rows_of_study(study)[0])
    assert [p.name for p in written[:2]] == ["table.csv", "results.json"]
    assert {p.stem for p in written[2:]} == pictures
    for path in written[2:]:
        assert np.asarray(Image.open(path).convert("L")).std() > 5
        assert path.with_suffix(".svg").read_text().startswith("<?xml")
    assert json.loads((study.folder / "results.json").read_text())["format"] == 1


def test_the_better_end_of_a_metric_comes_first(made_up, unbraid):
    made_up(["weights.beta=1,4,16", "seed=0..2"], scores, better={"loss": "lower"})
    assert firsts(unbraid("compare", "study", "--metric", "mig").out)[:3] == ["weights.beta=16", "weights.beta=4",
                                                                             "weights.beta=1"]
    assert firsts(unbraid("compare", "study", "--metric", "loss").out)[0] == "weights.beta=16"     # -16 is the lowest
    assert firsts(unbraid("compare", "study", "--metric", "mig", "--sort", "name").out)[0] == "weights.beta=1"
    assert firsts(unbraid("compare", "study", "--sort", "mig").out)[0] == "weights.beta=16"
    said = unbraid("compare", "study", "--metric", "mig")
    assert firsts(said.out)[3:] == ["untrained", "perfect"]
    assert "3 pairs" in said.out


def firsts(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()[1:] if line.strip()]


def test_a_part_of_a_metric_can_be_compared(made_up, unbraid):
    made_up(["weights.beta=1,4", "seed=0..2"], scores)
    said = unbraid("compare", "study", "--metric", "loss.parts.a")
    assert "1.000" in said.out
    said = unbraid("compare", "study", "--metric", "mgi")
    assert said.code == 2
    assert "no run has a score in 'mgi'" in said.err
    assert "did you mean 'mig'?" in said.err
    said = unbraid("compare", "study", "--metric", "mig", "--sort", "meen")
    assert (said.code, "did you mean 'mean'?" in said.err) == (2, True)


def test_groups_as_csv_and_json(made_up, unbraid):
    made_up(["weights.beta=1,4", "seed=0..2"], scores)
    lines = list(csv.DictReader(io.StringIO(unbraid("compare", "study", "--csv", "--metric", "mig").out)))
    assert [(li["weights.beta"], li["arm"], li["n"]) for li in lines] == [
        ("1", "model", "3"), ("4", "model", "3"), ("", "untrained", "6"), ("", "perfect", "6")]
    assert float(lines[1]["mean"]) == pytest.approx(0.0401)
    assert json.loads(unbraid("compare", "study", "--json").out)["groups"][1]["metrics"]["mig"]["n"] == 3


def test_correlations_are_shown(made_up, unbraid):
    made_up(["weights.beta=1,4", "seed=0..2"], scores)
    assert "Rank correlation over 6 runs" in unbraid("compare", "study", "--correlation").out


def test_runs_are_told_apart_by_what_differs(made_up, unbraid, tmp_path: Path):
    made_up(["weights.beta=1,4", "seed=0..2"], scores, name="one")
    made_up(["weights.beta=16", "seed=0..2"], scores, name="two")
    rows, _ = rows_of([tmp_path / "one", tmp_path / "two"])
    assert [g.label for g in groups_of(rows)] == ["weights.beta=1", "weights.beta=4", "weights.beta=16"]
    made_up(["title=Another", "weights.beta=4", "weights.gamma=7", "seed=0..2"], scores, name="three")
    rows, _ = rows_of([*(tmp_path / "one/runs").glob("weights.beta=1,*"), tmp_path / "three"])
    assert {g.label for g in groups_of(rows)} == {"A small VAE", "Another"}
    assert unbraid("compare", "one", "two", "three").code == 0


def test_runs_of_several_methods_are_called_by_their_folders(made_up, tmp_path: Path):
    made_up(["title=One", "weights.beta=1,4", "seed=0,1"], scores, name="one")
    made_up(["title=Two", "weights.beta=1", "weights.gamma=7", "seed=0,1"], scores, name="two")
    for folder, name in (("one", "vae"), ("two", "other-vae")):
        for run in (tmp_path / folder / "runs").glob("*"):
            beta = "-4" if "beta=4" in run.name else ""
            run.rename(tmp_path / f"{name}{beta},seed={run.name[-1]}")
    folders = sorted(tmp_path.glob("*vae*"))
    assert [g.label for g in groups_of(rows_of(folders)[0])] == ["other-vae", "vae", "vae-4"]
    folders[0].rename(tmp_path / "vae,seed=7")                 # a name that stands for two settings tells nothing apart
    assert "vae" not in {g.label for g in groups_of(rows_of(sorted(tmp_path.glob("*vae*")))[0])}


def test_what_is_no_study_is_said(unbraid, tmp_path: Path):
    said = unbraid("compare", tmp_path)
    assert said.code == 2
    assert "is no run" in said.err
    (tmp_path / "runs").mkdir()
    assert "neither a study nor a run" in unbraid("compare", tmp_path).err


def test_without_evaluations_there_is_nothing_to_compare(made_up, unbraid):
    study = made_up(["weights.beta=1,4"], scores)
    for file in study.runs.glob("*/evaluation.json"):
        file.unlink()
    said = unbraid("compare", "study")
    assert said.code == 2
    assert "2 of 2 runs have no evaluation yet" in said.err
    assert "nothing to compare" in said.err


def test_a_damaged_evaluation_is_said(made_up, unbraid):
    study = made_up(["weights.beta=1,4"], scores)
    (study.runs / "weights.beta=4/evaluation.json").write_text("{")
    said = unbraid("compare", "study")
    assert (said.code, "weights.beta=4/evaluation.json" in said.err) == (2, True)
