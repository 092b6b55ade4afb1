"""Choice of hyper-parameters and models without labels: unsupervised disentanglement ranking (Duan et al. 2020).

Disentangled models of one setting find the same factors with any seed; each entangled model mixes them differently. So
the score of a model is how well the dimensions of its code match those of the other models of its setting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from unbraid.data import Data, DataError, open_data
from unbraid.model import Model, load
from unbraid_plugins.tools.evaluation import BATCH, divergences, usable
from unbraid_plugins.tools.studies.folder import StudyError
from unbraid_plugins.tools.studies.groups import Group
from unbraid_plugins.tools.studies.scores import UDR, Row, metrics_of
from unbraid_plugins.tools.studies.statistics import rank_correlation
from unbraid_registry import registry

IMAGES = 1000                                      # as in disentanglement_lib


@attrs.frozen(eq=False)
class Ranked:
    """A ranked setting; all scores are in [0, 1].

    score: the mean over its models.
    models: the models' scores by the names of their rows.
    """

    group: Group
    score: float
    models: dict[str, float]


def rank(groups: Sequence[Group], *, images: int = IMAGES, similarity: str = "lasso", device: str = "cpu",
         seed: int = 0, overrides: Sequence[str] = (), say: Callable[[str], None] = lambda line: None
         ) -> tuple[list[Ranked], list[str]]:
    """Rank the settings; return them best first, and notes about those that can't be ranked.

    images: the number of images that every model encodes.
    similarity: the similarity of two dimensions of a code, 'lasso' (the paper's choice) or 'spearman'.
    seed: the seed of the choice of images.
    overrides: `a.b.c=value`, changes of the runs' recipes where they no longer fit.
    say: called with the name of each model before it is loaded.

    Raises UnbraidError.
    """
    udr = registry().catalog.find(UDR, "metric").target
    ranked, notes = [], []
    pictures = _Pictures(images, seed)
    for group in groups:
        rows = [row for row in group.rows if row.step is not None]
        if len(rows) < 2:
            notes.append(f"{group.label} has {len(rows) or 'no'} model{'s' * (len(rows) != 1)}: ranked are two or more")
            continue
        codes, kl = [], []
        for row in rows:
            say(row.name)
            found = _encoded(load(row.run.folder, device=device, overrides=overrides), pictures.of(row), row)
            codes.append(found[0])
            kl.append(found[1])
        sizes = sorted({c.shape[1] for c in codes})
        if len(sizes) > 1:
            raise StudyError(f"{group.label}: codes of {' and '.join(map(str, sizes))} numbers can't be compared",
                             hint="rank by settings, not --by an axis that mixes them")
        divergence = None if any(k is None for k in kl) else np.stack([k for k in kl if k is not None])
        result = udr(np.stack(codes), divergence, similarity=similarity)
        scores = dict(zip([row.name for row in rows], map(float, result.by_model), strict=True))
        ranked.append(Ranked(group, float(result.score), scores))
    return sorted(ranked, key=lambda r: -r.score), notes


@attrs.define
class _Pictures:
    """The images that the models encode; models with the same data get the same images."""

    count: int
    seed: int
    _found: list[tuple[Any, np.ndarray]] = attrs.Factory(list)

    def of(self, row: Row) -> np.ndarray:
        """Return images (N, C, H, W) of a row's data, from the test split first, then from the training split."""
        recipe = row.run.recipe().data
        for known, images in self._found:
            if (known.sources, known.splits, known.split_by) == (recipe.sources, recipe.splits, recipe.split_by):
                return images
        data = open_data(recipe)
        try:
            images = self._drawn(data)
        finally:
            data.close()
        self._found.append((recipe, images))
        return images

    def _drawn(self, data: Data) -> np.ndarray:
        rng, rows = np.random.default_rng(self.seed), np.empty(0, np.int64)
        for split in ("test", "train"):
            try:
                rows = np.concatenate([rows, rng.permutation(data.rows(split))])
            except DataError:                      # there is no such split
                continue
        return data.images(np.sort(rows[:self.count])).float().cpu().numpy()


def _encoded(model: Model, images: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray | None]:
    """Return codes (N, D) and, for a variational method, the mean KL of each dimension (D,) in nats, else None."""
    if not usable(model, "encode"):
        raise StudyError(f"{row.name}: the model has no `encode` of an image alone, so it can't be ranked")
    batches = [images[i:i + BATCH] for i in range(0, len(images), BATCH)]
    codes = np.concatenate([model.code(b).tensor.flatten(1).float().cpu().numpy() for b in batches])
    kl = divergences(model, batches, codes.shape[1]) if model.method.variational else None
    return codes, None if kl is None else kl.mean(0)


def agreement(rows: Sequence[Row], groups: Sequence[Group]) -> dict[str, dict[str, Any]]:
    """Return the agreement of the ranking with every other metric.

    It is the rank correlation over models and over the settings' means, each with its number.
    """
    found = {}
    for metric in metrics_of(rows):
        if metric == UDR:
            continue
        rho, n = rank_correlation([[row.score(m) for row in rows] for m in (UDR, metric)])
        means = [[s.mean if (s := g.summary(m)) is not None else None for g in groups] for m in (UDR, metric)]
        of_groups, settings = rank_correlation(means)
        found[metric] = {"models": rho[0][1], "of_models": n[0][1], "settings": of_groups[0][1],
                         "of_settings": settings[0][1]}
    return found


def as_json(ranked: Sequence[Ranked], rows: Sequence[Row], similarity: str, images: int,
            agrees: dict[str, Any]) -> dict[str, Any]:
    """Return a ranking in the form that `results.json` stores."""
    steps = {row.name: row.step for row in rows}
    return {"similarity": similarity, "images": images,
            "settings": [{"setting": r.group.label, "score": r.score, "models": r.models} for r in ranked],
            "runs": {name: {"score": score, "step": steps[name]} for r in ranked for name, score in r.models.items()},
            "agreement": agrees}
