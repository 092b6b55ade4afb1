"""The operations that many methods share: noise, edits of codes, sets, labels, batches; and the pool of images.

Random operations draw only from the `random` that they are given.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.operations.arithmetic import absolute, sigmoid
from unbraid_plugins.shared.operations.batches import both, concat, halves
from unbraid_plugins.shared.operations.codes import as_factor, interpolate, join, mix, swap
from unbraid_plugins.shared.operations.image_pool import ImagePool
from unbraid_plugins.shared.operations.labels import most_likely, one_hot, random_label
from unbraid_plugins.shared.operations.noise import normal, permute_dims, prior, sample, uniform
from unbraid_plugins.shared.operations.rollout import rollout
from unbraid_plugins.shared.operations.sets import after_first, before_last, last, mean_of, one
from unbraid_plugins.shared.operations.weights import clip_weights


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the shared operations and the pool of images."""
    return [normal, uniform, sample, prior, permute_dims, mix, swap, join, as_factor, interpolate, one, last, mean_of,
            before_last, after_first, rollout, both, halves, concat, one_hot, most_likely, random_label, absolute,
            sigmoid, clip_weights, ImagePool]
