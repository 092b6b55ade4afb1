"""Networks that are fitted once to a whole source instead of trained (the view graph)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from unbraid.data import Data
from unbraid.flow import DrawOp, NetworkOp, Node, below
from unbraid.model import Environment, Method, evaluate
from unbraid.values import Noise, Value

BATCH = 64


def fit_networks(method: Method, data: Data) -> None:
    """Call `fit(batches)` of every network that has it, with its inputs for the whole source, in order."""
    for name, module in method.modules.items():
        fit = getattr(module, "fit", None)
        if fit is None:
            continue
        call = next(n for n in method.flow.graph.nodes if isinstance(n.op, NetworkOp) and n.op.network == name)
        module.eval()
        fit(_batches(method, data, call))


@torch.no_grad()
def _batches(method: Method, data: Data, call: Node) -> Iterator[tuple[Value, ...]]:
    draws = [n.op for n in below(call) if isinstance(n.op, DrawOp)]
    source = method.facts.draws[draws[0].draw].source if draws else None
    rows = data.rows("train", source)
    for part in np.split(rows, range(BATCH, len(rows), BATCH)):
        values = {(d.draw, d.field): data.images(part, source) if d.field is None else data.field(d.field, part, source)
                  for d in draws}
        noise = Noise(method.recipe.train.seed, data.images(part[:1], source).device, batch=len(part))
        environment = Environment(method.modules, method.layouts, method.layout, noise, draws=values)
        yield tuple(evaluate(environment, *call.inputs))
