"""The engine as a user relies on it: runs, records, exact resume, signals, guards, averages, borrowed networks."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import RECIPE, assert_equal, recipe, tensors

import unbraid
from unbraid.engine import TrainingError, train
from unbraid.runs import Run, RunError, checkpoint
from unbraid_configs import make_recipe
from unbraid_registry import UnbraidError


def test_a_run_has_recipe_record_metrics_checkpoints_and_pictures(tmp_path: Path) -> None:
    run = train(recipe(), tmp_path / "run")
    assert sorted(checkpoint.steps(run.checkpoints)) == [14, 20], "the last two are kept"
    assert [m["step"] for m in run.metrics()] == [1, 5, 10, 15, 20]
    assert {"critic/realism", "autoencoder/rebuild", "watch/size"} <= run.metrics()[-1].keys()
    record = run.record()
    assert record["sessions"][0]["exit"] == "finished"
    assert record["sessions"][0]["versions"]["torch"] == version("torch")
    assert (run.pictures / "swaps-00000020.png").is_file()
    assert unbraid.load_recipe(run.recipe_file).players == recipe().players


def test_resume_equals_the_undisturbed_run_bit_for_bit(tmp_path: Path) -> None:
    whole = train(recipe(), tmp_path / "whole")
    train(recipe("train.steps=11"), tmp_path / "cut")
    cut = train(recipe(), tmp_path / "cut", resume=True)
    assert_equal(tensors(whole), tensors(cut))
    assert [m["step"] for m in cut.metrics()] == [1, 5, 10, 11, 15, 20]
    last = [m for m in whole.metrics() if m["step"] == 20]
    assert last == [m for m in cut.metrics() if m["step"] == 20]
    assert len(cut.record()["sessions"]) == 2


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "adagrad"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_resume_with_weights_that_lie_otherwise_in_memory(optimizer: str, precision: str, tmp_path: Path) -> None:
    networks = {"encoder": {"type": "conv_encoder", "width": 4}, "generator": {"type": "conv_generator", "width": 4},
                "critic": {"type": "conv_critic", "width": 4}}
    momentum = ["train.optimizer.momentum=0.9"] if optimizer in ("sgd", "rmsprop") else []
    settings = ["train.channels_last=true", f"train.precision={precision}", f"train.optimizer.type={optimizer}",
                *momentum]
    whole = train(recipe(*settings, "train.steps=4", networks=networks), tmp_path / "whole")
    train(recipe(*settings, "train.steps=2", networks=networks), tmp_path / "cut")
    cut = train(recipe(*settings, "train.steps=4", networks=networks), tmp_path / "cut", resume=True)
    assert_equal(tensors(whole), tensors(cut))


def test_resume_refuses_another_recipe(tmp_path: Path) -> None:
    train(recipe("train.steps=3"), tmp_path / "run")
    with pytest.raises(RunError, match="players"):
        train(recipe("players.autoencoder.minimizes.rebuild=5 * mse(generator(f1), x1)"), tmp_path / "run", resume=True)


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path) -> None:
    run = train(recipe("train.steps=2"), tmp_path / "run")
    before = tensors(run)
    with pytest.raises(RunError, match="already has a run"):
        train(recipe("train.steps=2"), tmp_path / "run")
    assert_equal(before, tensors(run))


def test_two_trainings_into_one_folder_are_refused(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with run.locked(), pytest.raises(RunError, match="another training"):
        train(recipe("train.steps=2"), run.folder)


def test_the_seed_makes_the_run(tmp_path: Path) -> None:
    first = train(recipe("train.steps=4"), tmp_path / "a")
    second = train(recipe("train.steps=4"), tmp_path / "b")
    other = train(recipe("train.steps=4", "train.seed=1"), tmp_path / "c")
    assert_equal(tensors(first), tensors(second))
    assert any(not torch.equal(v, tensors(other)[k]) for k, v in tensors(first).items())


SCRIPT = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)         # whatever started the tests, maybe nohup
sys.path.insert(0, {folder!r})
from small_runs import recipe
from unbraid.engine import train
train(recipe("train.steps={steps}", "train.checkpoint_every=3", "train.log_every=1"), {out!r}, resume={resume})
"""


def in_process(out: Path, steps: int, *, resume: bool) -> subprocess.Popen[bytes]:
    code = SCRIPT.format(folder=str(Path(__file__).parents[1] / "helpers"), out=str(out), steps=steps, resume=resume)
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"},
                            stderr=subprocess.DEVNULL)


def wait_for_step(run: Run, step: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(m["step"] >= step for m in run.metrics()):
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} was not reached")


def test_kill_nine_at_a_random_moment_loses_nothing(tmp_path: Path) -> None:
    steps = 400
    killed = Run(tmp_path / "killed")
    process = in_process(killed.folder, steps, resume=False)
    wait_for_step(killed, random.Random(os.getpid()).randint(5, 60))
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = max(checkpoint.steps(killed.checkpoints))
    assert 0 < reached < steps, "the run was killed in its middle"
    again = recipe(f"train.steps={reached + 20}", "train.checkpoint_every=3", "train.log_every=1")
    train(again, killed.folder, resume=True)
    whole = train(again, tmp_path / "whole")
    assert_equal(tensors(whole), tensors(killed))
    logged = [m["step"] for m in killed.metrics()]
    assert logged == sorted(set(logged)), "no step is logged twice"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_after_the_step_with_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    run = Run(tmp_path / "run")
    process = in_process(run.folder, 100_000, resume=False)
    wait_for_step(run, 4)
    process.send_signal(number)
    assert process.wait(60) != 0, "a script that goes on with another training does not"
    assert run.record()["sessions"][-1]["exit"] == number.name
    last = max(checkpoint.steps(run.checkpoints))
    assert run.metrics()[-1]["step"] == last, "the checkpoint is of the last step made"


def test_a_loss_that_is_not_finite_is_named_and_moves_nobody(tmp_path: Path) -> None:
    bad = "players.autoencoder.minimizes.rebuild=1.0e250 * mse(generator(f1), x1)"
    name = "autoencoder/rebuild"
    with pytest.warns(UserWarning, match=name), pytest.raises(TrainingError, match=name) as error:
        train(recipe("train.steps=30", bad), tmp_path / "run")
    assert "10 steps" in str(error.value)
    assert "TrainingError" in Run.at(tmp_path / "run").record()["sessions"][-1]["exit"]


def test_averaged_weights_follow_and_are_what_functions_use(tmp_path: Path) -> None:
    run = train(recipe("train.average=0.9", "train.steps=10"), tmp_path / "run")
    groups = checkpoint.read(run.last_checkpoint()).groups
    assert groups["averages"].keys() == groups["networks"].keys()
    averaged, last = unbraid.load(run.folder), unbraid.load(run.folder, averaged=False)
    x = torch.rand(2, 3, 8, 8)
    assert not torch.equal(averaged.reconstruct(x), last.reconstruct(x))
    train(recipe("train.average=0.9", "train.steps=6"), tmp_path / "cut")
    cut = train(recipe("train.average=0.9", "train.steps=10"), tmp_path / "cut", resume=True)
    assert_equal(tensors(run), tensors(cut))


def test_a_network_from_another_run_starts_there_and_stays_when_frozen(tmp_path: Path) -> None:
    first = train(recipe("train.steps=5"), tmp_path / "first")
    networks = {**RECIPE["networks"], "encoder": {"from": f"{first.folder}#encoder", "freeze": True}}
    players = {**RECIPE["players"], "autoencoder": {**RECIPE["players"]["autoencoder"], "trains": "generator"}}
    second = train(recipe("train.steps=5", "train.seed=3", networks=networks, players=players), tmp_path / "second")
    a, b = tensors(first), tensors(second)
    for name in a:
        if name.startswith("networks/encoder/"):
            assert torch.equal(a[name], b[name])
    assert unbraid.load(second.folder).code(torch.rand(1, 3, 8, 8)).tensor.shape == (1, 12)


@pytest.mark.parametrize(("reference", "words"), [("nowhere#encoder", "no run at"), ("{first}#encodr", "encoder"),
                                                  ("{first}", "RUN#network")])
def test_a_wrong_reference_to_another_run_is_told(tmp_path: Path, reference: str, words: str) -> None:
    first = train(recipe("train.steps=1"), tmp_path / "first")
    networks = {**RECIPE["networks"], "encoder": {"from": reference.format(first=first.folder)}}
    with pytest.raises(UnbraidError, match=words):
        train(recipe(networks=networks), tmp_path / "second")


def test_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    def kept(folder: str, steps: int, log_every: int, *, resume: bool = False) -> Run:
        return train(recipe(f"train.steps={steps}", "train.checkpoint_every=1", f"train.log_every={log_every}",
                            "train.keep=1", "train.keep_best=critic/realism"), tmp_path / folder, resume=resume)

    run = kept("run", 20, 1)
    values = {m["step"]: m["critic/realism"] for m in run.metrics()}
    best = min(values, key=values.__getitem__)
    assert best in checkpoint.steps(run.checkpoints)
    assert run.record()["best"]["step"] == best
    kept("cut", best, 7)                           # not every checkpoint is logged, and the best one is the last
    assert kept("cut", 20, 7, resume=True).record()["best"]["step"] == best


def test_the_time_budget_ends_the_training(tmp_path: Path) -> None:
    run = train(recipe("train.steps=1000000", "train.max_minutes=0.01"), tmp_path / "run")
    assert run.record()["sessions"][0]["exit"] == "the time budget is spent"
    assert run.last_checkpoint() is not None


def test_bf16_trains_with_channels_last(tmp_path: Path) -> None:
    run = train(recipe("train.steps=3", "train.precision=bf16", "train.channels_last=true"), tmp_path / "run")
    assert all(torch.isfinite(t.double()).all() for t in tensors(run).values())


def test_tensorboard_gets_scalars_and_pictures(tmp_path: Path) -> None:
    run = train(recipe("train.steps=5", "train.tensorboard=true"), tmp_path / "run")
    written = b"".join(p.read_bytes() for p in (run.folder / "tensorboard").iterdir())
    for name in (b"autoencoder/rebuild", b"figure", b"swaps"):
        assert name in written


def test_a_checkpoint_is_as_open_to_others_as_its_folder(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = checkpoint.write(tmp_path / "group", checkpoint.Checkpoint(1, {"networks": {"w": torch.ones(2)}}))
    finally:
        os.umask(before)
    assert {oct(p.stat().st_mode & 0o777) for p in path.iterdir()} == {"0o640"}


def test_plugins_hear_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unbraid_registry import registry

    heard: list[str] = []
    monkeypatch.setattr(type(registry()), "call", lambda self, hook, **_: heard.append(hook) or [])
    train(recipe("train.steps=2"), tmp_path / "run")
    pictures, numbers = ["unbraid_log"], ["unbraid_log"]
    assert heard == ["unbraid_run_start", *pictures, *numbers, "unbraid_step_end", *numbers, "unbraid_step_end",
                     "unbraid_checkpoint", *pictures, "unbraid_run_end"]


def test_the_record_is_json_without_anything_else(tmp_path: Path) -> None:
    run = train(recipe("train.steps=1"), tmp_path / "run")
    record = json.loads(run.record_file.read_text())
    assert record["data"]["draws"]["x1"]["image"] == [3, 8, 8]


def test_a_function_that_wants_more_than_an_image_stops_no_training(tmp_path: Path) -> None:
    draws = {"x": {}, "x1": {}, "x2": {}}
    functions = {"encode(x)": "mix(encoder(x), encoder(x), one_hot(x.pose))", "decode(f)": "generator(f)"}
    wants_poses = {**RECIPE, "data": {**RECIPE["data"], "draw": draws}, "functions": functions,
                   "code": {"chunk": "5 x 4"}}     # as many chunks as poses
    run = train(make_recipe(wants_poses, ["train.steps=2"]), tmp_path / "run")      # it gets the images' poses
    assert run.last_checkpoint() is not None
    assert [p for p in run.pictures.iterdir() if p.name.startswith("reconstructions")]


def test_a_plugin_cannot_change_a_checkpoint(tmp_path: Path) -> None:
    from unbraid_registry import registry

    class Spoiling:
        @staticmethod
        @unbraid.hookimpl
        def unbraid_checkpoint(state: Any) -> None:
            for group in state.groups.values():
                for t in group.values():
                    t.fill_(7)
            state.groups.clear()

    whole = train(recipe("train.steps=9"), tmp_path / "whole")
    plugin = Spoiling()
    registry().manager.register(plugin)
    try:
        spoiled = train(recipe("train.steps=9"), tmp_path / "spoiled")
    finally:
        registry().manager.unregister(plugin)
    assert_equal(tensors(whole), tensors(spoiled))


@pytest.mark.parametrize("device", ["meta", "mps", "tpu"])
def test_a_device_that_is_not_there_is_told_in_a_line(device: str, tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=f"train.device: can't use '{device}': ") as told:
        train(recipe(f"train.device={device}"), tmp_path / "run")
    assert len(told.value.message) < 170


@pytest.mark.parametrize(("setting", "fault"), [
    ("train.optimizer.lr=-1", "must be >= 0, got -1"), ("train.average=1.5", "must be <= 1"),
    ("train.optimizer.momentum=1", "must be < 1"), ("train.optimizer.eps=-1", "must be >= 0")])
def test_numbers_by_which_nothing_can_be_learned_are_refused(setting: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=fault) as told:
        train(recipe(setting), tmp_path / "run")
    assert setting.partition("=")[0].removeprefix("train.") in str(told.value)
    assert not (tmp_path / "run").exists()


def test_a_best_by_a_value_that_nobody_logs_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="nobody logs 'autoencoder/rebuidl'; there are .*autoencoder/rebuild"):
        train(recipe("train.keep_best=autoencoder/rebuidl"), tmp_path / "run")
    with warnings.catch_warnings(action="error"):  # what begins to be logged later
        train(recipe("train.keep_best=autoencoder/rebuild", "players.autoencoder.from_step=15"), tmp_path / "later")
