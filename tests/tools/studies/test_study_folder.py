"""A study's folder: what it takes in and what it refuses, and how far its runs are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from unbraid import UnbraidError, load_recipe, train
from unbraid.runs import RunError
from unbraid_configs import RecipeError
from unbraid_plugins.tools.evaluation import EvaluationOptions
from unbraid_plugins.tools.studies import Plan, Study, StudyError
from unbraid_plugins.tools.studies.folder import note_evaluated, wait_until_free
from unbraid_plugins.tools.studies.plan import read_plan


def plan_of(small: Path, *arguments: str) -> Plan:
    return Plan.of([str(small)], arguments)


def test_a_plan_is_read_back_as_it_was_written(small: Path, tmp_path: Path):
    plan = Plan.of([str(small)], ["title='a: b, c'", "weights.beta:weights.gamma=1:2,3:4", "seed=0..2"],
                   EvaluationOptions.of(["--images", "50", "--metrics=mig", "--no-report"], "here"))
    plan.write(tmp_path / "study.yaml")
    assert read_plan(tmp_path / "study.yaml") == plan
    none = Plan.of([str(small)], evaluate=None)
    none.write(tmp_path / "study.yaml")
    assert read_plan(tmp_path / "study.yaml") == none


@pytest.mark.parametrize("text", ["[]", "format: 1\nrecipe: small", "format: 1\nrecipe: [a]\nruns: 3",
                                  "format: 9\nrecipe: [a]", "recipe: [a]", "format: 1\nrecipe: []", "format: [",
                                  "format: 1\nrecipe: [a]\narguments: [weights.beta]"])
def test_what_is_no_plan_is_refused(tmp_path: Path, text):
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(UnbraidError) as found:
        read_plan(tmp_path / "study.yaml")
    assert "study.yaml" in str(found.value) or "weights.beta" in str(found.value)


def test_every_point_is_checked_before_anything_is_written(small: Path, tmp_path: Path):
    with pytest.raises(RecipeError) as found:
        Study(tmp_path / "study").begin(plan_of(small, "train.steps=5,few", "data.batch=4,0", "seed=0..9"))
    told = "\n".join(map(str, found.value.mistakes))
    assert "train.steps: expected a whole number" in told
    assert "(at train.steps=few,data.batch=4,seed=0 and train.steps=few,data.batch=0,seed=0)" in told
    assert "data.batch" in told
    assert not (tmp_path / "study").exists()
    with pytest.raises(RecipeError, match="the recipe has no weight 'beat'") as found:
        Study(tmp_path / "study").begin(plan_of(small, "weights.beat=1,4"))
    assert "(at" not in str(found.value)                              # it is the mistake of all points


def test_a_study_grows_by_values_and_not_by_axes(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    study.begin(plan_of(small, "weights.beta=1,4", "seed=0..1"))
    plan = study.begin(plan_of(small, "weights.beta=4,16", "seed=1..2"))
    assert [str(a) for a in plan.axes] == ["weights.beta=1,4,16", "seed=0,1,2"]
    assert study.plan() == plan
    longer = study.begin(plan_of(small, "train.steps=9", "weights.beta=1,4", "seed=0"))     # the same experiment
    assert longer.fixed == ("train.steps=9",)
    with pytest.raises(UnbraidError, match=r"the study's axes are weights.beta, seed; now they are seed"):
        study.begin(plan_of(small, "seed=0..1"))
    with pytest.raises(StudyError, match=r"another recipe: data.batch is 4, not 8"):
        study.begin(plan_of(small, "data.batch=8", "weights.beta=1,4", "seed=0"))


def test_a_recipe_that_was_changed_since_is_refused(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    study.begin(plan_of(small, "seed=0..1"))
    small.write_text(small.read_text().replace("hidden: [8], gaussian", "hidden: [9], gaussian"))
    with pytest.raises(StudyError, match=r"networks.encoder.hidden is \[8\], not \[9\]"):
        study.begin(study.plan())


def test_the_state_of_a_point_is_in_its_folder(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    plan = study.begin(plan_of(small, "weights.beta=1,4"))
    point = plan.points[1]
    recipe, run = plan.recipe(point), study.run(point)

    def state(*options: str) -> str:
        return study.state(point, recipe, EvaluationOptions.of(options, "options"))

    assert state() == "new"
    run.folder.mkdir(parents=True)
    run.write_record({"sessions": [{"from_step": 0}]})
    assert state() == "begun"
    shutil.rmtree(run.folder)
    train(load_recipe(small, [*plan.overrides(point), "train.steps=3"]), run.folder)
    assert state() == "begun"
    train(recipe, run.folder, resume=True)
    assert state() == "trained"
    assert study.state(point, recipe, None) == "done"
    (run.folder / "evaluation.json").write_text(json.dumps({"step": 3, "arms": {}}))
    assert state() == "trained"                                       # it is of an earlier step
    (run.folder / "evaluation.json").write_text(json.dumps({"step": 6, "arms": {}}))
    assert state() == state("--images", "9") == "done"                # from elsewhere: its options are not known
    note_evaluated(run, EvaluationOptions(images=9))
    assert (state("--images", "9"), state()) == ("done", "trained")
    (run.folder / "evaluation.json").write_text(json.dumps({"step": 6, "arms": {}, "seed": 1}))
    assert state() == "done"                                          # another one, whose options were not noted yet


def test_a_run_whose_time_is_spent_is_done(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    plan = study.begin(plan_of(small, "train.max_minutes=0.0000001", "seed=0"))
    train(plan.recipe(plan.points[0]), study.run(plan.points[0]).folder)
    assert study.run(plan.points[0]).last_checkpoint().name == "step-00000001"
    assert study.state(plan.points[0], plan.recipe(plan.points[0]), None) == "done"


def test_runs_from_other_machines_are_taken_in(made_up, small: Path, tmp_path: Path):
    def scores(values):
        return {"model": {"mig": 0.5}}

    study = made_up(["weights.beta=1,4", "seed=0"], scores)
    other = made_up(["weights.beta=4,16", "seed=0..1"], scores, name="elsewhere")
    for folder in other.runs.iterdir():
        if not (study.runs / folder.name).exists():
            shutil.copytree(folder, study.runs / folder.name)
    points, notes = study.points(study.plan())
    assert notes == []
    assert [p.name for p in points] == ["weights.beta=1,seed=0", "weights.beta=4,seed=0", "weights.beta=16,seed=0",
                                        "weights.beta=16,seed=1", "weights.beta=4,seed=1"]


def test_runs_of_other_recipes_are_left_out_and_told(made_up, unbraid):
    def scores(values):
        return {"model": {"mig": 0.5}}

    study = made_up(["weights.beta=1,4", "seed=0"], scores)
    wrong = made_up(["data.batch=8", "weights.beta=1,4", "seed=7"], scores, name="elsewhere")
    shutil.copytree(wrong.runs / "weights.beta=1,seed=7", study.runs / "weights.beta=1,seed=7")
    shutil.copytree(wrong.runs / "weights.beta=4,seed=7", study.runs / "backup")
    said = unbraid("compare", "study")
    assert "weights.beta=1,seed=7 is left out: its recipe is another: data.batch is 8, not 4" in said.err
    assert "backup is left out: its name tells no point" in said.err
    assert "  2 " not in said.out
    shutil.rmtree(study.runs / "weights.beta=1,seed=0")
    shutil.move(study.runs / "backup", study.runs / "weights.beta=1,seed=0")
    said = unbraid("sweep", "--resume", "--out", "study")             # under the name of a point it is refused
    assert said.code == 2
    assert "weights.beta is 4, not 1" in said.err


def test_data_may_lie_elsewhere(made_up, small: Path, tmp_path: Path):
    def scores(values):
        return {"model": {"mig": 0.5}}

    study = made_up(["seed=0..1"], scores)
    file = study.runs / "seed=1/recipe.yaml"
    file.write_text(file.read_text().replace(str(tmp_path / "noise.npz"), "/data/noise.npz"))
    assert study.begin(study.plan())


def test_one_sweep_at_a_time(small: Path, unbraid):
    with Study(Path("study")).locked():
        said = unbraid("sweep", small, "seed=0..1", "--out", "study")
    assert said.code == 2
    assert "another sweep is working on study" in said.err
    assert not Path("study").exists()                                 # neither of them began


def test_a_run_that_is_being_written_is_waited_for(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    plan = study.begin(plan_of(small, "seed=0"))
    run = study.run(plan.points[0])
    wait_until_free(run)                                              # it is not there yet
    with run.locked(), pytest.raises(RunError, match="another training is writing"):
        wait_until_free(run, patience=0.3)
    wait_until_free(run, patience=0)
