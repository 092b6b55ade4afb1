"""Evaluating a run or a model, beside controls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from unbraid.data import Data, open_data
from unbraid.evaluation.evidence import Evidence, Sampled, lacking, of_model, of_pixels, sample
from unbraid.evaluation.measure import Measuring, as_json, name_of
from unbraid.evaluation.showing import write_pictures
from unbraid.method import bring_to_life
from unbraid.model import Model, load
from unbraid.record import Run, write_whole
from unbraid_configs import load_recipe
from unbraid_registry import registry
from unbraid_registry.component import Component

FORMAT = 1
FILE = "evaluation.json"


def evaluate(run: Run, *, images: int = 2000, seed: int = 0, device: str = "cpu") -> dict[str, Any]:
    """Measure a run's model on its data and write `evaluation.json` and pictures into the run.

    images: at most so many of the test split.  Returns what `evaluate_model` does, with the run's step and the paths of
    the pictures.  Raises UnbraidError (RunError, CheckpointError, DataError, ...).
    """
    model = load(run.folder, device=device)
    recipe = load_recipe(run.recipe_file)
    data = open_data(recipe.data, seed=recipe.train.seed)
    try:
        result = evaluate_model(model, data, images=images, seed=seed, pictures=run.pictures)
    finally:
        data.close()
    from_hooks = registry().call_by_plugin("unbraid_evaluate", run=run, step=model.step)
    result = {"format": FORMAT, "title": recipe.title, "step": model.step, **result, "hooks": as_json(from_hooks)}
    write_whole(run.folder / FILE, json.dumps(result, indent=1) + "\n")
    return result


def evaluate_model(model: Model, data: Data, *, images: int = 2000, seed: int = 0, controls: bool = True,
                   others: Mapping[str, Model] | None = None, pictures: Path | None = None) -> dict[str, Any]:
    """Measure a model on data, beside other models and the controls.

    controls: an untrained twin of the model (`untrained`) and principal components of the pixels (`pixels`); others:
    further models to compare with, by name; pictures: a folder for pictures.  Returns plain dicts, lists, numbers:

        images, split, seed, factors (name -> number of classes), notes, pictures
        data       what depends on the images alone: how good the oracles are
        arms       model, others..., untrained, pixels -> metric -> its result; every result has a `score`
    """
    sampled = sample(data, images, seed, str(model.device))
    metrics = registry().catalog.all("metric")
    shared = Measuring(metrics, sampled.evidence, seed)
    of_data = shared.all()
    models = {"model": model, **(others or {}), **({"untrained": untrained(model)} if controls else {})}
    evidence = {name: of_model(m, sampled) for name, m in models.items()}
    if controls and {"codes"} <= evidence["model"].keys() and "train_images" in sampled.evidence:
        evidence["pixels"] = of_pixels(evidence["model"], sampled, seed)
    rest = [m for m in metrics if name_of(m) not in of_data]
    arms, notes = {}, [*sampled.notes, *lacking(model), *shared.notes]
    for name, own in evidence.items():
        arms[name], failed = _measured([*rest, *_known(metrics, of_data)], sampled, own, of_data, seed)
        notes += failed
    result = {"images": len(sampled.images), "split": sampled.split, "seed": seed, "factors": sampled.classes,
              "data": as_json(of_data), "arms": {n: as_json(a) for n, a in arms.items()},
              "notes": list(dict.fromkeys(notes)), "pictures": {}}
    if pictures is not None:
        result["pictures"] = write_pictures(pictures, model, sampled, evidence["model"], result)
    return result


def untrained(model: Model) -> Model:
    """A twin of the model with the weights that its training began with (fresh ones where it took them from a run)."""
    method = bring_to_life(model.method.recipe, model.method.facts)
    return Model(method, method.modules, torch.device(model.device))


def _known(metrics: Sequence[Component], results: Mapping[str, Any]) -> list[Component]:
    return [m for m in metrics if name_of(m) in results]


def _measured(metrics: Sequence[Component], sampled: Sampled, own: Evidence, of_data: Mapping[str, Any],
              seed: int) -> tuple[dict[str, Any], list[str]]:
    """The results that are a model's own, and notes."""
    measuring = Measuring(metrics, {**sampled.evidence, **own}, seed, dict(of_data))
    return {name: r for name, r in measuring.all().items() if name not in of_data}, measuring.notes
