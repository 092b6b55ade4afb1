"""Functions of images and of clips that a recipe declares, for metrics to call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unbraid.model import Model, ModelError
from unbraid.values import Set, Value
from unbraid_plugins.shared.metrics.edits.image_functions import ImageFunction
from unbraid_plugins.tools.calling import functions_of_images
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence, Sampled

TRIED = 4                                          # images that tell what a function makes


def of_functions(model: Model, sampled: Sampled) -> Evidence:
    """Return the functions of images that give images, and those of a clip that give a clip.

    `made` has what they make of a few images: functions that are no functions of images show there, and are left out.
    """
    found: dict[str, dict[str, Any]] = {"functions": {}, "film_functions": {}, "made": {}}
    for function in functions_of_images(model):
        if function.clips and len(function.kinds) > 1:
            continue
        name = function.name
        if function.clips:
            (parameter, _), = function.kinds.items()
            frames = model.method.parameters[name][parameter].count
            called = ImageFunction((parameter,), _of_clips(model, name), frames)
            kind, trial = "film_functions", [np.repeat(sampled.images[:1, None], frames, 1)]
        else:
            called = ImageFunction(tuple(function.kinds), _of_images(model, name))
            kind, trial = "functions", [sampled.images[:TRIED]] * len(function.kinds)
        try:
            made = called(*trial)
        except (ModelError, TypeError):
            continue
        found[kind][name], found["made"][name] = called, made
    return {name: v for name, v in found.items() if v}


def _of_images(model: Model, name: str) -> Callable[..., np.ndarray]:
    def call(*images: np.ndarray) -> np.ndarray:
        return np.concatenate([_pictures(model(name, *(v[i:i + BATCH] for v in images)))
                               for i in range(0, len(images[0]), BATCH)])

    return call


def _of_clips(model: Model, name: str) -> Callable[..., np.ndarray]:
    def call(clips: np.ndarray) -> np.ndarray:
        step = max(BATCH // clips.shape[1], 1)
        made = []
        for i in range(0, len(clips), step):
            result = model(name, clips[i:i + step])
            if not isinstance(result, Set):
                raise TypeError(f"{name} gives no clip")
            frames = _pictures(result.folded)
            made.append(frames.reshape(-1, result.count, *frames.shape[1:]))
        return np.concatenate(made)

    return call


def _pictures(v: Value) -> np.ndarray:
    """Return images as an array.  Raises TypeError for anything else."""
    array: np.ndarray = v.detach().float().cpu().numpy() if hasattr(v, "detach") else np.empty(0)
    if array.ndim != 4 or array.shape[1] not in (1, 3):
        raise TypeError("it gives no images")
    return array.clip(0, 1)
