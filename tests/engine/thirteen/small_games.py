"""A recipe brought to life with its data and players, and what tests look at in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import torch
from stand_ins import PLUGINS
from torch import Tensor

from unbraid.data import Data, open_data
from unbraid.engine import Players
from unbraid.engine.turns import StepReport
from unbraid.model import Method, build_method
from unbraid_configs import Recipe, load_recipe, make_recipe

RECIPES = Path(__file__).parent / "recipes"
THIRTEEN = tuple(sorted(file.stem for file in RECIPES.glob("*.yaml")))
PLAYED = tuple(name for name in THIRTEEN if name != "viewgraph")            # the view graph has no players

Weights = dict[str, dict[str, Tensor]]


@attrs.define(eq=False)
class SmallGame:
    """A recipe, its method, its data, and its players."""

    recipe: Recipe
    method: Method
    data: Data
    players: Players

    def in_parts(self, parts: int) -> SmallGame:
        """The same with batches in parts."""
        players = Players(self.method, self.data.batch, torch.device("cpu"), self.recipe.train.seed, accumulate=parts)
        return attrs.evolve(self, players=players)

    def play(self, first: int, last: int, **options: Any) -> list[StepReport]:
        """The steps first ... last - 1."""
        return [self.players.step(step, **options) for step in range(first, last)]

    def weights(self) -> Weights:
        """A copy of every network's state, buffers included."""
        return {name: {key: t.clone() for key, t in module.state_dict().items()}
                for name, module in self.method.modules.items()}

    def moved(self, before: Weights) -> set[str]:
        """The networks whose weights differ from what they were (running statistics and other buffers aside)."""
        return {name for name, module in self.method.modules.items()
                if any(not torch.equal(p, before[name][key]) for key, p in module.named_parameters())}

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """The real calls of every network inside."""
        counts: Counter[str] = Counter()
        hooks = [module.register_forward_hook(lambda *_, name=name: counts.update([name]))
                 for name, module in self.method.modules.items()]
        yield counts
        for hook in hooks:
            hook.remove()


def recipe_of(given: str | Path | Mapping[str, Any], *overrides: str) -> Recipe:
    """One of the thirteen's recipes by name, a file, or a mapping."""
    if isinstance(given, Mapping):
        return make_recipe(given, overrides, plugins=PLUGINS)
    return load_recipe(RECIPES / f"{given}.yaml" if isinstance(given, str) else given, overrides, plugins=PLUGINS)


def alive(recipe: Recipe) -> SmallGame:
    """A recipe with its data opened and its networks built."""
    data = open_data(recipe.data, seed=recipe.train.seed)
    method = build_method(recipe, data.facts, catalog=PLUGINS.catalog)
    return SmallGame(recipe, method, data, Players(method, data.batch, torch.device("cpu"), recipe.train.seed))


def game(given: str | Path | Mapping[str, Any], *overrides: str) -> SmallGame:
    """`alive(recipe_of(...))`."""
    return alive(recipe_of(given, *overrides))


def difference(a: Weights, b: Weights) -> float:
    """The largest difference between two states."""
    return max((float((a[n][k].double() - b[n][k].double()).abs().max()) for n in a for k in a[n] if a[n][k].numel()),
               default=0.0)


def different(a: Weights, b: Weights) -> Sequence[str]:
    """What differs between two states, bit for bit."""
    return [f"{n}.{k}" for n in a for k in a[n] if not torch.equal(a[n][k], b[n][k])]
