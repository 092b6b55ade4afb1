"""Whether compiling a network pays: what lies between its products is what a compiler can fuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, device, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from unbraid.networks import shapes_of
from unbraid.values import Value

LIBRARY = frozenset({"convolution", "addmm", "mm", "bmm", "baddbmm", "avg_pool2d", "max_pool2d_with_indices",
                     "upsample_nearest2d", "upsample_bilinear2d"})     # kernels of their own, compiled or not
FREE = frozenset({"detach", "empty", "empty_like", "new_empty"})


def pays_compiled(network: nn.Module, inputs: tuple[Value, ...], where: device) -> bool:
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
        super().__init__()
        self.library = self.others = 0

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Tensor:
        name = func._schema.name.partition("::")[2]
        if name in LIBRARY:
            self.library += 1
        elif name not in FREE and not func.is_view:
            self.others += 1
        return func(*args, **(kwargs or {}))
