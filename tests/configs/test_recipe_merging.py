"""`base:`, `name: null`, and what replaces what."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_recipes import GOOD, load, mistakes
from recipe_standins import Plugins, typed_catalog

from unbraid_configs import RecipeError, load_recipe


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    (tmp_path / "parent.yaml").write_text(GOOD)
    return tmp_path


def child(folder: Path, text: str) -> object:
    return load(folder, f"base: parent.yaml\n{text}", name="child.yaml")


def told(folder: Path, text: str) -> str:
    return "\n".join(map(str, mistakes(folder, f"base: parent.yaml\n{text}", name="child.yaml")))


def test_a_child_without_more_is_its_parent(parent: Path) -> None:
    assert child(parent, "") == load(parent, GOOD)


def test_maps_merge_lists_and_scalars_replace(parent: Path) -> None:
    recipe = child(
        parent,
        "players: {autoencoder: {trains: [encoder], turns: 2, minimizes: {prior: 3}}}\n"
        "train: {steps: 99}\nweights: {gamma: 1}\n",
    )
    player = recipe.players["autoencoder"]
    assert player.trains == ("encoder",)
    assert player.turns == 2
    assert list(player.minimizes) == ["rebuild", "prior"]
    assert (recipe.train.steps, recipe.train.optimizer.lr.text) == (99, "1.0e-3")
    assert list(recipe.weights) == ["beta", "gamma"]
    assert list(recipe.players) == ["critic", "autoencoder"]


def test_a_block_of_another_type_is_replaced(parent: Path) -> None:
    (parent / "parent.yaml").write_text(GOOD.replace("conv_encoder}", "conv_encoder, width: 7, code: pose}"))
    same = child(parent, "networks: {encoder: {type: conv_encoder, norm: batch}}").networks["encoder"]
    assert (same.spec.value.width, same.spec.value.norm, same.code) == (7, "batch", ("pose",))
    full = child(parent, "networks: {encoder: {type: convnets.conv_encoder, norm: batch}}").networks["encoder"]
    assert full.spec.value.width == 7
    other = child(parent, "networks: {encoder: {type: mlp}}").networks["encoder"]
    assert (other.spec.component.name, other.code) == ("mlp", None)
    average = child(
        parent, "networks: {encoder: {type: average, of: critic}}\nplayers: {autoencoder: {trains: generator}}"
    ).networks["encoder"]
    assert average.spec is None


def test_another_optimizer_does_not_inherit_the_old_ones_settings(parent: Path) -> None:
    optimizer = child(parent, "train: {optimizer: {type: sgd}}").train.optimizer
    assert (optimizer.type, optimizer.lr.text) == ("sgd", "1.0e-3")
    (parent / "parent.yaml").write_text(GOOD.replace("lr: 1.0e-3", "lr: 5, weight_decay: 1"))
    optimizer = child(parent, "train: {optimizer: {type: sgd}}").train.optimizer
    assert (optimizer.lr.text, optimizer.weight_decay) == ("1.0e-3", 0.0)
    optimizer = child(parent, "train: {optimizer: {type: adam}}").train.optimizer
    assert optimizer.lr.text == "5"


def test_a_players_optimizer_says_what_differs(tmp_path: Path) -> None:
    text = GOOD.replace("    trains: critic\n", "    trains: critic\n    optimizer: {lr: 3}\n").replace(
        "lr: 1.0e-3", "lr: 5, betas: [0.5, 0.9]"
    )
    optimizer = load(tmp_path, text).players["critic"].optimizer
    assert (optimizer.lr.text, optimizer.betas) == ("3", (0.5, 0.9))
    optimizer = load(tmp_path, text.replace("{lr: 3}", "{type: sgd}")).players["critic"].optimizer
    assert (optimizer.lr.text, optimizer.betas) == ("1.0e-3", (0.9, 0.999))


def test_source_replaces_sources_and_the_reverse(parent: Path) -> None:
    recipe = child(
        parent,
        "data: {sources: {day: {type: folder}, night: {type: folder}},\n  draw: {x1: {from: day}, x2: {from: night}}}",
    )
    assert list(recipe.data.sources) == ["day", "night"]
    (parent / "parent.yaml").write_text(
        GOOD.replace("source: {type", "sources: {day: {type").replace("sprites}", "sprites}}")
    )
    assert list(child(parent, "data: {source: {type: folder}}").data.sources) == ["source"]


def test_null_removes(parent: Path) -> None:
    recipe = child(
        parent,
        "code: {pose: null}\nweights: {beta: null}\nflow: {p, q: null}".replace("{p, q: null}", "\n  p, q: null")
        + "\nplayers: {critic: null}\nfunctions: {encode: null}\n"
        "data: {draw: {x2: null}}\nnetworks: {critic: null}\n",
    )
    assert list(recipe.code) == ["chunk"]
    assert (recipe.weights, recipe.functions) == ({}, {})
    assert list(recipe.flow) == [("f",), ("y",)]
    assert list(recipe.players) == ["autoencoder"]
    assert list(recipe.data.draw) == ["x1"]
    assert list(recipe.networks) == ["encoder", "generator"]
    assert child(parent, "functions:\n  encode(x): null").functions == {}
    assert child(parent, "code: null").code == {}
    assert child(parent, "code:").code == load(parent, GOOD).code
    assert child(parent, "train: {steps: null}").train.steps == 10_000


def test_null_removes_only_what_is_there(parent: Path) -> None:
    assert "no 'critc'; did you mean 'critic'?" in told(parent, "networks: {critc: null}")
    assert "no 'encde'; did you mean 'encode'?" in told(parent, "functions: {encde: null}")
    assert "no 'g'" in told(parent, "flow: {g: null}")


def test_flow_lines_merge_by_the_names_that_they_define(parent: Path) -> None:
    flow = {names: body.text for names, body in child(parent, "flow:\n  y: l1(f)\n  z: f\n").flow.items()}
    assert flow == {("f",): "encoder(x1)", ("y",): "l1(f)", ("p", "q"): "halves(critic(y))", ("z",): "f"}
    swapped = child(parent, "flow:\n  q, p: halves(y)\n").flow
    assert list(swapped) == [("f",), ("y",), ("q", "p")]
    split = child(parent, "flow:\n  p: f\n  q: y\n").flow
    assert list(split) == [("f",), ("y",), ("p",), ("q",)]
    joined = child(parent, "flow:\n  f, y, w: halves(x1)\n").flow
    assert list(joined) == [("f", "y", "w"), ("p", "q")]


def test_a_line_cannot_take_half_of_the_parents_line(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(parent)
    message = told(parent, "flow:\n  p: encoder(x1)\n")
    assert message == (
        "child.yaml:3:3  flow.p: the base defines 'p, q' in one line (parent.yaml:15:3); 'q' would be lost; "
        "redefine the whole line `p, q: ...`, or also 'q'"
    )
    assert "'q' would be lost" in told(parent, "flow:\n  p: null\n")


def test_functions_merge_by_name_whatever_their_parameters(parent: Path) -> None:
    functions = child(parent, "functions:\n  encode(x, y): f\n  more(): f\n").functions
    assert list(functions) == ["encode", "more"]
    assert functions["encode"].parameters == ("x", "y")
    assert functions["more"].parameters == ()


def test_a_child_changes_one_of_two_networks_declared_together(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(GOOD.replace("  encoder:", "  encoder, spare:"))
    networks = child(tmp_path, "networks: {spare: {width: 5}}").networks
    assert (networks["encoder"].spec.value.width, networks["spare"].spec.value.width) == (32, 5)
    both = child(tmp_path, "networks:\n  encoder, spare: {width: 6}").networks
    assert (both["encoder"].spec.value.width, both["spare"].spec.value.width) == (6, 6)


def test_a_factor_called_type_is_no_type(parent: Path) -> None:
    (parent / "parent.yaml").write_text(GOOD.replace("pose: 4", "pose: 4, type: 5"))
    assert list(child(parent, "code: {type: 6}").code) == ["pose", "type", "chunk"]


def test_bases_chain_across_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "grandparent.yaml").write_text(GOOD)
    (tmp_path / "deep" / "parent.yaml").write_text("base: ../grandparent.yaml\nweights: {beta: 7}\n")
    recipe = load(tmp_path, "base: deep/parent.yaml\nweights: {gamma: 8}\n")
    assert {name: weight.text for name, weight in recipe.weights.items()} == {"beta": "7", "gamma": "8"}


def test_circles_and_bad_bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("base: b.yaml\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\n")
    with pytest.raises(RecipeError, match=r"b\.yaml:1:7  base: .*circle: a\.yaml -> b\.yaml -> a\.yaml"):
        load_recipe("a.yaml", plugins=Plugins())
    with pytest.raises(RecipeError, match=r"r\.yaml:1:7  base: expected one path"):
        load(tmp_path, "base: [a.yaml, b.yaml]\n", name="r.yaml")


def test_mistakes_of_the_parent_are_told_in_the_parent(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(parent)
    (parent / "parent.yaml").write_text(GOOD.replace("steps: 10", "steps: ten"))
    assert "parent.yaml:27:16  train.steps" in told(parent, "weights: {beta: 3}")
    (parent / "parent.yaml").write_text(GOOD + "\tx: y\n")
    assert "parent.yaml:28:1  a tab" in told(parent, "weights: {beta: 3}")


def test_bases_and_recipes_by_name(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text(GOOD)
    plugins = Plugins(typed_catalog(), {"munit.style": tmp_path / "theirs.yaml"})
    for name in ("munit.style", "munit:style"):
        assert load(tmp_path, f"base: {name}\ntrain: {{steps: 3}}", plugins=plugins).train.steps == 3
        assert load_recipe(name, plugins=plugins).train.steps == 10
    with pytest.raises(RecipeError, match=r"no recipe is called 'munit.styel'; did you mean 'munit.style'"):
        load_recipe("munit.styel", plugins=plugins)
    with pytest.raises(RecipeError, match=r"for the file write .*theirs\.yaml"):
        load(tmp_path, "base: theirs", plugins=plugins)


def test_hints_are_names_not_paths(parent: Path) -> None:
    """`base: parent` beside a file parent.yaml: the hint is what to write there."""
    (parent / "child.yaml").write_text("base: parent\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(parent / "child.yaml", plugins=Plugins(typed_catalog()))
    assert caught.value.mistakes[0].hint == "for the file write parent.yaml"
    with pytest.raises(RecipeError) as caught:      # a recipe of a plugin, with another beside it
        load_recipe("nets.child", plugins=Plugins(typed_catalog(), {
            f"nets.{name}": parent / f"{name}.yaml" for name in ("parent", "child")}))
    assert caught.value.mistakes[0].hint == "write nets.parent"
