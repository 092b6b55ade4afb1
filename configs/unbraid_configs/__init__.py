"""Typed recipes: reading, merging, overriding, checking, showing and writing them.

Everything is loaded when it is first used: importing this package costs next to nothing, and never torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    **dict.fromkeys(("Data", "Draw", "Expression", "Factor", "Function", "Network", "Optimizer", "Place", "Player",
                     "Recipe", "Spec", "Train"), "recipe"),
    "Mistake": "mistakes", "RecipeError": "mistakes", "closest": "mistakes",
    "Node": "tree",
    "load_recipe": "load", "make_recipe": "load",
    "dump_recipe": "dump", "show_recipe": "show", "recipe_schema": "schema",
    "bundled_recipes": "library", "all_recipes": "library", "find_recipe": "library",
}

__all__ = sorted(_HOME)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'unbraid_configs' has no attribute {name!r}")
        return getattr(importlib.import_module(f"unbraid_configs.{_HOME[name]}"), name)

    def __dir__() -> list[str]:
        return __all__
else:
    from unbraid_configs.dump import dump_recipe as dump_recipe
    from unbraid_configs.library import all_recipes as all_recipes
    from unbraid_configs.library import bundled_recipes as bundled_recipes
    from unbraid_configs.library import find_recipe as find_recipe
    from unbraid_configs.load import load_recipe as load_recipe
    from unbraid_configs.load import make_recipe as make_recipe
    from unbraid_configs.mistakes import Mistake as Mistake
    from unbraid_configs.mistakes import RecipeError as RecipeError
    from unbraid_configs.mistakes import closest as closest
    from unbraid_configs.recipe import Data as Data
    from unbraid_configs.recipe import Draw as Draw
    from unbraid_configs.recipe import Expression as Expression
    from unbraid_configs.recipe import Factor as Factor
    from unbraid_configs.recipe import Function as Function
    from unbraid_configs.recipe import Network as Network
    from unbraid_configs.recipe import Optimizer as Optimizer
    from unbraid_configs.recipe import Place as Place
    from unbraid_configs.recipe import Player as Player
    from unbraid_configs.recipe import Recipe as Recipe
    from unbraid_configs.recipe import Spec as Spec
    from unbraid_configs.recipe import Train as Train
    from unbraid_configs.schema import recipe_schema as recipe_schema
    from unbraid_configs.show import show_recipe as show_recipe
    from unbraid_configs.tree import Node as Node
