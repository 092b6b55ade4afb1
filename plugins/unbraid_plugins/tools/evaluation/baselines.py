"""Codes that learned nothing, and one that knows everything: the floor and the ceiling beside a score."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from hashlib import blake2b
from typing import Any

import attrs
import numpy as np
import torch

from unbraid.model import Model, build_method
from unbraid_plugins.tools.evaluation.encoded import codes_of
from unbraid_plugins.tools.evaluation.evidence import Evidence, Sampled
from unbraid_plugins.tools.evaluation.metric_runner import Measuring


@attrs.define
class Baselines:
    """What was measured without a model, kept for other models on the same images: a baseline is measured once."""

    _kept: dict[Hashable, Measuring] = attrs.Factory(dict)

    def measured(self, key: Hashable, measure: Callable[[], Measuring]) -> Measuring:
        """What was measured under a key, or is now."""
        if key not in self._kept:
            self._kept[key] = measure()
        return self._kept[key]


def identity(evidence: Evidence) -> bytes:
    """The same for the same images, factors and codes, and for no others; functions are known by what they made."""
    digest = blake2b()
    for name, value in sorted(evidence.items()):
        for path, v in _leaves(value):
            array = np.ascontiguousarray(v) if isinstance(v, np.ndarray) else np.empty(0)
            digest.update(f"{name} {path} {array.shape} {v if isinstance(v, str | tuple) else ''}".encode())
            digest.update(array.tobytes())
    return digest.digest()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is at the ends of nested dicts, with its path, in a fixed order."""
    if not isinstance(value, dict):
        yield path, value
        return
    for key, v in sorted(value.items()):
        yield from _leaves(v, f"{path}.{key}")


def untrained(model: Model) -> Model:
    """A twin of the model with the weights that its training began with (fresh ones where it took them from a run)."""
    method = build_method(model.method.recipe, model.method.facts)
    return Model(method, method.modules, torch.device(model.device))


def of_pixels(model_evidence: Evidence, sampled: Sampled, seed: int) -> Evidence:
    """The baseline that learned no more than variance: principal components of the pixels.

    They are as many as the code has numbers, ordered by variance and cut into its chunks; where there are fewer, the
    rest is 0. Where the code has a category, the clusters that k-means finds in the pixels stand in its place.
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

    def encode(batches: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate([encoded(b) for b in batches])

    return {**codes_of(sampled, encode), **_cut(model_evidence)}


def at_random(model_evidence: Evidence, sampled: Sampled, seed: int) -> Evidence:
    """The floor: codes of the model's shape from N(0, 1), cut into its chunks."""
    size, random = model_evidence["codes"].shape[1], np.random.default_rng(seed)
    codes = codes_of(sampled, lambda batches: np.concatenate([random.normal(size=(len(b), size)) for b in batches]))
    return {**codes, **_cut(model_evidence)}


def perfect(sampled: Sampled) -> Evidence:
    """The ceiling: the known factors as a code, a column each, from -1/2 to 1/2; their mean where one is unknown."""
    spread = {f: _column(sampled, f) for f in sampled.classes}
    names = {"images": "codes", "train_images": "train_codes"}
    found: Evidence = {key: np.stack([v[sampled.rows[name]] for v in spread.values()], 1)
                       for name, key in names.items() if len(sampled.rows[name])}
    if len(sampled.rows["table"]):
        found["table_codes"] = np.stack([spread[f][sampled.rows["table"]] for f in sampled.columns], 1)
    if len(spread) > 1:
        found["chunks"] = {f: (i, i + 1) for i, f in enumerate(spread)}
    return found


def _column(sampled: Sampled, factor: str) -> np.ndarray:
    """The values of a factor at every row of the source, as a number."""
    labels = sampled.data.images_of[sampled.source].fields[factor].values.astype(np.int64)
    known = labels >= 0
    values = labels / sampled.classes[factor] - 0.5
    return np.where(known, values, values[known].mean() if known.any() else 0.0)


def _cut(model_evidence: Evidence) -> Evidence:
    return {name: model_evidence[name] for name in ("chunks", "categories") if name in model_evidence}
