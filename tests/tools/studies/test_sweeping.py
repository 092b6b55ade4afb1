"""Sweeps with real child processes: stopped, killed, gone on with; failures; job lists."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from unbraid import load, train
from unbraid.runs import Run
from unbraid.runs.checkpoint import Checkpoint, write
from unbraid_plugins.tools.studies import Plan, Study
from unbraid_plugins.tools.studies.jobs import Job, Machine, jobs_of, trainings

STEPS = 1200


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "unbraid", *map(str, arguments)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition: Callable[[], bool], seconds: float = 400) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def logged(run: Run) -> list[int]:
    return [m["step"] for m in run.metrics()]


def sessions(run: Run) -> list[tuple[int, int]]:
    return [(s["from_step"], s["to_step"]) for s in run.record()["sessions"]]


def test_killed_and_gone_on_with_every_step_is_trained_once(small: Path, tmp_path: Path, unbraid):
    """SIGKILL to the sweep, then SIGTERM, then to the end: nothing is lost, nothing is repeated."""
    command = ("sweep", small, f"train.steps={STEPS}", "train.checkpoint_every=100000", "seed=0..1", "--out", "study",
               "--no-evaluate", "--jobs", "1")
    runs = [Run(tmp_path / "study/runs/seed=0"), Run(tmp_path / "study/runs/seed=1")]
    sweep = start(*command)
    wait_for(lambda: len(logged(runs[0])) > 10)
    sweep.kill()
    sweep.communicate()
    wait_for(lambda: runs[0].last_checkpoint() is not None)            # without its sweep, a training stops safely
    again = start(*command)                                           # it waits until that training has let go
    wait_for(lambda: len(runs[0].record()["sessions"]) == 2 and len(logged(runs[0])) > sessions_end(runs[0]) + 10)
    again.send_signal(signal.SIGTERM)
    _, said = again.communicate(timeout=400)
    assert again.returncode == 143
    assert "unbraid sweep --resume --out study" in said
    assert not runs[1].folder.exists()
    third = unbraid("sweep", "--resume", "--out", "study", "--no-evaluate")
    assert third.code == 0
    for run in runs:
        assert logged(run) == list(range(1, STEPS + 1))
    first = sessions(runs[0])
    assert len(first) == 3
    assert [a for a, _ in first] == [0, *(b for _, b in first[:-1])]  # each went on where the one before had stopped
    assert first[-1][1] == STEPS
    assert sessions(runs[1]) == [(0, STEPS)]
    assert "2 runs, 2 of them done" in unbraid("sweep", "--resume", "--out", "study", "--no-evaluate").err
    assert len(sessions(runs[0])) == 3                                # what is finished is not begun again


def sessions_end(run: Run) -> int:
    return int(run.record()["sessions"][0]["to_step"])


def test_what_fails_is_told_and_does_not_stop_the_others(small: Path, tmp_path: Path, unbraid):
    said = unbraid("sweep", small, "train.device=cuda:99,cpu", "--out", "study", "--jobs", 1, "--evaluate",
                   "--images 10 --seed 3")
    assert said.code == 2
    assert "once more" not in said.err                                # a mistake of the recipe stays one
    assert "1 run failed" in said.err
    assert "can't use 'cuda:99'" in said.err                          # from its log
    done = tmp_path / "study/runs/train.device=cpu"
    evaluation = json.loads((done / "evaluation.json").read_text())
    assert (evaluation["step"], evaluation["seed"]) == (6, 3)
    assert (tmp_path / "study/logs/train.device=cuda%3A99.log").read_text().count("can't use 'cuda:99'") == 1
    assert (tmp_path / "study/table.csv").read_text().count("train.device=cpu") == len(evaluation["arms"])
    before = (done / "evaluation.json").stat().st_mtime_ns
    study = Study(tmp_path / "study")
    states = {p.name: study.state(p, study.plan().recipe(p), study.plan().evaluate) for p in study.plan().points}
    assert states == {"train.device=cuda%3A99": "new", "train.device=cpu": "done"}
    assert (done / "evaluation.json").stat().st_mtime_ns == before


def test_a_job_list_needs_nothing_but_a_shell(small: Path, tmp_path: Path, unbraid):
    assert unbraid("sweep", small, "seed=0..1", "title='it is \"$HOME\"'", "--out", "my study", "--list", "jobs.txt",
                   "--evaluate", "--images 10").code == 0
    lines = Path("jobs.txt").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("unbraid train $(test -e 'my study/runs/seed=0'/run.json && echo --resume) --out ")
    assert " -- small.yaml " in lines[0]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for _ in range(2):                                                # a second time, it changes nothing
        subprocess.run(["sh", "-ec", lines[1]], check=True, capture_output=True, env=environment)
    run = Run(tmp_path / "my study/runs/seed=1")
    assert sessions(run)[0] == (0, 6)
    assert json.loads((run.folder / "evaluation.json").read_text())["title"] == 'it is "$HOME"'
    said = unbraid("sweep", "--resume", "--only-table", "--out", "my study")
    assert said.code == 0
    assert (tmp_path / "my study/table.csv").read_text().splitlines()[1].startswith("seed=1,1,model,6,")
    assert unbraid("sweep", "--resume", "--out", "my study", "--list", "-").out.splitlines() == [
        line for line in lines if "seed=0" in line]


def test_seeds_of_a_setting_are_trained_as_one_model(small: Path, tmp_path: Path, unbraid):
    study = Study(tmp_path / "study")
    plan = study.begin(Plan.of([str(small)], ["seed=0..2"], None))
    train(plan.recipe(plan.points[1]), study.run(plan.points[1]).folder)           # seed 1 is there already
    said = unbraid("sweep", "--resume", "--out", "study", "--batched", 3, "--no-evaluate")
    assert said.code == 0
    assert [sessions(study.run(p)) for p in plan.points] == [[(0, 6)]] * 3
    commands = [study.run(p).record()["sessions"][0]["command"] for p in plan.points]
    assert commands[0] == commands[2] != commands[1]
    assert commands[0][1] == "train-seeds"
    assert "0,2" in commands[0]
    together = load(study.run(plan.points[2]).folder)
    alone = load(train(plan.recipe(plan.points[2]), tmp_path / "alone").folder)
    for name, module in together.modules.items():
        for one, other in zip(module.parameters(), alone.modules[name].parameters(), strict=True):
            torch.testing.assert_close(one, other)


def test_seeds_are_grouped_by_setting(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    points = study.begin(Plan.of([str(small)], ["weights.beta=1,4", "seed=0..3"])).points
    assert [[p.name for p in job.points] for job in jobs_of(study, points[1:], 3)] == [
        ["weights.beta=1,seed=1", "weights.beta=1,seed=2", "weights.beta=1,seed=3"],
        ["weights.beta=4,seed=0", "weights.beta=4,seed=1", "weights.beta=4,seed=2"], ["weights.beta=4,seed=3"]]
    assert len(jobs_of(study, points)) == 8


def test_points_that_are_not_equally_far_are_not_trained_as_one(small: Path, tmp_path: Path):
    study = Study(tmp_path / "study")
    plan = study.begin(Plan.of([str(small)], ["seed=0..3"]))
    for point, step in zip(plan.points, (0, 3, 0, 3), strict=True):
        if step:
            study.run(point).folder.mkdir(parents=True)
            write(study.run(point).checkpoints, Checkpoint(step, {}))
    assert [[p.seed for p in job.points] for job in jobs_of(study, plan.points, 9)] == [["0", "2"], ["1", "3"]]
    commands = trainings(study, plan, Job(tuple(plan.points)), plan.points, ["--strict"])
    assert [c[c.index("--") + 2] for c in commands] == ["0,2", "1,3"]
    assert all(c[1] == "--strict" and f"{study.runs}/seed={{seed}}" in c for c in commands)


def test_cores_and_gpus_are_shared(small: Path, monkeypatch):
    recipe = Plan.of([str(small)]).recipe(Plan.of([str(small)]).points[0])
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(12)), raising=False)
    machine = Machine.of([recipe], None, 100)
    assert (machine.jobs, machine.threads, machine.gpus) == (8, 1, ())
    assert Machine.of([recipe], 3, 100).environment(2)["OMP_NUM_THREADS"] == "4"
    assert Machine.of([recipe], None, 2).jobs == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert Machine.of([recipe], 1, 100).threads == 2
    assert "CUDA_VISIBLE_DEVICES" not in {k for k in machine.environment(0) if k not in os.environ}
    gpus = Machine(5, 1, ("0", "GPU-abc"))
    assert [gpus.environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(4)] == ["0", "GPU-abc", "0", "GPU-abc"]


@pytest.mark.parametrize(("arguments", "told"), [
    (["--out", "study"], "name a recipe"),
    (["--resume", "--out", "study"], "is no study"),
    (["SMALL", "seed=0..1"], "--out"),
    (["SMALL", "weights.beta", "--out", "study"], "neither an override nor an axis"),
    (["SMALL,SMALL", "--out", "study"], "stands there twice"),
    (["SMALL", "--out", "study", "--evaluate", "'", "seed=0"], "No closing quotation"),
    (["SMALL", "--out", "study", "--evaluate", "--imges 5", "seed=0"], "--imges"),
    (["SMALL", "--out", "study", "--evaluate", "", "--no-evaluate"], "exclude each other"),
    (["seed=0..1", "--resume", "--out", "study"], "name the recipe too"),
])
def test_mistakes_are_told_and_leave_nothing(small: Path, unbraid, arguments, told):
    said = unbraid("sweep", *(a.replace("SMALL", str(small)) for a in arguments))
    assert said.code == 2
    assert told in said.err
    assert not Path("study").exists()
