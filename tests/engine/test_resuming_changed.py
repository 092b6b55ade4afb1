"""A run that goes on in another way: differences are shown and must be accepted; what can't be taken up is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import RECIPE, assert_equal, recipe, tensors

from unbraid.cli import main
from unbraid.engine import Players, train
from unbraid.engine.resume import ChangedError
from unbraid.runs import Run, checkpoint
from unbraid_configs import load_recipe
from unbraid_registry import UnbraidError

QUICK = ("train.checkpoint_every=100", "train.picture_every=100", "train.log_every=1")
SLOWER = "train.optimizer.lr=5.0e-4"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Six steps."""
    return train(recipe("train.steps=6", *QUICK), tmp_path / "run")


def contents(run: Run) -> dict[str, str]:
    return {str(p.relative_to(run.folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(run.folder.rglob("*")) if p.is_file()}


def test_every_difference_is_shown_and_nothing_is_written(run: Run) -> None:
    before = contents(run)
    with pytest.raises(ChangedError, match="trained otherwise up to step 6") as error:
        train(recipe("train.steps=9", "data.batch=3", SLOWER, *QUICK), run.folder, resume=True)
    assert error.value.changes == ["data.batch: 4 -> 3 (override)",
                                   "train.optimizer.lr: 1.0e-3 -> 5.0e-4 (override)"]
    assert "accept_changes=True" in error.value.hint
    assert contents(run) == before


def test_an_accepted_rate_is_the_same_as_a_schedule_that_says_so(run: Run, tmp_path: Path) -> None:
    train(recipe("train.steps=12", SLOWER, *QUICK), run.folder, resume=True, accept_changes=True)
    scheduled = "train.optimizer.lr=1.0e-3 * decay(by=0.5, every=6)"
    assert_equal(tensors(run), tensors(train(recipe("train.steps=12", scheduled, *QUICK), tmp_path / "whole")))


def test_accepted_changes_are_recorded_and_stay(run: Run) -> None:
    old = run.recipe_file.read_text()
    train(recipe("train.steps=9", SLOWER, *QUICK), run.folder, resume=True, accept_changes=True)
    assert (run.folder / "recipe-until-00000006.yaml").read_text() == old
    assert run.record()["sessions"][-1]["changes"] == {"train.optimizer.lr": ["1.0e-3", "5.0e-4"],
                                                       "train.steps": ["6", "9"]}
    assert "changes" not in run.record()["sessions"][0]
    kept = load_recipe(run.recipe_file)
    assert (kept.train.optimizer.lr.text, kept.train.steps) == ("5.0e-4", 9)
    train(load_recipe(run.recipe_file, ["train.steps=10"]), run.folder, resume=True)       # nobody is asked again
    assert run.record()["sessions"][-1]["changes"] == {"train.steps": ["9", "10"]}
    assert len(list(run.folder.glob("recipe-until-*"))) == 1
    with pytest.raises(ChangedError, match=r"5\.0e-4 -> 1\.0e-3"):
        train(recipe("train.steps=12", *QUICK), run.folder, resume=True)


def test_the_recipe_that_trained_is_kept_when_another_change_follows_at_once(run: Run, monkeypatch: pytest.MonkeyPatch
                                                                             ) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    old = run.recipe_file.read_text()
    monkeypatch.setattr(Players, "step", interrupted)
    for lr in ("5.0e-4", "4.0e-4"):                # the first of them trains no step
        with pytest.raises(KeyboardInterrupt):
            train(recipe("train.steps=9", f"train.optimizer.lr={lr}", *QUICK), run.folder, resume=True,
                  accept_changes=True)
    assert (run.folder / "recipe-until-00000006.yaml").read_text() == old
    assert load_recipe(run.recipe_file).train.optimizer.lr.text == "4.0e-4"


def test_who_is_asked_sees_the_changes_and_decides(run: Run) -> None:
    asked: list[list[str]] = []
    with pytest.raises(ChangedError):
        train(recipe("train.steps=7", SLOWER, *QUICK), run.folder, resume=True,
              accept_changes=lambda lines: bool(asked.append(lines)))
    assert asked == [["train.optimizer.lr: 1.0e-3 -> 5.0e-4 (override)"]]
    train(recipe("train.steps=7", SLOWER, *QUICK), run.folder, resume=True, accept_changes=lambda _: True)
    assert max(checkpoint.steps(run.checkpoints)) == 7
    train(recipe("train.steps=8", SLOWER, *QUICK), run.folder, resume=True,
          accept_changes=lambda _: pytest.fail("there is nothing to ask"))


WIDER = {**RECIPE["networks"], "encoder": {"type": "mlp_encoder", "hidden": [9]}}
WITHOUT_CRITIC: dict[str, Any] = {
    "networks": {k: v for k, v in RECIPE["networks"].items() if k != "critic"},
    "players": {"autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
        "rebuild": "10 * mse(generator(f1), x1)"}}}}
ONE_MORE = {**RECIPE["networks"], "judge": {"type": "mlp_critic", "hidden": [8]}}
TWO_CRITICS = {**RECIPE["players"], "judge": {"trains": "judge", "minimizes": {
    "realism": "gan.tell_apart(judge(x1), judge(x3))"}}}


@pytest.mark.parametrize(("changes", "words"), [
    ({"networks": WIDER}, r"networks.encoder.hidden: \[8\] -> \[9\]"),
    ({"code": {"chunk": "4 x 3"}}, "code.chunk: 3 x 4 -> 4 x 3"),
    (WITHOUT_CRITIC, "networks.critic: it is no longer there"),
    ({"networks": ONE_MORE, "players": TWO_CRITICS}, "networks.judge: it is new")])
def test_what_the_networks_cannot_follow_is_refused_before_anything_is_written(run: Run, changes: dict[str, Any],
                                                                               words: str) -> None:
    before = contents(run)
    with pytest.raises(ChangedError, match=words) as error:
        train(recipe("train.steps=9", *QUICK, **changes), run.folder, resume=True, accept_changes=True)
    assert "can't go on" in error.value.message
    assert contents(run) == before


@pytest.mark.parametrize(("changes", "overrides"), [
    ({}, ["train.optimizer.type=rmsprop"]), ({}, ["train.optimizer.type=adagrad"]), ({}, ["train.optimizer.type=sgd"]),
    ({"players": {**RECIPE["players"], "autoencoder": {**RECIPE["players"]["autoencoder"], "trains": "encoder"},
                  "painter": {**RECIPE["players"]["autoencoder"], "trains": "generator"}}}, [])])
def test_optimizers_that_cannot_go_on_begin_anew(run: Run, changes: dict[str, Any], overrides: list[str]) -> None:
    asked: list[str] = []
    train(recipe("train.steps=9", *QUICK, *overrides, **changes), run.folder, resume=True,
          accept_changes=lambda lines: asked.extend(lines) or True)
    assert "players.autoencoder: its optimizer begins anew" in asked
    assert ("players.critic: its optimizer begins anew" in asked) == bool(overrides)
    assert [m["step"] for m in run.metrics()] == [*range(1, 10)]
    train(load_recipe(run.recipe_file, ["train.steps=11"]), run.folder, resume=True)


def test_averages_that_begin_later_begin_with_the_weights(run: Run) -> None:
    before = tensors(run)
    train(recipe("train.steps=7", "train.average=1.0", *QUICK), run.folder, resume=True, accept_changes=True)
    after = tensors(run)
    averages = [name for name in after if name.startswith("averages/")]
    assert averages
    for name in averages:                          # with a decay of 1 they stay where they began
        assert torch.equal(after[name], before[name.replace("averages/", "networks/")])


def test_the_order_of_players_is_a_change(run: Run) -> None:
    players = dict(reversed(RECIPE["players"].items()))
    with pytest.raises(ChangedError, match="players: critic, autoencoder -> autoencoder, critic"):
        train(recipe("train.steps=9", *QUICK, players=players), run.folder, resume=True)


def test_a_source_that_holds_other_images_is_a_change(tmp_path: Path) -> None:
    from PIL import Image

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(20):
        Image.new("RGB", (8, 8), (i * 10, 0, 0)).save(pictures / f"{i}.png")
    data = {**RECIPE["data"], "source": {"type": "folder", "path": str(pictures), "size": 8}}
    run = train(recipe("train.steps=2", *QUICK, data=data), tmp_path / "run")
    (pictures / "7.png").rename(tmp_path / "7.png")
    with pytest.raises(ChangedError, match=r"the source 'source': 20 images 3x8x8 \(.*\), .* -> 19 images"):
        train(recipe("train.steps=4", *QUICK, data=data), run.folder, resume=True)
    (tmp_path / "7.png").rename(pictures / "70.png")
    with pytest.raises(ChangedError, match=r"'source': 20 .*, checksum (\w{8}) -> 20 .*, checksum (?!\1)\w{8}"):
        train(recipe("train.steps=4", *QUICK, data=data), run.folder, resume=True)
    (pictures / "70.png").rename(pictures / "7.png")
    record = run.record()
    del record["data"]["checksums"]                # as older runs wrote it
    run.write_record(record)
    train(recipe("train.steps=4", *QUICK, data=data), run.folder, resume=True)
    assert_equal(tensors(run), tensors(train(recipe("train.steps=4", *QUICK, data=data), tmp_path / "whole")))


def test_other_surroundings_are_noted_where_digits_depend_on_them(run: Run) -> None:
    record = run.record()
    record["sessions"][-1] |= {"threads": 61, "versions": {"torch": "1.0"}}
    run.write_record(record)
    with pytest.warns(UserWarning, match=r"torch 1.0 -> .*, threads 61 -> \d+: from step 6 on, .* last digits"):
        train(recipe("train.steps=7", *QUICK), run.folder, resume=True)
    assert len(run.record()["sessions"][-1]["surroundings"]) == 2
    train(recipe("train.steps=8", *QUICK), run.folder, resume=True)
    assert "surroundings" not in run.record()["sessions"][-1]


def test_the_command_shows_changes_and_takes_them_when_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["train", "--resume", "--out", str(run.folder), "train.steps=8", "train.optimizer.lr=5.0e-4"]
    assert main(asked) == 2
    said = capsys.readouterr().err
    assert "  train.optimizer.lr: 1.0e-3 -> 5.0e-4 (override)\n" in said
    assert "--accept-changes" in said
    assert main([*asked, "--accept-changes"]) == 0
    assert json.loads(run.record_file.read_text())["sessions"][-1]["to_step"] == 8
    assert main(["train", "--accept-changes", str(run.recipe_file)]) == 2


def test_seeds_that_go_on_together_take_changes_too(tmp_path: Path) -> None:
    from unbraid_plugins.tools.studies import train_seeds

    train_seeds(recipe("train.steps=3", *QUICK), [0, 1], tmp_path)
    changed = recipe("train.steps=5", SLOWER, *QUICK)
    with pytest.raises(UnbraidError, match=r"1\.0e-3 -> 5\.0e-4"):
        train_seeds(changed, [0, 1], tmp_path, resume=True)
    for run in train_seeds(changed, [0, 1], tmp_path, resume=True, accept_changes=True):
        assert max(checkpoint.steps(run.checkpoints)) == 5
        assert (run.folder / "recipe-until-00000003.yaml").exists()
