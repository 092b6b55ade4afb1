"""`unbraid check` finds what a training would: networks of other runs, logits before a loss of pixels, named steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_autoencoder import tiny_autoencoder

from unbraid.engine import train

RECIPE = """\
data: {source: {type: sprites, size: 8, count: 60}, batch: 4, workers: 0}
code: {z: 4}
weights: {stage: 40, half: 0.5}
networks:
  encoder:   ENCODER
  generator: {type: mlp_generator, hidden: [8]}
flow:
  y: generator(encoder(x))
players:
  all:
    trains: TRAINS
    until_step: 100
    minimizes:
      rebuild: mse(y, x)
train: {steps: 200, tensorboard: false, device: cpu}
"""


@pytest.fixture
def checked(tmp_path: Path, unbraid: Callable[..., Any]) -> Callable[..., Any]:
    """`unbraid check` of the recipe with some changes."""
    def said(*overrides: str, encoder: str = "{type: mlp_encoder, hidden: [8]}", trains: str = "[encoder, generator]",
             command: str = "check", **changes: str) -> Any:
        text = RECIPE.replace("ENCODER", encoder).replace("TRAINS", trains)
        for old, new in changes.items():
            text = text.replace({"until": "100", "loss": "mse(y, x)"}[old], new)
        (tmp_path / "mine.yaml").write_text(text)
        return unbraid(command, "mine.yaml", *overrides)

    return said


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tiny_autoencoder("train.steps=1"), tmp_path_factory.mktemp("first") / "run").folder


def test_tables_of_a_check_have_no_escapes_in_a_pipe(checked: Callable[..., Any]) -> None:
    said = checked("--plan", "--gradients")
    assert said.code == 0, said.err
    assert [line.split()[0] for line in said.out.splitlines() if line.startswith("  ") and "gradient for" in line] == [
        "turn"]
    assert "\\x1b" not in said.out
    assert "\x1b" not in said.out


def test_a_network_of_another_run(checked: Callable[..., Any], run: Path) -> None:
    said = checked(encoder=f"{{from: '{run}#encoder', freeze: true}}", trains="generator")
    assert said.code == 0, said.err
    assert "convnets.mlp_encoder" in said.out
    said = checked(encoder=f"{{from: '{run}#encodr', freeze: true}}", trains="generator")
    assert said.code == 2
    assert "has no network 'encodr'" in said.err


@pytest.mark.parametrize("encoder", ["{from: 'runs/none#encoder', freeze: true}",
                                     "{type: mlp_encoder, from: 'runs/none#encoder', freeze: true}"])
def test_a_run_that_is_not_there(checked: Callable[..., Any], encoder: str) -> None:
    said = checked(encoder=encoder, trains="generator")
    assert said.code == 2
    assert "mine.yaml:5:3  networks.encoder.from: no run at runs/none" in said.err


def test_weights_that_do_not_fit(checked: Callable[..., Any], run: Path) -> None:
    wide = f"{{type: mlp_encoder, hidden: [9], from: '{run}#encoder', freeze: true}}"
    said = checked(encoder=wide, trains="generator")
    assert said.code == 2
    assert "networks.encoder.from: " in said.err


def test_logits_before_a_loss_of_pixels(checked: Callable[..., Any]) -> None:
    said = checked("networks.generator.output=logits")
    assert said.code == 2
    assert "mine.yaml:14:16  players.all.minimizes.rebuild: generator gives logits, and mse compares them with the " \
        "pixels of x" in said.err
    assert "bernoulli(y, x)" in said.err
    assert checked("networks.generator.output=logits", loss="bernoulli(y, x)").code == 0
    assert checked("networks.generator.output=logits", loss="mse(sigmoid(y), x)").code == 0


def test_steps_have_names(checked: Callable[..., Any]) -> None:
    said = checked(command="show", until="stage")
    assert "until_step: 40" in said.out
    assert "until_step: 60" in checked("weights.stage=60", command="show", until="stage").out
    said = checked("players.all.from_step=stage", "train.steps=stage", command="show")
    assert "from_step: 40" in said.out
    assert "\n  steps: 40" in said.out


@pytest.mark.parametrize(("name", "told"), [
    ("stag", "until_step: expected a whole number or the name of a weight, got the text 'stag'; did you mean 'stage'?"),
    ("half", "players.all.until_step: the weight 'half' is no whole number of steps"),
])
def test_names_that_are_no_steps(checked: Callable[..., Any], name: str, told: str) -> None:
    said = checked(until=name)
    assert said.code == 2
    assert told in said.err
    assert len(said.err.splitlines()) == 1


def test_next_tells_only_what_the_model_can_do(checked: Callable[..., Any]) -> None:
    said = checked("train.steps=1", "code={a: 2, b: 2}", command="train")
    assert said.code == 0, said.err
    assert "unbraid evaluate" in said.err
    assert "unbraid edit" not in said.err
    functions = {"encode(x)": "encoder(x)", "decode(f)": "generator(f)"}
    said = checked("train.steps=1", "code={a: 2, b: 2}", f"functions={json.dumps(functions)}", command="train")
    assert "unbraid edit" in said.err


def test_doctor_lists_commands_and_hooks(unbraid: Callable[..., Any]) -> None:
    said = unbraid("doctor", "editing")
    assert "commands: edit, sample, translate, traverse" in said.out
    assert "hooks: unbraid_commands, unbraid_pictures" in said.out


@pytest.mark.parametrize(("changes", "told"), [
    (["players.all.trains=encoder"], "nobody trains 'generator'; "),
    (["players.all.trains=[encoder],[encoder,generator]"], "nobody trains 'generator' (at players.all.trains="),
    (["networks.generator.output=sigmoid,logits"], "generator gives logits, and mse compares them"),
    (["networks.encoder.from=runs/none#encoder"], "networks.encoder.from: no run at runs/none"),
    (["data.splits={test: 1.0}"], "no split (of the source 'source') 'train'; there is test"),
    (["data.batch=4,1000000000000"], "samples take"),
])
def test_a_sweep_finds_what_check_finds(checked: Callable[..., Any], changes: list[str], told: str) -> None:
    """Before anything is trained."""
    said = checked(*changes, "train.seed=0..1", "--out", "studies/one", command="sweep")
    assert said.code == 2
    assert told in said.err
    assert not Path("studies").exists()


@pytest.mark.parametrize(("changes", "told", "code"), [
    (["data.splits={test: 1.0}"], "no split (of the source 'source') 'train'; there is test", 2),
    (["data.batch=1000000000000"], "samples take", 2),
    (["train.cuda_graphs=true"], "only compiled networks", 0),
    (["train.keep_best=al/rebuild"], "nobody logs 'al/rebuild'; did you mean 'all/rebuild'?", 0),
    (["train.device=cuda:77"], "train.device: can't use 'cuda:77'", 0),
    (["data.batch=1", "networks.generator={type: infogan.generator}", "data.source.size=32"], "batch norm", 0),
])
def test_what_the_first_steps_would_find_is_told(checked, changes: list[str], told: str, code: int) -> None:
    said = checked(*changes)
    assert said.code == code, said.err
    assert told in said.err + said.out


def test_no_run_is_begun_by_a_check(checked, tmp_path: Path) -> None:
    before = {*tmp_path.iterdir()}
    checked()
    assert {p.name for p in {*tmp_path.iterdir()} - before} == {"mine.yaml"}
