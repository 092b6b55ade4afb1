"""The scores of a study's runs, from their evaluations, by run, arm and metric."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import attrs

from unbraid.runs import Run, RunError
from unbraid_configs import RecipeError
from unbraid_configs.writing import FREE, Difference, as_it_stands, written
from unbraid_plugins.tools.reports import read_evaluation
from unbraid_plugins.tools.studies.axes import SEED
from unbraid_plugins.tools.studies.folder import EVALUATION, Study, StudyError, trained_to
from unbraid_plugins.tools.studies.points import RECIPE
from unbraid_registry import closest

MODEL, UDR = "model", "udr"                        # the trained arm; the metric of the ranking without labels
_SEED_PART = re.compile(r"[,_-]?seed[=_-]?\d+$")
TELLING = 4                                        # the most differences between recipes that become columns


@attrs.frozen(eq=False)
class Row:
    """A run with its values on the axes of its study, and its evaluation.

    values: path -> text, including the seed.
    step: the step of the last checkpoint.
    seconds: the duration of the training; None if unknown.
    scores: scores of the model that are not in its evaluation, such as that of a ranking.
    """

    name: str
    run: Run
    values: dict[str, str]
    evaluation: dict[str, Any]
    step: int | None = None
    seconds: float | None = None
    scores: dict[str, float] = attrs.Factory(dict)

    @property
    def seed(self) -> str | None:
        """The seed; None if unknown."""
        return self.values.get(SEED)

    @property
    def setting(self) -> tuple[tuple[str, str], ...]:
        """All values except the seed."""
        return tuple((p, v) for p, v in self.values.items() if p != SEED)

    @property
    def arms(self) -> list[str]:
        """The evaluated arms: the model and its baselines."""
        return list(self.evaluation.get("arms", {}))

    def metrics(self, arm: str = MODEL) -> list[str]:
        """Return the metrics in which this arm has a score."""
        own = [m for m in self.evaluation.get("arms", {}).get(arm, {}) if self.score(m, arm) is not None]
        return [*own, *(self.scores if arm == MODEL else ())]

    def score(self, metric: str, arm: str = MODEL) -> float | None:
        """Return a metric's score, or another number of its result (`dci.completeness`); None without such a number."""
        if arm == MODEL and metric in self.scores:
            return self.scores[metric]
        name, *parts = metric.split(".")
        found = self.evaluation.get("arms", {}).get(arm, {})
        if metric in found:                        # a metric of another plugin has a dot in its name
            name, parts = metric, []
        found = found.get(name)
        for part in parts or ["score"]:
            found = found.get(part) if isinstance(found, dict) else None
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def rows_of_study(study: Study) -> tuple[list[Row], list[str]]:
    """Return the evaluated runs of a study, in the order of its points, and notes about missing or omitted runs."""
    points, notes = study.points(study.plan())
    rows, missing = [], 0
    for point in points:
        row = _row(study.run(point), point.name, dict(point.values))
        missing += row is None
        rows += [row] if row is not None else []
    if missing:
        notes.append(f"{missing} of {len(points)} runs have no evaluation yet")
    return rows, notes


def rows_of_runs(runs: Sequence[Run]) -> tuple[list[Row], list[str]]:
    """Return rows of runs outside a study, and notes; their values are the differences between their recipes."""
    found, notes = [], []
    for run in runs:
        row = _row(run, str(run.folder), {})
        if row is None:
            notes.append(f"{run.folder} has no evaluation: unbraid evaluate {quote(str(run.folder))}")
        else:
            found.append(row)
    texts = _settings([row.run for row in found])
    values = _telling(texts, [_SEED_PART.sub("", Path(row.name).name) for row in found])
    return [attrs.evolve(row, values={**v, SEED: t["train.seed"]})
            for row, v, t in zip(found, values, texts, strict=True)], notes


def _settings(runs: Sequence[Run]) -> list[dict[str, str]]:
    """Return all values of the runs' recipes by path.

    They are read as they stand where all recipes have the same paths, which takes no plugin and no torch, and where one
    no longer fits its plugins. Otherwise each recipe is loaded, which adds options that came later.
    """
    as_they_stand = [as_it_stands(run.recipe_file) for run in runs]
    if len({frozenset(texts) for texts in as_they_stand}) <= 1 and all(SEED in texts for texts in as_they_stand):
        return as_they_stand
    try:
        return [written(run.recipe()) for run in runs]
    except RecipeError:
        return as_they_stand


def _telling(texts: Sequence[dict[str, str]], folders: Sequence[str]) -> list[dict[str, str]]:
    """Return for every recipe the values that distinguish it from the others, without the seed.

    With several titles these are the folder's name, if each name (without the seed) stands for one setting. Otherwise
    they are the title, if each title stands for one setting; or all differing paths, up to 4; or the title (if there
    are several) and the first 4 paths that differ among recipes of that title.
    """
    bodies = [{p: t for p, t in text.items() if p != SEED and not Difference(p, t, t).is_place
               and (p == "train.steps" or not p.startswith(FREE))} for text in texts]
    titles = [text.get("title", "").strip("\"'") for text in texts]
    kinds = {tuple(body.items()) for body in bodies}
    named = {(name, tuple(body.items())) for name, body in zip(folders, bodies, strict=True)}
    by_title = {title: [b for b, t in zip(bodies, titles, strict=True) if t == title] for title in titles}
    within = {title: _differing(group) for title, group in by_title.items()}
    everywhere = _differing(bodies)
    if len(by_title) > 1 and len(named) == len(set(folders)) == len(kinds) and all(folders):
        return [{RECIPE: name} for name in folders]
    if len(by_title) == len(kinds) and len(kinds) > 1:
        return [{RECIPE: title} for title in titles]
    if len(everywhere) <= TELLING:
        return [{p: body.get(p, "") for p in everywhere} for body in bodies]
    several = {RECIPE: ""} if len(by_title) > 1 else {}
    return [{**({RECIPE: title} if several else {}), **{p: body.get(p, "") for p in within[title][:TELLING]}}
            for title, body in zip(titles, bodies, strict=True)]


def _differing(bodies: Sequence[dict[str, str]]) -> list[str]:
    paths = dict.fromkeys(p for body in bodies for p in body)
    return [p for p in paths if len({body.get(p) for body in bodies}) > 1]


def rows_of(places: Iterable[Path]) -> tuple[list[Row], list[str]]:
    """Return the rows of one study, or of several studies and runs together, and notes.  Raises UnbraidError."""
    places = list(places)
    if len(places) == 1 and Study(places[0]).plan_file.is_file():
        return rows_of_study(Study.at(places[0]))
    runs = []
    for place in places:
        study = Study(place)
        if study.plan_file.is_file():
            runs += [study.run(p) for p in study.points(study.plan())[0] if study.run(p).record_file.is_file()]
        elif (place / "runs").is_dir() and not (place / "run.json").is_file():
            raise StudyError(f"{place} is neither a study nor a run: it has no study.yaml and no run.json")
        else:
            runs.append(Run.at(place).in_folder())
    return rows_of_runs(runs)


def with_scores(rows: Sequence[Row], metric: str, scores: dict[str, float]) -> list[Row]:
    """Return the rows with one more score each.  scores: the scores by the rows' names."""
    return [attrs.evolve(row, scores={**row.scores, metric: scores[row.name]}) if row.name in scores else row
            for row in rows]


def metrics_of(rows: Sequence[Row]) -> list[str]:
    """Return all metrics in which a model has a score, in the order of the evaluations."""
    return list(dict.fromkeys(m for row in rows for m in row.metrics()))


def baselines_of(rows: Sequence[Row]) -> list[str]:
    """Return all arms except the model."""
    return list(dict.fromkeys(arm for row in rows for arm in row.arms if arm != MODEL))


def known_metric(metric: str, rows: Sequence[Row]) -> str:
    """Return the metric if some row has a score in it.  Raises StudyError, with the closest name as its hint."""
    if any(row.score(metric) is not None for row in rows):
        return metric
    known = metrics_of(rows)
    raise StudyError(f"no run has a score in {metric!r}",
                     hint=closest(metric, known) or f"there is {', '.join(known) or 'none at all'}")


def is_better_lower(metric: str, rows: Sequence[Row]) -> bool:
    """Return whether lower scores of a metric are better."""
    results = (row.evaluation.get("metrics", {}).get(metric.partition(".")[0], {}) for row in rows)
    return any(isinstance(t, dict) and t.get("better") == "lower" for t in results)


def _row(run: Run, name: str, values: dict[str, str]) -> Row | None:
    file = run.folder / EVALUATION
    found = read_evaluation(file)
    return None if found is None else Row(name, run, values, found, trained_to(run), _seconds(run))


def _seconds(run: Run) -> float | None:
    """Return the total duration of a run's sessions; None if one of them has no end."""
    from datetime import datetime

    try:
        sessions = run.record().get("sessions", [])
        spans = [datetime.strptime(s["ended"], _TIME) - datetime.strptime(s["started"], _TIME) for s in sessions]
    except (KeyError, ValueError, TypeError, RunError):
        return None
    return sum(span.total_seconds() for span in spans)


_TIME = "%Y-%m-%dT%H:%M:%S%z"
