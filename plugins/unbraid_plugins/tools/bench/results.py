"""The outcome of a benchmark, from the folders of its cells: scores over seeds, costs, and all that went wrong."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import attrs

from unbraid.flow import Flow, below
from unbraid.runs import Run, RunError, provenance
from unbraid_configs import Recipe
from unbraid_plugins.tools.adversaries import adversaries, chance_levels
from unbraid_plugins.tools.bench.cells import Cell
from unbraid_plugins.tools.bench.course import LARGEST
from unbraid_plugins.tools.bench.facts import Facts
from unbraid_plugins.tools.bench.folder import Bench
from unbraid_plugins.tools.bench.processor import seconds_of
from unbraid_plugins.tools.bench.suite import Suite
from unbraid_plugins.tools.studies import MODEL, Row, rows_of_study, summary
from unbraid_registry import FormerPlugins, UnbraidError, registry
from unbraid_registry.files import read_json

FORMAT = 1
NEAR = 0.98                                        # of an adversary's loss at chance, as in `adversaries`
RISE = 5                                           # of a loss over the least that it had: the training broke
BASELINES = ("pixels", "random", "perfect", "supervised")
UNTRAINED = "untrained"


def results_of(bench: Bench, suite: Suite, facts: Mapping[Cell, Facts], failures: Mapping[str, Sequence[str]],
               command: str) -> dict[str, Any]:
    """Return all results of a benchmark as plain dicts, lists and numbers."""
    rows = {cell: _rows(bench, cell) for cell in facts}
    made = provenance()
    return {
        "format": FORMAT, "suite": suite.name, "title": suite.title, "about": suite.about, "command": command,
        "made": {key: made.get(key) for key in ("started", "python", "platform", "versions", "git", "sources")},
        "protocol": {"budget": suite.budget, "seeds": suite.seeds, "splits": suite.splits, "images": suite.images,
                     "tuning": attrs.asdict(suite.tuning),
                     "probe": None if suite.probe is None else attrs.asdict(suite.probe)},
        "measures": {name: {"of": m.of, "told": m.told, "better": _better(m.of, rows.values())}
                     for name, m in suite.measures.items()},
        "data": {name: {"images": next((f.images for c, f in facts.items() if c.data == name), {}),
                        "source": data.source or data.sources} for name, data in suite.data.items()},
        "cells": {cell.name: _cell(bench, suite, cell, f, rows[cell], failures.get(cell.name, ()))
                  for cell, f in facts.items()},
        "baselines": {data: _baselines(suite, [row for cell, own in rows.items() if cell.data == data for row in own])
                      for data in suite.data},
        "blind": {name: dict(entry.blind) for name, entry in suite.methods.items() if entry.blind},
    }


def _rows(bench: Bench, cell: Cell) -> list[Row]:
    study = bench.study("cells", cell)
    return rows_of_study(study)[0] if study.plan_file.is_file() else []


def _cell(bench: Bench, suite: Suite, cell: Cell, facts: Facts, rows: Sequence[Row], failures: Sequence[str]
          ) -> dict[str, Any]:
    chosen = bench.choices(cell)
    study = bench.study("cells", cell)
    runs = [row.run for row in rows]
    return {
        "method": cell.method, "data": cell.data, "recipe": suite.methods[cell.method].recipe,
        "title": facts.recipe.title, "paper": facts.recipe.paper, "annotation": facts.annotation,
        "parameters": {"model": facts.model, "helpers": facts.helpers},
        **{key: chosen.get(key) for key in ("steps", "each", "rate", "tries", "untuned")},
        "seeds": [row.seed for row in rows], "seconds": [seconds_of(run.folder) for run in runs],
        "scores": _scores(suite, rows, MODEL), UNTRAINED: _scores(suite, rows, UNTRAINED),
        "at chance": at_chance(runs), "broken": broken(runs), "notes": _notes(rows),
        "missing": suite.seeds - len(rows), "failures": list(failures),
        "commands": _commands(suite, study.folder, runs),
    }


def _baselines(suite: Suite, rows: Sequence[Row]) -> dict[str, Any]:
    return {arm: found for arm in BASELINES if (found := _scores(suite, rows, arm))}


def _scores(suite: Suite, rows: Sequence[Row], arm: str) -> dict[str, Any]:
    """Return the summaries over rows by measure, of those that any row has."""
    found = {}
    for name, measure in suite.measures.items():
        values = [v for row in rows if (v := score_of(suite, row, measure.of, arm)) is not None]
        if values:
            found[name] = {**attrs.asdict(summary(values)), "values": values}
    return found


def score_of(suite: Suite, row: Row, of: str, arm: str = MODEL) -> float | None:
    """Return a row's number in a measure: of its evaluation, or of its probe, as a mean over the factors."""
    if not of.startswith("probe.") or suite.probe is None:
        return row.score(of, arm)
    _, classifier, labels = of.split(".")
    try:
        found = read_json(row.run.folder / suite.probe.file, LARGEST)
        place = list(map(str, found["labels"])).index(labels)
        kind = "network" if arm == "supervised" else classifier
        by_factor = found["accuracy"][kind]["code" if arm == MODEL else "pixels" if arm == "supervised" else arm]
        known = [v["mean"][place] for v in by_factor.values() if v["mean"][place] is not None]
        return fmean(known) if known else None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _better(of: str, cells: Any) -> str:
    results = (row.evaluation.get("metrics", {}).get(of.partition(".")[0], {}) for rows in cells for row in rows)
    return "higher" if of.startswith("probe.") else next((str(t["better"]) for t in results if t.get("better")), "")


def at_chance(runs: Sequence[Run]) -> list[str]:
    """Return the adversaries whose loss lay at chance in the second half of a training, with the seeds' number."""
    counts: dict[str, int] = {}
    for run in runs:
        try:
            levels, logged = chance_levels(run.recipe()), run.metrics()
        except (UnbraidError, OSError):
            continue
        for level in levels:
            values = [v for numbers in logged if (v := level.of(numbers)) is not None]
            late = values[len(values) // 2:]
            if late and fmean(late) >= NEAR * level.chance:
                counts[level.names] = counts.get(level.names, 0) + 1
    return [f"{name} ({count} of {len(runs)} seeds)" for name, count in counts.items()]


def broken(runs: Sequence[Run]) -> list[str]:
    """Return the players whose losses ended far above what they had reached, with the seeds' number.

    Compared are means over tenths of the training, of the weighted sum of a player's losses that no adversary is part
    of. Such a network has lost its images, as some do at a high learning rate.
    """
    counts: dict[str, int] = {}
    for run in runs:
        try:
            recipe, logged = run.recipe(), run.metrics()
        except (UnbraidError, OSError):
            continue
        for player, weights in _plain_terms(recipe).items():
            values = [sum(w * numbers[term] for term, w in weights.items())
                      for numbers in logged if weights.keys() <= numbers.keys()]
            width = len(values) // 10
            means = [fmean(values[i:i + width]) for i in range(0, len(values) - width + 1, width)] if width else []
            if means and means[-1] > RISE * min(means) > 0:
                counts[player] = counts.get(player, 0) + 1
    return [f"{name} ({count} of {len(runs)} seeds)" for name, count in counts.items()]


def _plain_terms(recipe: Recipe) -> dict[str, dict[str, float]]:
    """Return the losses that no adversary is part of, by player, with their last weights."""
    flow = Flow(recipe, FormerPlugins(registry()))
    players = {name: flow.player(name) for name in recipe.players}
    judges = {network for name in adversaries(recipe, players) for network in recipe.players[name].trains}
    terms = {name: {f"{name}/{t.name}": t.weight.at(recipe.train.steps) for t in player.terms
                    if not any(node.uses & judges for node in below(t.node))} for name, player in players.items()}
    return {name: own for name, own in terms.items() if own}


def _notes(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(str(note) for row in rows for note in row.evaluation.get("notes", [])))


def _commands(suite: Suite, folder: Path, runs: Sequence[Run]) -> list[str]:
    """Return the commands that made the measured runs, as their records have them, and those that measured them."""
    found = []
    for run in runs:
        try:
            trained = [s["command"] for s in run.record().get("sessions", [])][:1]
        except (RunError, KeyError, TypeError):
            trained = []
        found += [shlex.join(["unbraid", *map(str, c[1:])]) for c in trained]
    if runs:
        source = [f"--source={suite.source}"] if suite.source else []
        found.append(shlex.join(["unbraid", "evaluate", f"--metrics={','.join(suite.metrics)}",
                                 f"--images={suite.images}", *source, "--no-report"]) + f" {folder}/runs/*")
    if runs and suite.probe is not None:
        found.append(shlex.join(["unbraid", "probe", *suite.probe.options, "--images", str(2 * suite.images),
                                 "--test-images", str(suite.images)]) + f" {folder}/runs/*")
    return found
