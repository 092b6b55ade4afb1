"""Networks that are fitted once to a whole source instead of trained (the view graph).

A module with `fit(batches)` is fitted before step 0. The batches are the inputs of its first call in the flow, for the
whole training split in order. `fit` may be a generator that yields how many parts of its work are done, of how many:
they are shown. The sizes of a fitted module's buffers are those that the fit gave them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from unbraid.data import Data
from unbraid.engine.progress import Progress
from unbraid.flow import DrawOp, NetworkOp, Node, below
from unbraid.model import Environment, Method, evaluate
from unbraid.values import Noise, Value, plain

BATCH = 64


def fitted(method: Method) -> list[str]:
    """Return the networks that are fitted here, in order: those with `fit` that no other run has fitted already."""
    return [name for name, module in method.modules.items()
            if hasattr(module, "fit") and method.recipe.networks[name].from_ is None]


def fit_networks(method: Method, data: Data, *, show: bool = False) -> None:
    """Call `fit(batches)` of every network that is fitted here.  show: print the progress on stderr."""
    for name in fitted(method):
        module = method.modules[name].eval()
        call = next(n for n in method.flow.graph.nodes if isinstance(n.op, NetworkOp) and n.op.network == name)
        parts: Iterator[tuple[int, int]] | None = module.fit(_batches(method, data, call))  # type: ignore[operator]
        if parts is None:
            continue
        with Progress(0, shown=show, unit=f"parts of {name}") as progress:
            for done, total in parts:
                progress.at(done, {}, of=total)


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
        yield tuple(plain(v) for v in evaluate(environment, *call.inputs))
