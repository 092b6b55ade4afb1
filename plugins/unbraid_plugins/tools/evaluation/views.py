"""Evidence about viewpoints: a model's azimuths of images, its graph of views, and a supervised probe."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unbraid.data import Images
from unbraid.model import Model
from unbraid.values import plain
from unbraid_plugins.shared.views import ViewGraph
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence, Sampled
from unbraid_plugins.tools.evaluation.weak_labels import TURNING

FUNCTION, GRAPH = "viewpoint", "edges"             # of a recipe: viewpoint(x), edges()
COMPONENTS, NEIGHBOURS = 50, 5                     # of the regression with labels


def azimuths_of(images: Images, rows: np.ndarray) -> np.ndarray | None:
    """Return the true azimuths of rows, (N,) radians: classes in equal steps of a turn, or numbers in radians.

    None where the images have no factor `azimuth`, or some of these rows no value of it.
    """
    field = images.fields.get(TURNING)
    if field is None or not field.known()[rows].all():
        return None
    values = field.values[rows].reshape(len(rows), -1)
    if values.shape[1] != 1:
        return None
    return values[:, 0] * (1.0 if field.classes is None else 2 * np.pi / field.classes)


def of_views(model: Model, sampled: Sampled) -> Evidence:
    """Return the evidence of a model with a function `viewpoint` of an image, where true azimuths are known.

    The function gives azimuths (B,), or several angles (B, n) of which the first is the azimuth, in radians.
    """
    images, rows = sampled.data.images_of[sampled.source], sampled.rows["images"]
    truth = azimuths_of(images, rows)
    if truth is None:
        return {}
    batches = (sampled.images[i:i + BATCH] for i in range(0, len(sampled.images), BATCH))
    predicted = np.concatenate([_first(model(FUNCTION, b)) for b in batches])
    found: Evidence = {"viewpoints": predicted, "azimuths": truth}
    graph = model(GRAPH) if model.functions.get(GRAPH) == () else None
    if isinstance(graph, ViewGraph):
        own = sampled.data.rows("train", sampled.source)
        of_graph = azimuths_of(images, own)
        if of_graph is not None and len(own) == len(graph.members):
            found |= {"graph_azimuths": of_graph, "view_graph": {
                "members": graph.members.cpu().numpy(), "ends": graph.ends.cpu().numpy(),
                "turns": graph.turns.cpu().numpy(), "in_tree": graph.in_tree.cpu().numpy(),
                "step": np.asarray(graph.step)}}
    return found


def with_labels(model_evidence: Evidence, sampled: Sampled, seed: int) -> Evidence:
    """Return the evidence of a supervised probe: azimuths by a regression with those of the training images.

    It is the mean direction of the nearest training images, in principal components of the pixels.
    """
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsRegressor

    train = sampled.evidence["train_images"]
    truth = azimuths_of(sampled.data.images_of[sampled.source], sampled.rows["train_images"])
    assert truth is not None
    count = min(COMPONENTS, len(train), train[0].size)
    components = PCA(count, svd_solver="randomized", random_state=seed).fit(train.reshape(len(train), -1))
    regression = KNeighborsRegressor(min(NEIGHBOURS, len(train)), weights="distance").fit(
        components.transform(train.reshape(len(train), -1)), np.stack([np.sin(truth), np.cos(truth)], 1))
    across, along = regression.predict(components.transform(sampled.images.reshape(len(sampled.images), -1))).T
    return {"viewpoints": np.arctan2(across, along), "azimuths": model_evidence["azimuths"]}


def can_be_told(sampled: Sampled) -> bool:
    """Whether there are training images with known azimuths, for `with_labels`."""
    images, rows = sampled.data.images_of[sampled.source], sampled.rows["train_images"]
    return len(rows) > 0 and azimuths_of(images, rows) is not None


def _first(v: Any) -> np.ndarray:
    angles: torch.Tensor = plain(v)
    return (angles if angles.ndim == 1 else angles[:, 0]).detach().double().cpu().numpy()
