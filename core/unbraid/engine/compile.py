"""Compiled networks: which of them gain by it.  What lies between a network's products is what a compiler can fuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, device, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from unbraid.flow import ReferenceOp, below
from unbraid.model import Method, shapes_of
from unbraid.values import Value

FORMS = 8                                          # of a network, for which torch compiles it: sizes, without gradients

LIBRARY = frozenset({"convolution", "addmm", "mm", "bmm", "baddbmm", "avg_pool2d", "max_pool2d_with_indices",
                     "upsample_nearest2d", "upsample_bilinear2d"})     # kernels of their own, compiled or not
FREE = frozenset({"detach", "empty", "empty_like", "new_empty"})


def compile_networks(method: Method, where: device, *, graphs: bool = False) -> None:
    """Compile each network that gains by it; one that a loss takes whole (and differentiates twice) stays eager.

    graphs: keep them as CUDA graphs.
    """
    terms = [t.node for graph in method.player_graphs.values() for t in graph.terms]
    eager = {n.op.network for n in below(*terms) if isinstance(n.op, ReferenceOp)}
    own: dict[str, Any] = {"options": {"fallback_random": True}}                # dropout as it is without compiling
    how = {"mode": "reduce-overhead"} if graphs else own
    for name, module in method.modules.items():
        if name not in eager and worth_compiling(module, method.called_with[name], where):
            module.compile(dynamic=False, **how)   # symbols for sizes can keep it busy for an hour
            torch._dynamo.config.recompile_limit += FORMS      # which all networks of a class share


def worth_compiling(network: nn.Module, inputs: tuple[Value, ...], where: device) -> bool:
    """Whether a network, called with such inputs (meta tensors), is faster compiled on this device.

    On a GPU all are. On a CPU those with more than one other operation for each of the library's kernels, as
    normalisation brings: calling compiled code costs more than fusing a rectifier alone saves.
    """
    if where.type != "cpu":
        return True
    with _Counted() as counted:
        shapes_of(network, inputs)
    return counted.others > counted.library


class _Counted(TorchDispatchMode):
    """Counts the operations that run inside."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.library = self.others = 0

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Tensor:
        name = func._schema.name.partition("::")[2]
        if name in LIBRARY:
            self.library += 1
        elif name not in FREE and not func.is_view:
            self.others += 1
        return func(*args, **(kwargs or {}))
