"""The plan of a study: recipe, fixed overrides, axes and evaluation; on disk it is `study.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from unbraid.runs import write_whole
from unbraid_configs import Mistake, Recipe, RecipeError, load_recipe
from unbraid_configs.reading import quote, write_scalar
from unbraid_configs.writing import written
from unbraid_plugins.tools.evaluation import EvaluationOptions
from unbraid_plugins.tools.studies.axes import Axis, read_axes
from unbraid_plugins.tools.studies.points import RECIPE, Point, points_of
from unbraid_registry import UnbraidError

if TYPE_CHECKING:
    from unbraid.data import DataFacts

FORMAT = 1
BY_DEFAULT = EvaluationOptions()
SHOWN = 3                                          # the most points that a message names
KEYS = {"format", "unbraid", "recipe", "arguments", "evaluate"}


@attrs.frozen
class Plan:
    """The plan of a study.

    recipes: names or files of one or several recipes.
    fixed: the overrides of all points.
    axes: the axes that vary.
    evaluate: the options of the evaluations; None for no evaluation.
    """

    recipes: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    axes: tuple[Axis, ...] = ()
    evaluate: EvaluationOptions | None = BY_DEFAULT

    @classmethod
    def of(cls, recipes: Sequence[str], arguments: Sequence[str] = (), evaluate: EvaluationOptions | None = BY_DEFAULT
           ) -> Plan:
        """Make a plan from a command line.  Raises UnbraidError."""
        fixed, axes = read_axes(arguments)
        if len(recipes) > 1:
            axes = (Axis((RECIPE,), tuple((r,) for r in recipes)), *axes)
        return cls(tuple(recipes), fixed, axes, evaluate)

    @property
    def points(self) -> list[Point]:
        """All points; the last axis varies fastest."""
        return points_of(self.axes)

    def overrides(self, point: Point) -> list[str]:
        """Return all overrides of a point's recipe."""
        return [*self.fixed, *point.overrides()]

    def recipe(self, point: Point) -> Recipe:
        """Load the resolved recipe of a point.  Raises RecipeError."""
        return load_recipe(point.recipe(self.recipes[0]), self.overrides(point))

    def check(self) -> None:
        """Check every setting and every seed by resolving recipes.  Raises RecipeError with all mistakes, each once."""
        of_setting: dict[object, Point] = {}       # a mistake depends on the setting or the seed, not on both
        of_seed: dict[object, Point] = {}
        for point in self.points:
            of_setting.setdefault(point.setting, point)
            of_seed.setdefault(point.seed, point)
        points = list(dict.fromkeys([*of_setting.values(), *of_seed.values()]))
        found: dict[Mistake, list[Point]] = {}
        for point in points:
            try:
                self.recipe(point)
            except RecipeError as error:
                for mistake in error.mistakes:
                    found.setdefault(mistake, []).append(point)
        if found:
            raise RecipeError([_at(mistake, where, len(points)) for mistake, where in found.items()])
        self._build(points)

    def _build(self, points: Sequence[Point]) -> None:
        """Build the networks of every setting on its data, as `unbraid check` does.  Raises RecipeError, DataError."""
        from unbraid.data import open_data
        from unbraid.model import build_method, load_pretrained, with_pretrained

        facts: dict[object, DataFacts] = {}
        found: dict[Mistake, list[Point]] = {}
        recipes: dict[object, tuple[Point, Recipe]] = {}
        for point in points:
            recipe = self.recipe(point)            # settings with equal networks and flow are checked once
            shape = tuple((path, v) for path, v in written(recipe).items() if not _changes_no_shape(path))
            recipes.setdefault(shape, (point, recipe))
        for point, recipe in recipes.values():
            key = tuple((p, v) for p, v in written(recipe).items() if p.startswith("data."))
            if key not in facts:
                data = open_data(recipe.data, seed=recipe.train.seed)
                try:
                    data.expect_batches()
                    facts[key] = data.facts
                finally:
                    data.close()
            try:
                load_pretrained(build_method(with_pretrained(recipe), facts[key]))
            except RecipeError as error:
                for mistake in error.mistakes:
                    found.setdefault(mistake, []).append(point)
        if found:
            raise RecipeError([_at(mistake, where, len(recipes)) for mistake, where in found.items()])

    def grown(self, other: Plan) -> Plan:
        """Return this plan with another plan's values added to its axes, and with the other's overrides and evaluation.

        Raises UnbraidError if the axes differ.
        """
        ours, theirs = ([axis.name for axis in plan.axes] for plan in (self, other))
        if ours != theirs:
            raise UnbraidError(f"the study's axes are {', '.join(ours) or 'none'}; now they are "
                               f"{', '.join(theirs) or 'none'}", hint="an axis may get more values; for other axes "
                               "choose another --out")
        axes = tuple(Axis(a.paths, tuple(dict.fromkeys((*a.values, *b.values))))
                     for a, b in zip(self.axes, other.axes, strict=True))
        recipes = other.recipes if len(other.recipes) == 1 else tuple(dict.fromkeys((*self.recipes, *other.recipes)))
        return Plan(recipes, other.fixed, axes, other.evaluate)

    def write(self, file: Path) -> None:
        """Write `study.yaml`.  Raises RunError."""
        from unbraid import __version__

        lines = ["# A study: unbraid sweep --resume --out this-folder", f"format: {FORMAT}", f"unbraid: {__version__}",
                 *_list("recipe", self.recipes), *_list("arguments", [*self.fixed, *map(str, self.axes)]),
                 *(["evaluate: null"] if self.evaluate is None else _list("evaluate", self.evaluate.options))]
        write_whole(file, "\n".join(lines) + "\n")


def read_plan(file: Path) -> Plan:
    """Read a plan from a `study.yaml`.  Raises UnbraidError."""
    from unbraid_configs.reading import read_file

    mistakes: list[Mistake] = []
    node = read_file(file, mistakes)
    found = node.plain() if node.is_map else {}
    if mistakes:
        raise RecipeError(mistakes)
    unknown = sorted(found.keys() - KEYS)
    if unknown or not isinstance(found.get("format"), int):
        raise UnbraidError(f"{file} describes no study" + (f": it has {', '.join(unknown)}" if unknown else ""))
    if found["format"] > FORMAT:
        raise UnbraidError(f"{file} has format {found['format']}; this unbraid reads up to {FORMAT}",
                           hint="install a newer unbraid")
    texts: dict[str, Any] = {}
    for key in ("recipe", "arguments", "evaluate"):
        value = found.get(key, [])
        if not (value is None and key == "evaluate") and not (
                isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise UnbraidError(f"{file}: {key} must be a list of texts")
        texts[key] = value
    if not texts["recipe"]:
        raise UnbraidError(f"{file} names no recipe")
    evaluate = None if texts["evaluate"] is None else EvaluationOptions.of(texts["evaluate"], f"{file}: evaluate")
    return Plan.of(texts["recipe"], texts["arguments"], evaluate)


def _list(key: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return [f"{key}: []"]
    return [f"{key}:", *(f"  - {text if _bare(text) else quote(text)}" for text in texts)]


def _bare(text: str) -> bool:
    return write_scalar(text) == text


def _changes_no_shape(path: str) -> bool:
    """Whether a value can't change which networks are built, and for what."""
    return path.startswith(("title", "paper", "requires", "train.", "weights.")) or ".optimizer." in path


def _at(mistake: Mistake, where: Sequence[Point], all_points: int) -> Mistake:
    """Add the names of the points to a mistake that not all points have."""
    if len(where) == all_points:
        return mistake
    names = " and ".join(p.name for p in where[:SHOWN])
    more = f" and {len(where) - SHOWN} more" if len(where) > SHOWN else ""
    return attrs.evolve(mistake, message=f"{mistake.message} (at {names}{more})")
