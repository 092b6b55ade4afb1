"""The cells of a benchmark: one method on one data set, as plans of studies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from unbraid_configs import Recipe, is_path, load_recipe
from unbraid_plugins.tools.bench.suite import Suite
from unbraid_plugins.tools.evaluation import EvaluationOptions
from unbraid_plugins.tools.studies import Plan

QUIET = ("train.tensorboard=false", "train.picture_every=1000000", "train.keep=1")
TUNING_SEED = 1000                                 # of tries, which no cell has


@attrs.frozen(eq=False)
class Cell:
    """A method on a data set."""

    suite: Suite
    method: str
    data: str

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.method}@{self.data}"

    @property
    def recipe_name(self) -> str:
        """The recipe's name, or the absolute path of its file."""
        name = self.suite.methods[self.method].recipe
        return str((self.suite.file.parent / Path(name).expanduser()).resolve()) if is_path(name) else name

    @property
    def overrides(self) -> list[str]:
        """The overrides of all its trainings, without splits, steps and learning rates."""
        entry, data = self.suite.methods[self.method], self.suite.data[self.data]
        return [*_sources(data.source, data.sources), *([f"data.split_by={data.split_by}"] if data.split_by else []),
                *entry.set, *entry.on[self.data], *QUIET]

    def steps(self, count: int) -> list[str]:
        """Return the overrides for a number of steps, with those of the stages."""
        shares = self.suite.methods[self.method].shares
        return [f"train.steps={count}", f"train.checkpoint_every={max(1, count // 4)}",
                *(f"{path}={max(1, round(share * count))}" for path, share in shares.items())]

    def recipe(self) -> Recipe:
        """Load its recipe, with the suite's data and widths.  Raises RecipeError."""
        return load_recipe(self.recipe_name, [*self.overrides, *_splits(self.suite.splits)])

    def file(self, folder: Path) -> Path:
        """Return the file of its recipe in a benchmark's folder."""
        return folder / "recipes" / f"{self.name}.yaml"

    def rates(self, factors: Sequence[float], recipe: Recipe) -> list[str]:
        """Return axes' texts that multiply all learning rates by each of the factors, together.

        Empty where the recipe trains nothing.
        """
        rates = {"train.optimizer.lr": recipe.train.optimizer.lr.text}
        rates |= {f"players.{name}.optimizer.lr": player.optimizer.lr.text
                  for name, player in recipe.players.items() if player.optimizer is not None}
        if not recipe.players:
            return []
        values = [":".join(_times(factor, text) for text in rates.values()) for factor in factors]
        return [f"{':'.join(rates)}={','.join(values)}"]

    # -- plans, of the recipe in its file -----------------------------------------------------------------------------

    def to_time(self, file: Path, steps: int) -> Plan:
        """Return the plan of a few steps whose cost is measured."""
        return Plan.of([str(file)], [*self.steps(steps), f"seed={TUNING_SEED}"], None)

    def to_tune(self, file: Path, steps: int, recipe: Recipe) -> Plan:
        """Return the plan of the tries.

        Their "test" split is the suite's validation split, and no split of theirs has its test images: the cuts of
        the splits lie in this order.
        """
        validation = self.suite.splits["validation"]
        return Plan.of([str(file)], [*self.steps(steps),
                                     f'data.splits={json.dumps({"validation": None, "test": validation})}',
                                     f"seed={TUNING_SEED}", *self.rates(self.suite.tuning.rates, recipe)],
                       self._evaluation([self.suite.tuning.by]))

    def to_measure(self, file: Path, steps: int, rate: float, seeds: int, recipe: Recipe) -> Plan:
        """Return the plan of the measured trainings, one for each seed."""
        rates = self.rates([rate], recipe) if rate != 1 else []
        return Plan.of([str(file)], [*self.steps(steps), f"seed=0..{seeds - 1}", *rates],
                       self._evaluation(self.suite.metrics))

    def _evaluation(self, metrics: Sequence[str]) -> EvaluationOptions:
        return EvaluationOptions(metrics=",".join(metrics), images=self.suite.images, source=self.suite.source,
                                 report=False)


def cells_of(suite: Suite) -> list[Cell]:
    """Return the cells of a suite, data by data."""
    return [Cell(suite, method, data) for data in suite.data for method, entry in suite.methods.items()
            if data in entry.on]


def _sources(source: object, sources: object) -> list[str]:
    """Return overrides that put these sources in place of the recipe's."""
    given = {"data.source": source, "data.sources": sources}
    return [*(f"{path}=null" for path in given), *(f"{path}={json.dumps(v)}" for path, v in given.items() if v)]


def _splits(splits: dict[str, float]) -> list[str]:
    return ["data.splits=null", f"data.splits={json.dumps(splits)}"]


def _times(factor: float, text: str) -> str:
    """Return a learning rate times a factor, as a text."""
    try:
        return f"{float(text) * factor:.6g}"
    except ValueError:
        return f"{factor:g} * {text}"
