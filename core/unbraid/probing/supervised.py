"""The upper bound: networks that are trained on the same labels and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unbraid.probing.images import Task
from unbraid_registry import registry


def trained(task: Task, labelled: Mapping[str, np.ndarray], seed: int = 0, device: str = "cpu") -> dict[str, float]:
    """Accuracy by factor of one small network, the metric `oracles`, with a head for each factor.

    labelled: factor -> rows of the training images whose class of it the network may know.  Raises UnknownComponent.
    """
    rows = np.unique(np.concatenate(list(labelled.values())))
    known = {f: np.where(np.isin(rows, own), task.train.factors[f][rows], -1) for f, own in labelled.items()}
    images = np.concatenate(list(task.test.read()))
    oracles = registry().catalog.find("oracles", "metric").target
    judged = {f: task.test.factors[f] for f in labelled}
    found = oracles(images, judged, task.train.bytes(rows), known, seed=seed, device=device)
    return {f: float(found.accuracy[f]) for f in labelled}
