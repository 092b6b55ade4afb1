"""Probes of a run or a model: all representations and factors, with few labels and many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from unbraid.data import Data, open_data
from unbraid.engine import data_notes
from unbraid.model import Model, load
from unbraid.runs import Run
from unbraid_plugins.tools.evaluation import LARGEST, source_of
from unbraid_plugins.tools.probing.classifiers import best_penalty, distances, linear, nearest, trained
from unbraid_plugins.tools.probing.labels import drawn, short
from unbraid_plugins.tools.probing.plot import write_picture
from unbraid_plugins.tools.probing.preprocessing import prepared
from unbraid_plugins.tools.probing.regressions import judged_numbers, labelled_numbers
from unbraid_plugins.tools.probing.representations import PIXELS, Representation, representations
from unbraid_plugins.tools.probing.settings import ALL, Settings, budget_name
from unbraid_plugins.tools.probing.task import Task, task
from unbraid_registry.files import write_json

FORMAT = 1

Drawn: TypeAlias = "dict[str, list[list[np.ndarray]]]"    # factor -> budget -> draw -> labelled rows


def probe(run: str | Path | Run, *, fit_on: str | None = None, judge_on: str | None = None,
          labels: Sequence[int | str] = (1, 5, 20, 100, ALL), draws: int = 3, neighbours: int = 1, images: int = 5000,
          test_images: int = 2000, seed: int = 0, supervised: bool = False, device: str = "cpu",
          overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Probe the codes of a run's model, and write `probe.json` and a picture into the run.

    fit_on: the source to fit on; by default the first draw's.
    judge_on: the source to judge on; by default the same as `fit_on`.
    labels: numbers of labels of every class, and "all".
    draws: the number of draws of few labels.
    neighbours: the number of neighbours that vote.
    images, test_images: the largest numbers of images to fit and to judge on.
    seed: of the choice of images and labels.
    supervised: also train networks on the same labels, which takes minutes.
    overrides: changes of the run's recipe where it no longer fits, as for `load`.

    If a source is not the first draw's, the files are `probe-FIT-JUDGE.json` and `.png`.

    Returns the result of `probe_model` with the run's step and the paths of the file and the picture.  Raises
    UnbraidError (RunError, ModelError, DataError, ProbeError).
    """
    settings = Settings(labels=labels, draws=draws, neighbours=neighbours, images=images, test_images=test_images,
                        seed=seed, supervised=supervised)
    found = run if isinstance(run, Run) else Run.at(run)
    model = load(found.folder, device=device, overrides=overrides)
    recipe = model.method.recipe
    data = open_data(recipe.data, seed=recipe.train.seed)
    data_notes(data, found)
    try:
        result = probe_model(model, data, settings, fit_on=fit_on, judge_on=judge_on)
        usual = source_of(data, None)
    finally:
        data.close()
    ends = result["fitted_on"]["source"], result["judged_on"]["source"]
    name = "probe" if ends == (usual, usual) else f"probe-{ends[0]}-{ends[1]}"
    result = {"format": FORMAT, "title": recipe.title, "step": model.step, **result}
    result["picture"] = str(write_picture(result, found.pictures / f"{name}.png"))
    result["file"] = str(found.folder / f"{name}.json")
    write_json(found.folder / f"{name}.json", result, LARGEST)
    return result


def probe_model(model: Model, data: Data, settings: Settings, *, fit_on: str | None = None,
                judge_on: str | None = None) -> dict[str, Any]:
    """Fit classifiers on training images and judge them on test images, for every representation and factor.

    Returns plain dicts, lists, numbers:

        fitted_on, judged_on  source, split, images (their number)
        labels                of every class, in order: 1, 5, ..., "all"
        draws, neighbours, seed
        factors               name -> classes, chance, labelled (number of images, one for each of `labels`)
        numbers               name -> components, labelled: positions, angles; for them, `labels` are images
        representations       name -> kind (code, part, baseline), numbers (dimensions)
        accuracy              linear, nearest, network -> representation -> factor -> mean, std (a number for each of
                              `labels`; std None for one draw), and for linear the inverse `penalty`, which is
                              chosen within the labels of the first draw
        r2                    linear, nearest -> representation -> number -> mean, std: of regressions
        notes                 remarks for the reader
    """
    chosen = task(data, settings, fit_on, judge_on)
    labelled, notes = labelled_rows(chosen, settings)
    accuracy: dict[str, Any] = {"linear": {}, "nearest": {}}
    numbers, explained = labelled_numbers(chosen, settings), dict[str, Any](linear={}, nearest={})
    described: dict[str, Any] = {}
    for r in representations(model, chosen, notes):
        described[r.name] = {"kind": r.kind, "numbers": r.train.shape[1]}
        accuracy["linear"][r.name], accuracy["nearest"][r.name] = judged(r, chosen, labelled, settings, notes)
        for kind, scores in judged_numbers(r, chosen, numbers, settings).items() if numbers else ():
            explained[kind][r.name] = {name: _summary(own) for name, own in scores.items()}
    if settings.supervised and chosen.classes:
        accuracy["network"] = {PIXELS: _networks(chosen, labelled, settings, str(model.device))}
    return {
        **{end: {"source": part.source, "split": part.split, "images": len(part)}
           for end, part in (("fitted_on", chosen.train), ("judged_on", chosen.test))},
        "labels": [budget_name(b) for b in settings.labels], "draws": settings.draws, "neighbours": settings.neighbours,
        "seed": settings.seed,
        "factors": {f: {"classes": len(classes), "chance": round(chosen.chance[f], 6),
                        "labelled": [len(rows[0]) for rows in labelled[f]]} for f, classes in chosen.classes.items()},
        "numbers": {n: {"components": size, "labelled": [len(rows[0]) for rows in numbers[n]]}
                    for n, size in chosen.numbers.items()},
        "representations": described, "accuracy": accuracy, "r2": explained if numbers else {},
        "notes": list(dict.fromkeys([*chosen.notes, *notes])),
    }


def labelled_rows(chosen: Task, settings: Settings) -> tuple[Drawn, list[str]]:
    """Draw the labelled rows of every factor, budget and draw; add notes where there are fewer than asked for."""
    found: Drawn = {}
    notes = []
    for factor, classes in chosen.classes.items():
        labels = chosen.train.factors[factor]
        found[factor] = [drawn(labels, budget, settings.draws, settings.seed) for budget in settings.labels]
        missed = [(b, n) for b in settings.labels if (n := short(labels, b))]
        if missed:
            counts = ", ".join(f"{n} of {len(classes)} classes fewer than {b}" for b, n in missed)
            notes.append(f"{factor}: of the training images have {counts}; all of these are used")
    return found, notes


def judged(r: Representation, chosen: Task, labelled: Drawn, settings: Settings, notes: list[str]
           ) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the accuracies of both classifiers on one representation, by factor."""
    ready = prepared(r, settings.seed)
    if ready.kept < 1:
        notes.append(f"{r.name}: the linear classifier sees {ready.train_axes.shape[1]} principal axes of "
                     f"{r.train.shape[1]} numbers, {ready.kept:.2%} of the variance")
    between = distances(ready.test, ready.train)
    by_line: dict[str, Any] = {}
    by_neighbour: dict[str, Any] = {}
    for factor, budgets in labelled.items():
        labels, truth = chosen.train.factors[factor], chosen.test.factors[factor]
        known = truth >= 0
        lines: list[list[float]] = []
        near: list[list[float]] = []
        penalties = []
        for sets in budgets:
            penalties.append(best_penalty(ready.train_axes[sets[0]], labels[sets[0]], settings.seed))
            predictions = (linear(ready.train_axes[rows], labels[rows], ready.test_axes[known], penalties[-1])
                       for rows in sets)
            lines.append([float((prediction == truth[known]).mean()) for prediction in predictions])
            near.append([float((nearest(between, rows, labels[rows], settings.neighbours) == truth)[known].mean())
                         for rows in sets])
        by_line[factor] = {**_summary(lines), "penalty": penalties}
        by_neighbour[factor] = _summary(near)
    return by_line, by_neighbour


def _networks(chosen: Task, labelled: Drawn, settings: Settings, device: str) -> dict[str, Any]:
    """Return the accuracies of networks that are trained on the same labels, by factor."""
    found: dict[str, list[list[float]]] = {factor: [] for factor in labelled}
    for i in range(len(settings.labels)):
        each = []
        for draw in range(max(len(budgets[i]) for budgets in labelled.values())):
            rows = {f: budgets[i][min(draw, len(budgets[i]) - 1)] for f, budgets in labelled.items()}
            each.append(trained(chosen, rows, settings.seed + draw, device))
        for factor, scores in found.items():
            scores.append([one[factor] for one in each])
    return {factor: _summary(scores) for factor, scores in found.items()}


def _summary(scores: Sequence[Sequence[float]]) -> dict[str, list[float | None]]:
    """Return mean and standard deviation over the draws, for every number of labels."""
    return {"mean": [None if np.isnan(s).any() else round(float(np.mean(s)), 6) for s in scores],
            "std": [round(float(np.std(s, ddof=1)), 6) if len(s) > 1 and not np.isnan(s).any() else None
                    for s in scores]}
