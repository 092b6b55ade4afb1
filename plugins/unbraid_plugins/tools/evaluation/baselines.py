"""Baselines to compare scores with: codes that learned nothing (the floor) and the known factors (the ceiling)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from hashlib import blake2b
from typing import Any

import attrs
import numpy as np
import torch

from unbraid.model import Model, build_method
from unbraid_plugins.tools.evaluation.encoded import codes_of
from unbraid_plugins.tools.evaluation.evidence import Evidence, Sampled, as_numbers
from unbraid_plugins.tools.evaluation.metric_runner import Measuring


@attrs.define
class Baselines:
    """A cache of baseline results, for models that are evaluated on the same images: each baseline is measured once."""

    _kept: dict[Hashable, Measuring] = attrs.Factory(dict)

    def measured(self, key: Hashable, measure: Callable[[], Measuring]) -> Measuring:
        """Return the result that is kept under a key; on first use, call `measure` for it."""
        if key not in self._kept:
            self._kept[key] = measure()
        return self._kept[key]


def identity(evidence: Evidence) -> bytes:
    """Return a digest that is equal for evidence with the same images, factors and codes, and differs for any other.

    Functions do not enter the digest; the arrays that they made do.
    """
    digest = blake2b()
    for name, value in sorted(evidence.items()):
        for path, v in _leaves(value):
            array = np.ascontiguousarray(v) if isinstance(v, np.ndarray) else np.empty(0)
            digest.update(f"{name} {path} {array.shape} {v if isinstance(v, str | tuple) else ''}".encode())
            digest.update(array.tobytes())
    return digest.digest()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values inside nested dicts with their paths, in a fixed order."""
    if not isinstance(value, dict):
        yield path, value
        return
    for key, v in sorted(value.items()):
        yield from _leaves(v, f"{path}.{key}")


def untrained(model: Model) -> Model:
    """Return a copy of the model with the weights that its training began with.

    Weights that the training took from another run are initialised anew.
    """
    method = build_method(model.method.recipe, model.method.facts)
    return Model(method, method.modules, torch.device(model.device))


def of_pixels(model_evidence: Evidence, sampled: Sampled, seed: int) -> Evidence:
    """Return the evidence of a baseline that sees variance alone: principal components of the pixels.

    The baseline has as many components as the code has dimensions, ordered by variance and cut into the code's chunks.
    Where there are fewer components, the rest is 0. Where the code has a category, k-means clusters of the pixels take
    its place.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    train = sampled.evidence["train_images"]
    size = model_evidence["codes"].shape[1]
    count = min(size, len(train), train[0].size)
    components = PCA(count, svd_solver="randomized", random_state=seed).fit(train.reshape(len(train), -1))
    clusters = {(a, b): KMeans(min(b - a, len(train)), n_init=10, random_state=seed).fit(train.reshape(len(train), -1))
                for a, b in set(model_evidence.get("categories", {}).values())}

    def encoded(batch: np.ndarray) -> np.ndarray:
        flat = batch.reshape(len(batch), -1)
        found = np.pad(components.transform(flat), ((0, 0), (0, size - count)))
        for (a, b), kmeans in clusters.items():
            found[:, a:b] = np.eye(b - a)[kmeans.predict(flat)]
        return found

    def encode(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([encoded(b) for b in sampled.read(rows)])

    return {**codes_of(sampled, encode), **_cut(model_evidence)}


def at_random(model_evidence: Evidence, sampled: Sampled, seed: int) -> Evidence:
    """Return the evidence of the floor: codes of the model's shape from N(0, 1), cut into the model's chunks."""
    size, random = model_evidence["codes"].shape[1], np.random.default_rng(seed)
    codes = codes_of(sampled, lambda rows: random.normal(size=(len(rows), size)))
    return {**codes, **_cut(model_evidence)}


def perfect(sampled: Sampled) -> Evidence:
    """Return the evidence of the ceiling: the known factors as a code, one column each, with values in [-1/2, 1/2).

    Numbers are columns, too, one for each component. An unknown value becomes the mean of the factor's known values.
    """
    spread = {**{f: _column(sampled, f) for f in sampled.classes},
              **{f"{n}[{i}]" if size > 1 else n: v for n, size in sampled.numbers.items()
                 for i, v in enumerate(_number_columns(sampled, n))}}
    names = {"images": "codes", "train_images": "train_codes"}
    found: Evidence = {key: np.stack([v[sampled.rows[name]] for v in spread.values()], 1)
                       for name, key in names.items() if len(sampled.rows[name])}
    if len(sampled.rows["table"]):
        found["table_codes"] = np.stack([spread[f][sampled.rows["table"]] for f in sampled.columns], 1)
    if len(spread) > 1:
        found["chunks"] = {f: (i, i + 1) for i, f in enumerate(spread)}
    return found


def _column(sampled: Sampled, factor: str) -> np.ndarray:
    """Return a factor's value as a number for every row of the source."""
    labels = sampled.data.images_of[sampled.source].fields[factor].values.astype(np.int64)
    known = labels >= 0
    values = labels / sampled.classes[factor] - 0.5
    return np.where(known, values, values[known].mean() if known.any() else 0.0)


def _number_columns(sampled: Sampled, name: str) -> np.ndarray:
    """Return the components of a field of numbers, (d, N), in deviations from their mean; 0 where unknown."""
    field = sampled.data.images_of[sampled.source].fields[name]
    values = as_numbers(field, np.arange(len(field.values)))
    return np.nan_to_num((values - np.nanmean(values, 0)) / np.maximum(np.nanstd(values, 0), 1e-9)).T


def _cut(model_evidence: Evidence) -> Evidence:
    return {name: model_evidence[name] for name in ("chunks", "categories") if name in model_evidence}
