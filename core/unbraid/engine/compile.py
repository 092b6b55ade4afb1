"""Compilation of networks that gain by it: a compiler can fuse the operations between matrix products."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, device, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from unbraid.flow import ReferenceOp, below
from unbraid.model import Method, shapes_of
from unbraid.values import Value
from unbraid_registry.files import own_cache

FORMS = 8                                          # compiled versions of a network: sizes, with and without gradients

LIBRARY = frozenset({"convolution", "addmm", "mm", "bmm", "baddbmm", "avg_pool2d", "max_pool2d_with_indices",
                     "upsample_nearest2d", "upsample_bilinear2d"})     # library kernels, compiled or not
FREE = frozenset({"detach", "empty", "empty_like", "new_empty"})


def prepare(method: Method, where: device) -> None:
    """Store the weights in the layout of the method's recipe, and compile the networks if it says so."""
    for module in method.modules.values() if method.recipe.train.channels_last else ():
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if method.recipe.train.compile:
        compile_networks(method, where, graphs=method.recipe.train.cuda_graphs)


def compile_networks(method: Method, where: device, *, graphs: bool = False) -> None:
    """Compile each network that gains by it; one that a loss takes whole (and differentiates twice) stays eager.

    graphs: keep compiled networks as CUDA graphs.
    """
    terms = [t.node for graph in method.player_graphs.values() for t in graph.terms]
    eager = {n.op.network for n in below(*terms) if isinstance(n.op, ReferenceOp)}
    own: dict[str, Any] = {"options": {"fallback_random": True}}                # dropout as without compiling
    _keep_in_own_folder()
    how = {"mode": "reduce-overhead"} if graphs else own
    for name, module in method.modules.items():
        if name not in eager and worth_compiling(module, method.called_with[name], where):
            module.compile(dynamic=False, **how)   # with symbolic sizes it can take an hour
            torch._dynamo.config.recompile_limit += FORMS      # all networks of a class share the limit


def _keep_in_own_folder() -> None:
    """Have torch keep compiled code in the user's cache: by default it is in /tmp, by a name that others can guess."""
    default = os.path.join(tempfile.gettempdir(), "torchinductor_")
    if os.environ.get("TORCHINDUCTOR_CACHE_DIR", default).startswith(default):
        with suppress(RuntimeError):               # there is no home folder
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(own_cache() / "inductor")


def worth_compiling(network: nn.Module, inputs: tuple[Value, ...], where: device) -> bool:
    """Return whether a network, called with such inputs (meta tensors), is faster compiled on this device.

    On a GPU every network is. On a CPU, a network needs more other operations than library kernels, as normalisation
    brings: calling compiled code costs more than fusing a rectifier alone saves.
    """
    if where.type != "cpu":
        return True
    with _Counted() as counted:
        shapes_of(network, inputs)
    return counted.others > counted.library


class _Counted(TorchDispatchMode):
    """Counter of the operations that run inside the block."""

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
