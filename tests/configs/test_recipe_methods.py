"""The lecture's thirteen methods (18 files) load, are written, shown, and valid to the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_standins import Plugins, methods_catalog

from unbraid_configs import Expression, Factor, Recipe, dump_recipe, load_recipe, recipe_schema, show_recipe

METHODS = sorted((Path(__file__).parent / "methods").glob("*.yaml"))
PLUGINS = Plugins(methods_catalog())


def method(name: str) -> Recipe:
    return load_recipe(Path(__file__).parent / "methods" / f"{name}.yaml", plugins=PLUGINS)


def test_there_are_eighteen_files() -> None:
    assert len(METHODS) == 18


@pytest.mark.parametrize("file", METHODS, ids=lambda f: f.stem)
def test_a_method_loads_and_its_dump_loads_to_an_equal_recipe(file: Path, tmp_path: Path) -> None:
    recipe = load_recipe(file, plugins=PLUGINS)
    text = dump_recipe(recipe)
    kept = tmp_path / "recipe.yaml"
    kept.write_text(text, encoding="utf-8")
    again = load_recipe(kept, plugins=PLUGINS)
    assert again == recipe
    assert dump_recipe(again) == text
    assert "base:" not in text
    kept.write_text(show_recipe(recipe), encoding="utf-8")
    assert load_recipe(kept, plugins=PLUGINS) == recipe


@pytest.mark.parametrize("file", METHODS, ids=lambda f: f.stem)
def test_a_method_is_valid_to_the_schema(file: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from ruamel.yaml import YAML

    validator = jsonschema.Draft202012Validator(recipe_schema(PLUGINS.catalog))
    yaml = YAML(typ="safe", pure=True)
    assert list(validator.iter_errors(yaml.load(file.read_text(encoding="utf-8")))) == []
    recipe = load_recipe(file, plugins=PLUGINS)
    assert list(validator.iter_errors(yaml.load(dump_recipe(recipe)))) == []


def test_mixing_is_read_as_the_paper_says() -> None:
    recipe = method("mixing")
    assert list(recipe.data.draw) == ["x1", "x2"]
    assert recipe.code == {"chunk": Factor(name="chunk", size=64, count=8)}
    assert recipe.flow["x3",] == Expression("generator(mix(f1, f2, mask))")
    assert recipe.players["critic"].trains == ("critic",)
    assert recipe.players["autoencoder"].minimizes["cycle"].text == "10 * mse(x4, x1)"
    assert recipe.functions["decode"].parameters == ("f",)
    assert list(recipe.data.sources) == ["source"]


def test_names_declared_together_are_equal_networks() -> None:
    recipe = method("unit")
    assert recipe.networks["front1"] == recipe.networks["front2"]
    assert recipe.networks["front1"].place.column == 3
    assert recipe.networks["front2"].place.column == 11
    assert recipe.data.draw["x2"].from_ == "night"


def test_sizes_of_infogan() -> None:
    assert method("infogan").code == {
        "noise": Factor(name="noise", size=62, prior="uniform"),
        "style": Factor(name="style", size=2, prior="uniform"),
        "category": Factor(name="category", size=10, prior="classes"),
    }


def test_unpacking_sets_and_stages() -> None:
    drgan, shape3d = method("drgan"), method("shape3d")
    assert ("f", "trust") in drgan.flow
    assert drgan.data.draw["x"].count == 4
    assert drgan.networks["critic"].spec.value.heads == ("identity", "pose")
    assert shape3d.players["critic"].until_step == shape3d.players["encoder"].from_step == 30_000


def test_factorvae_is_betavae_with_a_critic_at_the_end() -> None:
    recipe = method("factorvae")
    assert list(recipe.players) == ["vae", "critic"]
    assert list(recipe.players["vae"].minimizes) == ["rebuild", "prior", "independence"]
    assert {name: weight.text for name, weight in recipe.weights.items()} == {"beta": "1", "gamma": "35"}
    assert recipe.train.moves == "together"


def test_expressions_know_where_they_begin() -> None:
    recipe = method("ma1")
    text = (Path(__file__).parent / "methods" / "ma1.yaml").read_text(encoding="utf-8").splitlines()
    for expression in (
        *recipe.flow.values(),
        recipe.players["critic"].minimizes["realism"],
        recipe.functions["encode"].body,
    ):
        line = text[expression.place.line - 1]
        assert line[expression.place.column - 1 :].startswith(expression.text)
