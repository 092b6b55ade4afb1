"""`unbraid sweep --slurm` and `--watch`, with a stand-in for Slurm: sbatch runs the array at once, in a shell.

tests/clusters/one_node_slurm.sh does the same with a real Slurm.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unbraid import UnbraidError
from unbraid.runs import Run
from unbraid_plugins.tools.studies import Plan, Study, watching
from unbraid_plugins.tools.studies.slurm import SlurmArray, sbatch_options, write_array

# What the stand-ins do: sbatch runs the tasks of an array one after the other, and a task again that scontrol requeues.
# While the file `hurry` is there, srun signals its step as soon as the run has logged something, as at the end of a
# job's time.
SBATCH = r"""#!/bin/bash
script=${@: -1}
last=$(sed -n 's/^#SBATCH --array=1-\([0-9]*\).*/\1/p' "$script")
cd "$(sed -n 's/^#SBATCH --chdir=//p' "$script")" || exit 1
export SLURM_ARRAY_JOB_ID=17
for SLURM_ARRAY_TASK_ID in $(seq "$last"); do
    export SLURM_ARRAY_TASK_ID SLURM_RESTART_COUNT=0
    while :; do
        log=$(sed -n 's/^#SBATCH --output=//p' "$script" | sed "s/%A/17/; s/%a/$SLURM_ARRAY_TASK_ID/")
        bash "$script" >>"$log" 2>&1
        echo "task $SLURM_ARRAY_TASK_ID ended with $?" >>"$STAND_IN/said"
        [ -e "$STAND_IN/again" ] || break
        rm "$STAND_IN/again"
        SLURM_RESTART_COUNT=$((SLURM_RESTART_COUNT + 1))
    done
done
echo 17
"""
SRUN = r"""#!/bin/bash
setsid "$@" &
step=$!
if [ -e "$STAND_IN/hurry" ]; then
    rm "$STAND_IN/hurry"
    until [ -s study/runs/seed=0/metrics.jsonl ]; do sleep 0.05; done
    kill -TERM -- -$step
fi
wait $step
"""
SCONTROL = '#!/bin/bash\n[ "$1 $2" = "requeue 17_1" ] && touch "$STAND_IN/again"\n'
SQUEUE = '#!/bin/bash\n[ -s "$STAND_IN/queue" ] && cat "$STAND_IN/queue"\n'


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-ins, first on the path, with an `unbraid` beside them."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    own = f"#!/bin/sh\nexec {sys.executable} -m unbraid \"$@\"\n"
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL, "squeue": SQUEUE, "unbraid": own}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", str(folder))
    return folder


def test_an_array_trains_what_is_left_and_goes_on_after_a_signal(small: Path, tmp_path: Path, unbraid, slurm: Path
                                                                 ) -> None:
    (slurm / "hurry").touch()
    said = unbraid("sweep", small, "seed=0", "train.steps=400", "train.checkpoint_every=100000", "--no-evaluate",
                   "--out", "study", "--slurm", "--time=1 -p long", "--jobs", "8", "--submit")
    assert said.code == 0, said.err
    assert "submitted as array 17" in said.err
    assert (slurm / "said").read_text() == "task 1 ended with 143\ntask 1 ended with 0\n"
    record = Run(tmp_path / "study/runs/seed=0").record()
    (first, second) = record["sessions"]
    assert 0 < first["to_step"] == second["from_step"] < second["to_step"] == 400
    assert "SIGTERM" in first["exit"]
    log = (tmp_path / "study/logs/slurm-17_1.log").read_text()
    assert "Traceback" not in log

    said = unbraid("sweep", "--resume", "--no-evaluate", "--out", "study", "--slurm", "", "--submit")
    assert "nothing is left to do" in said.err
    assert not (tmp_path / "study/slurm/2").exists()
    assert unbraid("sweep", "--watch", "--out", "study").out.strip() == "1 runs: 1 done; 100% of all steps"


def test_the_script_has_the_options_and_the_lines(small: Path, tmp_path: Path, unbraid) -> None:
    said = unbraid("sweep", small, "seed=0..2", "weights.beta=1,4", "--out", "a study", "--jobs", "2", "--slurm",
                   "--time 4:00:00 --gpus-per-task=1 --comment='two words' -p long")
    assert "6 tasks" in said.err
    assert "sbatch 'a study/slurm/1/array.sh'" in said.err
    script = (tmp_path / "a study/slurm/1/array.sh").read_text()
    directives = re.findall(r"^#SBATCH (.*)$", script, re.MULTILINE)
    assert directives[0] == "--array=1-6%2"
    assert directives[-4:] == ["--time 4:00:00", "--gpus-per-task=1", "'--comment=two words'", "-p long"]
    assert {"--requeue", "--signal=TERM@120", "--open-mode=append", f"--chdir={tmp_path}"} <= set(directives)
    assert (tmp_path / "a study/logs").is_dir()    # where Slurm opens its logs
    subprocess.run(["bash", "-n", str(tmp_path / "a study/slurm/1/array.sh")], check=True)
    lines = (tmp_path / "a study/slurm/1/jobs.txt").read_text().splitlines()
    assert len(lines) == 6
    assert all(line.startswith("unbraid train $(test -e 'a study/runs/") for line in lines)


@pytest.mark.parametrize(("options", "told"), [
    ("long", "expected options of sbatch"), ("--time='1", "No closing quotation"), ("--array=1-9", "not to be chosen"),
    ("-a1-9", "not to be chosen"), ("--wrap=ls", "not to be chosen"), ("-t 1\n#SBATCH -p x", "expected options"),
    ("--chdir /tmp", "not to be chosen")])
def test_options_that_can_not_be(options: str, told: str) -> None:
    with pytest.raises(UnbraidError, match=told):
        sbatch_options(options)


def test_two_arrays_never_train_the_same_runs(small: Path, tmp_path: Path, unbraid, slurm: Path) -> None:
    study = Study(tmp_path / "study")
    study.begin(Plan.of([str(small)], ["seed=0"]))
    (write_array(study, ["true"], "", None).folder / "submitted.txt").write_text("17\n")
    (slurm / "queue").write_text("17_1\n17_2\n")
    said = unbraid("sweep", "--resume", "--out", "study", "--slurm", "", "--submit")
    assert said.code == 2
    assert "Slurm still has 2 tasks of the array 17" in said.err
    assert "scancel 17" in said.err
    (slurm / "queue").unlink()                     # Slurm forgets what has ended, and squeue fails
    assert SlurmArray(study.folder / "slurm/1").tasks_left() == 0


def test_without_slurm_the_script_is_left_and_the_way_told(small: Path, tmp_path: Path, unbraid, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said = unbraid("sweep", small, "seed=0", "--out", "study", "--slurm", "", "--submit")
    assert said.code == 2
    assert "there is no sbatch here" in said.err
    assert (tmp_path / "study/slurm/1/array.sh").is_file()
    assert unbraid("sweep", small, "seed=0", "--out", "other", "--submit").code == 2


def test_watching_tells_what_every_run_does(made_up, unbraid, small: Path, monkeypatch) -> None:
    study = made_up(["seed=0..5", "train.steps=6"], lambda point: {})
    plan = study.plan()
    recipes = {p: plan.recipe(p) for p in plan.points}
    _done, begun, ended, waiting, evaluating, damaged = (study.run(p) for p in plan.points)
    for run in (begun, ended):
        (run.checkpoints / "step-00000006").rename(run.checkpoints / "step-00000003")
        (run.folder / "evaluation.json").unlink()
        run.metrics_file.write_text('{"step": 4}\n')
    begun.write_record({"sessions": [{"started": "now"}]})
    ended.write_record({"sessions": [{"started": "now", "exit": "stopped by SIGTERM"}]})
    for file in waiting.folder.rglob("*"):
        file.is_file() and file.unlink()
    (evaluating.folder / "evaluation.json").unlink()
    damaged.record_file.write_text("{")
    found = {s.name: s for s in watching.seen(study, plan, recipes)}
    assert [s.state for s in found.values()] == ["done", "training", "stopped", "waiting", "to evaluate", "damaged"]
    assert (found["seed=1"].step, found["seed=2"].remark) == (4, "stopped by SIGTERM")
    os.utime(begun.metrics_file, (time.time() - 1000,) * 2)
    os.utime(begun.record_file, (time.time() - 1000,) * 2)
    assert watching.seen(study, plan, recipes)[1].state == "stopped"         # a node that is gone says nothing
    with begun.locked():
        assert watching.seen(study, plan, recipes)[1].state == "training"    # a long step
        said = unbraid("sweep", "--watch", "--out", study.folder)
    assert "6 runs: 1 done, 1 training, 1 stopped, 1 waiting, 1 to evaluate, 1 damaged" in said.out
    assert re.search(r"seed=1\s+training\s+4 of 6\s+.*ago", said.out)
