"""The making of a model: its training, its evaluation and its pack, each continued where an earlier call stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from unbraid_plugins.tools.models.catalogue import ModelsError, TrainedModel

if TYPE_CHECKING:
    from unbraid.runs import Run

MOST_EVALUATION = 64 << 20                         # bytes
IMAGES = 1000                                      # test images that a model is measured on
SAME_EVERYWHERE = ["train.channels_last=false", "train.compile=false"]        # no trial: the same hash again


@attrs.frozen
class Made:
    """A model's run and pack.  size: of the pack, in bytes.  scores: by metric."""

    run: Run
    pack: Path
    size: int
    scores: dict[str, float]


def make(entry: TrainedModel, out: Path, to: Path, *, minutes: float | None = None,
         say: Callable[[str], object] = lambda line: None, show: bool = False) -> Made | None:
    """Train a model, evaluate it, and write its pack; None where the minutes were over before the training was done.

    out: the run's folder; a training that is there is resumed.
    to: the pack's file, which is replaced.
    minutes: train at most for this long.
    say: gets a line before each of the three.
    show: print the training's progress on stderr.

    Raises ModelsError where data is missing, and what trainings, evaluations and packs raise.
    """
    from unbraid_plugins.tools.packs import measured, write_pack

    missing = [f"{name}: {what}" for name, what in entry.needs.items() if not os.environ.get(name)]
    if missing:
        message = f"the model {entry.name!r} is trained on data that is not drawn here"
        raise ModelsError("\n  ".join([message, *missing]), hint="let these environment variables name it")
    words = " ".join(entry.overrides)
    say(f"1/3  train {entry.recipe} {words}".rstrip())
    run = _trained(entry, out, minutes, show)
    if run is None:
        return None
    say(f"2/3  evaluate: {', '.join(entry.metrics) or 'all metrics'}")
    _evaluated(entry, run)
    say(f"3/3  pack {to}")
    done = write_pack(run.folder, to, licence=entry.licence, data_licence=entry.data_licence, half=entry.half,
                      force=True)
    scores = {name: float(result["score"]) for name, result in measured(run)["scores"].items()}
    return Made(run, done.path, done.size, scores)


def _trained(entry: TrainedModel, out: Path, minutes: float | None, show: bool) -> Run | None:
    """Begin or resume a training; return its run, or None where it is not done."""
    from unbraid.engine import train
    from unbraid_configs import load_recipe

    limit = f"train.max_minutes={'null' if minutes is None else minutes}"
    recipe = load_recipe(entry.recipe, [*SAME_EVERYWHERE, *entry.overrides, limit])
    run = train(recipe, out, resume=(out / "run.json").is_file(), show=show, estimate=show)
    return run if _step(run) >= recipe.train.steps else None


def _step(run: Run) -> int:
    return int(run.record()["sessions"][-1]["to_step"])


def _evaluated(entry: TrainedModel, run: Run) -> None:
    """Measure a run, unless an earlier call did so after its last step."""
    from unbraid_plugins.tools.evaluation import Baselines, evaluate
    from unbraid_registry.files import read_json

    try:
        found = read_json(run.folder / "evaluation.json", MOST_EVALUATION)
        done = found["step"] == _step(run) and set(entry.metrics) <= set(found["metrics"]) and bool(entry.metrics)
    except (OSError, ValueError, KeyError, TypeError):
        done = False                               # not there, or damaged
    if not done:
        evaluate(run, metrics=list(entry.metrics) or None, images=IMAGES, baselines=Baselines())
