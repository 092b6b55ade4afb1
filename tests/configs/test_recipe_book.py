"""Every bundled recipe loads with the installed plugins, is kept whole, and is valid to the printed schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from unbraid_configs import bundled_recipes, dump_recipe, load_recipe, recipe_schema
from unbraid_configs.reading.yaml_reader import read_yaml

RECIPES = bundled_recipes()


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return recipe_schema()


@pytest.mark.parametrize("name", RECIPES)
def test_a_bundled_recipe_is_good(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any]
) -> None:
    for file in RECIPES.values():
        for variable in re.findall(r"\$\{(\w+)\}", file.read_text(encoding="utf-8")):
            monkeypatch.setenv(variable, str(tmp_path))
    recipe = load_recipe(name)
    kept = tmp_path / "recipe.yaml"
    kept.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(kept) == recipe
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema)
    for file in (RECIPES[name], kept):
        assert list(validator.iter_errors(read_yaml(file.read_text(encoding="utf-8"), name, []).plain())) == []
