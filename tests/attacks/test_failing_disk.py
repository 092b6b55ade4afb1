"""A disk that fails costs no more than the steps since the last checkpoint; `failing_disk.py` tries every point."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from failing_disk import after_step

from unbraid.engine import train
from unbraid.runs import Run, RunError, checkpoint, locked
from unbraid_configs import load_recipe
from unbraid_registry import UnbraidError

HERE = Path(__file__).parent
QUICK = ("train.steps=6", "train.checkpoint_every=2", "train.picture_every=100", "data.workers=0")
UNBRAID = [sys.executable, "-m", "unbraid"]


def attack(*command: str) -> list[str]:
    done = subprocess.run([*command], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 faults" in done.stdout
    return done.stdout.split()


def test_any_write_may_be_refused() -> None:
    words = attack(sys.executable, str(HERE / "failing_disk.py"), "--every", "16")
    assert int(words[words.index("errors") - 1]) >= 5


def test_real_file_systems_that_are_full() -> None:
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True,
                      check=False).returncode if shutil.which("unshare") else True:
        pytest.skip("mounting is not allowed here")
    words = attack(sys.executable, str(HERE / "failing_disk.py"), "--small", "--every", "45")
    assert int(words[words.index("errors") - 1]) >= 3


def test_the_command_ends_with_one_error_and_goes_on(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (36_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    run = train(load_recipe(HERE / "small.yaml", QUICK), tmp_path / "run")
    goes_on = [*UNBRAID, "train", "--resume", "--out", str(run.folder), "train.steps=8"]
    done = subprocess.run(goes_on, preexec_fn=limited, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert done.stderr.count("Error:") == 1
    assert "Traceback" not in done.stderr
    assert f"can't write the checkpoint {run.checkpoints}" in done.stderr
    assert "free some disk space, then go on with --resume" in done.stderr
    assert run.record()["sessions"][1]["exit"].startswith("CheckpointError")
    assert list(checkpoint.steps(run.checkpoints)) == [4, 6]


def test_a_folder_that_is_removed_is_not_begun_again(tmp_path: Path) -> None:
    for log_every in (1, 100):                     # the log misses it, or the checkpoint
        run = Run(tmp_path / f"run-{log_every}")
        with (after_step(4, lambda run=run: shutil.rmtree(run.folder)),
              pytest.raises(UnbraidError, match=f"can't write .*run-{log_every}") as error):
            train(load_recipe(HERE / "small.yaml", [*QUICK, f"train.log_every={log_every}"]), run.folder)
        assert "put back the folder" in error.value.hint
        assert not run.folder.exists()


def test_folders_that_become_read_only() -> None:
    if os.geteuid() == 0 and (subprocess.run(["setpriv", "--bounding-set", "-dac_override", "true"],
                                             capture_output=True, check=False).returncode
                              if shutil.which("setpriv") else True):
        pytest.skip("root may write anywhere, and may not give that up here")
    words = attack(sys.executable, str(HERE / "failing_disk.py"), "--read-only", "--every", "3")
    assert int(words[words.index("errors") - 1]) == 2


HOLD = "import sys; from pathlib import Path; from unbraid.runs.run import Run\n" \
       "with Run(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"


def test_a_second_process_is_refused_until_the_first_is_gone_even_by_a_kill(tmp_path: Path) -> None:
    run = train(load_recipe(HERE / "small.yaml", QUICK), tmp_path / "run")
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(run.folder)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"
    before = {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()}
    second = subprocess.run([*UNBRAID, "train", "--resume", "--out", str(run.folder), "train.steps=8"],
                            capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 2
    assert second.stderr.count("Error: another training is writing into") == 1
    assert {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()} == before
    first.kill()
    first.wait()
    with locked(run.folder, RunError("still held")):
        pass
