"""The distributions over codes that a variational method gives for images."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid.flow import AttributeOp, Node, below
from unbraid.model import Model
from unbraid.values import Gaussian, Record


def divergences(model: Model, batches: Iterable[np.ndarray], size: int) -> np.ndarray | None:
    """Return KL(q(z | x) || N(0, I)) by image and dimension, (N, size) in nats.

    Returns None where `encode` gives no such distribution of `size` dimensions. A function `encode(x): q.mean` is
    followed back to q.

    batches: images (B, C, H, W).
    size: the number of dimensions of a code.
    """
    result = model.method.function_graphs["encode"].result
    roots = [result, *(n.inputs[0] for n in below(result) if isinstance(n.op, AttributeOp) and n.op.name == "mean")]
    twins = [_until(model, root) for root in roots]
    rows = [torch.cat([kl for twin in twins for kl in _kls(twin, batch)] or [torch.empty(len(batch), 0)], 1)
            for batch in batches]
    found = torch.cat(rows).float().cpu().numpy()
    return found if found.shape[1] == size else None


def _until(model: Model, node: Node) -> Model:
    """Return the model with an `encode` that ends at a node."""
    body = attrs.evolve(model.method.function_graphs["encode"], result=node)
    method = attrs.evolve(model.method, function_graphs={**model.method.function_graphs, "encode": body})
    return Model(method, model.modules, model.device, model.run, model.step)


def _kls(model: Model, batch: np.ndarray) -> list[Tensor]:
    v = model("encode", batch)
    return [p.kl().flatten(1) for p in (v.parts.values() if isinstance(v, Record) else (v,)) if isinstance(p, Gaussian)]
