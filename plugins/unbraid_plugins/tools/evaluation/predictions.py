"""The class scores of a model's function `classify`, and the factor that they are about."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from torch import Tensor

from unbraid.flow import AttributeOp, DrawOp, below
from unbraid.model import Model
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence, Sampled


def of_classifier(model: Model, sampled: Sampled) -> Evidence:
    """Return the class scores that `classify(x)` gives the images, under the name of their factor.

    Returns no evidence where the result is no tensor (B, classes), or its factor is not clear. The model must have
    `classify`.
    """
    found = [model("classify", sampled.images[i:i + BATCH]) for i in range(0, len(sampled.images), BATCH)]
    scores = [s.detach().float().cpu().numpy() for s in found if isinstance(s, Tensor) and s.ndim == 2]
    if len(scores) < len(found):
        return {}
    factor = factor_of(model, sampled.classes, scores[0].shape[1])
    return {} if factor is None else {"predicted": {factor: np.concatenate(scores)}}


def factor_of(model: Model, classes: Mapping[str, int], count: int) -> str | None:
    """Return the factor that `classify` is about, among those with `count` classes.

    It is the factor that names the function's result (`critic(x).label`), else one that the recipe's losses use, else
    the only one. None where several fit equally well.

    classes: number of classes of every known factor.
    """
    fitting = [name for name, number in classes.items() if number == count]
    result = model.method.function_graphs["classify"].result
    called = [result.op.name] if isinstance(result.op, AttributeOp) else []
    for names in (called, _predicted(model), fitting):
        meant = [name for name in fitting if name in names]
        if len(meant) == 1:
            return meant[0]
    return None


def _predicted(model: Model) -> Collection[str]:
    """Return the fields of images that the losses use."""
    terms = (term.node for game in model.method.player_graphs.values() for term in game.terms)
    return {node.op.field for term in terms for node in below(term) if isinstance(node.op, DrawOp) and node.op.field}
