"""What networks that remember (image pools, queues) keep on every rank: gathered for a checkpoint, dealt out again.

Rank 0's memories are among the weights of its networks, as those of a training by one process are; a checkpoint has
those of the others beside them. With another number of ranks than before, rank r takes up the memories of rank
r modulo the former number; those that no rank takes up are forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from unbraid import checkpoint, distributed
from unbraid.method import Method
from unbraid.model import load_weights

GROUP = "memories"                                 # in a checkpoint: rank/network/name of what it keeps


def remembering(method: Method) -> dict[str, nn.Module]:
    """The networks that remember."""
    return {name: method.modules[name] for name in sorted(method.flow.graph.remembering)}


def gathered(method: Method) -> dict[str, Tensor]:
    """What the other ranks' networks remember, on rank 0; all ranks have to ask."""
    found: dict[str, Tensor] = {}
    if distributed.world() > 1:
        for network, module in remembering(method).items():
            for name, tensor in module.state_dict().items():
                kept = distributed.gather(tensor)
                found |= {f"{rank}/{network}/{name}": t for rank, t in enumerate(kept) if rank}
    return found


def dealt(method: Method, kept: Mapping[str, Tensor], where: str) -> None:
    """Give this rank's networks what a checkpoint kept for it.  where: the checkpoint.  Raises ModelError."""
    by_rank = checkpoint.nested(kept)
    own = checkpoint.nested(by_rank.get(str(distributed.rank() % (1 + len(by_rank))), {}))
    for name, module in remembering(method).items():
        if name in own:
            load_weights(module, own[name], f"{where}#{name}")
