"""Several processes that are stopped, killed, hung or at fault: all end, one tells why, and the training goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from real_ranks import Ranks
from small_runs import never_ended
from tiny_autoencoder import tiny_autoencoder

from unbraid.engine import train
from unbraid.runs import Run, checkpoint

ENDLESS = ("train.steps=100000", "train.checkpoint_every=3", "train.log_every=1")


def training(rank: int, out: Path, overrides: tuple[str, ...], resume: bool) -> int:
    """What `unbraid train` is to a rank: the same errors and exit codes, without a recipe's file."""
    from unbraid.cli.errors import report
    from unbraid.cli.session import Session
    from unbraid.engine import Stopped

    try:
        train(tiny_autoencoder(*overrides), out, resume=resume)
    except Stopped as stopped:
        return {"SIGINT": 130, "SIGTERM": 143}[stopped.signal_name]
    except Exception as error:
        return report(error, Session())
    return 0


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    """Starts ranks that train into a folder."""
    running = []

    def start(*overrides: str, world: int = 2, out: str = "run", resume: bool = False, target: Any = training) -> Ranks:
        ranks = Ranks.start(world, tmp_path / f"errors-{len(running)}", target, [tmp_path / out] * world,
                            [overrides] * world, [resume] * world)
        running.append(ranks)
        return ranks

    yield start
    for ranks in running:
        ranks.end()


def wait_for(run: Run, step: int) -> None:
    deadline = time.monotonic() + 90
    while not any(s >= step for s in checkpoint.steps(run.checkpoints)):
        assert time.monotonic() < deadline, f"step {step} was not reached"
        time.sleep(0.01)


def last(run: Run) -> dict[str, torch.Tensor]:
    path = run.last_checkpoint()
    assert path is not None
    return checkpoint.flat(checkpoint.read(path).groups)


@pytest.mark.parametrize(("rank", "number", "code"), [(1, signal.SIGTERM, 143), (0, signal.SIGINT, 130)])
def test_a_signal_to_one_rank_stops_all_after_one_step(started: Any, tmp_path: Path, rank: int,
                                                       number: signal.Signals, code: int) -> None:
    ranks, run = started(*ENDLESS), Run(tmp_path / "run")
    wait_for(run, 3)
    os.kill(ranks.processes[rank].pid, number)
    assert ranks.wait() == [code, code]
    session = run.record()["sessions"][-1]
    assert session["exit"] == number.name
    assert session["to_step"] == max(checkpoint.steps(run.checkpoints)) == run.metrics()[-1]["step"]
    assert ranks.said() == ["", ""]


def test_the_time_budget_of_all_is_over_at_one_step(started: Any, tmp_path: Path) -> None:
    ranks, run = started(*ENDLESS, "train.max_minutes=0.01"), Run(tmp_path / "run")
    assert ranks.wait() == [0, 0]
    assert run.record()["sessions"][-1]["exit"] == "the time budget is spent"


@pytest.mark.parametrize(("world", "dies", "tells"), [(2, 1, 0), (2, 0, 1), (3, 1, 0)])
def test_a_killed_rank_ends_all_and_is_named_once(started: Any, tmp_path: Path, world: int, dies: int, tells: int
                                                  ) -> None:
    ranks, run = started(*ENDLESS, world=world), Run(tmp_path / "run")
    wait_for(run, 3)
    ranks.processes[dies].kill()
    began = time.monotonic()
    codes = ranks.wait(30)
    assert codes == [-signal.SIGKILL if r == dies else 2 for r in range(world)]
    assert time.monotonic() - began < 20
    said = ranks.said()
    assert f"rank {dies} of {world} is gone" in said[tells]
    assert f"torchrun --nproc-per-node {world} --no-python unbraid train --resume --out {run.folder}" in said[tells]
    assert len(said[tells].splitlines()) == 2, "an error and what to do about it"
    assert not any(text for r, text in enumerate(said) if r != tells)
    if dies:
        assert "gone" in run.record()["sessions"][-1]["exit"]
    reached = max(checkpoint.steps(run.checkpoints))
    again = started("train.steps=" + str(reached + 2), *ENDLESS[1:], resume=True)
    assert again.wait() == [0, 0], again.said()
    assert max(checkpoint.steps(run.checkpoints)) == reached + 2


def one_waits_for_another(rank: int) -> int:
    """Rank 1 is gone, 0 misses it, and 2 waits for 0 alone."""
    from unbraid.engine import distributed

    with distributed.together():
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            distributed._reach(lambda: torch.distributed.recv(torch.zeros(1), 1 if rank == 0 else 0))
        except distributed.RankError as error:
            print(error.message, error.shown, file=sys.stderr)
    return 0


def test_a_rank_that_waits_for_another_is_not_missed(tmp_path: Path) -> None:
    ranks = Ranks.start(3, tmp_path, one_waits_for_another)
    try:
        ranks.wait(30)
        assert ranks.said() == ["rank 1 of 3 is gone False\n", "", "rank 1 of 3 is gone True\n"]
    finally:
        ranks.end()


def hung(rank: int, out: Path, overrides: tuple[str, ...], resume: bool) -> int:
    from unbraid.engine import distributed

    distributed.TIMEOUT = timedelta(seconds=15)
    return training(rank, out, overrides, resume)


def test_a_rank_that_hangs_is_not_waited_for_without_end(started: Any, tmp_path: Path) -> None:
    ranks, run = started(*ENDLESS, target=hung), Run(tmp_path / "run")
    wait_for(run, 3)
    os.kill(ranks.processes[1].pid, signal.SIGSTOP)
    ranks.processes[0].join(60)
    assert ranks.processes[0].exitcode == 2
    assert "rank 1 of 2 is gone (no answer for 15 seconds)" in ranks.said()[0]


def at_fault(rank: int, out: Path, overrides: tuple[str, ...], resume: bool) -> int:
    from unbraid.data import Data, DataError

    drawn = Data.batch

    def batch(self: Data, step: int, *rest: Any, **named: Any) -> Any:
        if step == 4 and rank == 1:
            raise DataError("picture 7 is gone", hint="put it back")
        return drawn(self, step, *rest, **named)

    Data.batch = batch
    return training(rank, out, overrides, resume)


def test_an_error_of_one_rank_ends_all_and_is_told_by_it_alone(started: Any, tmp_path: Path) -> None:
    ranks, run = started(*ENDLESS, target=at_fault), Run(tmp_path / "run")
    assert ranks.wait() == [2, 2]
    assert ranks.said()[0] == ""
    assert "picture 7 is gone\n  put it back" in ranks.said()[1]
    assert "rank 1 of 2 failed: picture 7 is gone" in run.record()["sessions"][-1]["exit"]
    assert max(checkpoint.steps(run.checkpoints)) == 3


def test_what_rank_0_refuses_ends_all_and_is_told_once(started: Any, tmp_path: Path) -> None:
    run = train(tiny_autoencoder(), tmp_path / "run")
    before = last(run)
    ranks = started()
    assert ranks.wait() == [2, 2]
    assert "already has a run" in ranks.said()[0]
    assert ranks.said()[1] == ""
    with run.locked():
        resumed = started("train.steps=9", resume=True)
        assert resumed.wait() == [2, 2]
    assert "another training" in resumed.said()[0]
    assert resumed.said()[1] == ""
    assert all(torch.equal(t, last(run)[name]) for name, t in before.items())


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 3)])
def test_another_number_of_ranks_goes_on(started: Any, tmp_path: Path, before: int, after: int) -> None:
    run = Run(tmp_path / "run")
    assert started(world=before).wait() == [0] * before
    assert max(checkpoint.steps(run.checkpoints)) == 6
    assert started("train.steps=9", world=after, resume=True).wait() == [0] * after
    assert max(checkpoint.steps(run.checkpoints)) == 9
    assert [session["world"] for session in run.record()["sessions"]] == [before, after]


def test_changes_that_nobody_accepts_end_all_and_are_told_once(started: Any, tmp_path: Path) -> None:
    assert started().wait() == [0, 0]
    before = last(Run(tmp_path / "run"))
    ranks = started("train.steps=9", "train.seed=5", resume=True)
    assert ranks.wait() == [2, 2]
    told, = filter(None, ranks.said())
    assert "train.seed: 0 -> 5" in told
    assert all(torch.equal(t, last(Run(tmp_path / "run"))[name]) for name, t in before.items())


def test_ranks_begin_again_where_no_checkpoint_was_written(started: Any, tmp_path: Path) -> None:
    assert started().wait() == [0, 0]
    whole = last(Run(tmp_path / "run"))
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    never_ended(Run(tmp_path / "run"))
    again = started(resume=True)
    assert again.wait() == [0, 0], again.said()
    assert all(torch.equal(t, last(Run(tmp_path / "run"))[name]) for name, t in whole.items())


def torchrun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
                             "-m", "unbraid", "train", *arguments], cwd=folder, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "OMP_NUM_THREADS": "1"})



def test_torchrun_needs_no_folder_and_stops_with_a_checkpoint(tmp_path: Path) -> None:
    """Its SIGTERM reaches all ranks; the recipe's first free folder is rank 0's."""
    (tmp_path / "runs" / "small").mkdir(parents=True)
    (tmp_path / "small.yaml").write_text("""
data: {source: {type: sprites, size: 8, count: 40}}
code: {z: 4}
networks: {encoder: {type: mlp_encoder, hidden: [8]}, generator: {type: mlp_generator, hidden: [8]}}
flow: {y: generator(encoder(x))}
players: {all: {trains: [encoder, generator], minimizes: {rebuild: "mse(y, x)"}}}
train: {steps: 1_000_000}
""")
    process = torchrun(tmp_path, "small.yaml", "data.batch=2", "train.tensorboard=false", "train.checkpoint_every=2")
    run = Run(tmp_path / "runs" / "small-2")
    wait_for(run, 2)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert run.record()["sessions"][-1]["exit"] == "SIGTERM"
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["small", "small-2"]
    assert said.count("Writing into") == said.count("Stopped after step") == 1


def test_a_mistake_in_a_recipe_is_told_once(tmp_path: Path) -> None:
    process = torchrun(tmp_path, "mixing-sprites", "train.stepz=3")
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert said.count("unknown key") == 1, said
