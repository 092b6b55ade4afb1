"""Conversion of a training's state to a checkpoint and back, with the memories of networks on every rank.

Memories (image pools, queues) differ between ranks. Rank 0's are among the weights of its networks, as in a training
by one process; a checkpoint has those of other ranks beside them. If the number of ranks changes, rank r takes the
memories of rank r modulo the former number; memories that no rank takes are forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from unbraid.engine import distributed
from unbraid.engine.optimizers import Optimizer
from unbraid.engine.resume import Resumption
from unbraid.model import Method
from unbraid.runs import CheckpointError, checkpoint, load_weights

MEMORIES = "memories"                              # a group of a checkpoint: tensors by rank/network/name


def checkpoint_of(method: Method, ema: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer],
                  step: int) -> checkpoint.Checkpoint:
    """Return everything that the rest of a training depends on; all ranks must call it."""
    groups = {"networks": checkpoint.flat({n: m.state_dict() for n, m in method.modules.items()}),
              "optimizers": checkpoint.flat({n: o.state() for n, o in optimizers.items()})}
    if ema:
        groups["averages"] = checkpoint.flat({n: m.state_dict() for n, m in ema.items()})
    if kept := gather_ranks(method):
        groups[MEMORIES] = kept
    return checkpoint.Checkpoint(step, groups)


def restore(method: Method, ema: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], path: Path,
            resumption: Resumption) -> checkpoint.Checkpoint:
    """Load a checkpoint into networks, EMA and optimizers.  Raises UnbraidError where it does not fit."""
    state = checkpoint.read(path)
    weights = checkpoint.nested(state.groups.get("networks", {}))
    kept = checkpoint.nested(state.groups.get("averages", {}))
    if resumption.changes:                         # a new EMA begins with the checkpoint's weights
        kept = {name: kept.get(name, weights.get(name, {})) for name in ema}
    try:
        for modules, tensors in ((method.modules, weights), (ema, kept)):
            for name, module in modules.items():
                load_weights(module, tensors.get(name, {}), f"{path}#{name}")
        scatter_ranks(method, state.groups.get(MEMORIES, {}), str(path))
    except CheckpointError as error:
        if not resumption.changes:
            raise
        raise resumption.refused([*map(resumption.line, resumption.changes), error.message]) from None
    moments = checkpoint.nested(state.groups.get("optimizers", {}))
    for name, optimizer in optimizers.items():
        if name not in resumption.anew:
            try:
                optimizer.load(moments.get(name, {}))
            except (ValueError, KeyError) as error:
                raise CheckpointError(f"{path}: players.{name}: {error}") from None
    return state


def remembering(method: Method) -> dict[str, nn.Module]:
    """Return the networks that remember."""
    return {name: method.modules[name] for name in sorted(method.flow.graph.remembering)}


def gather_ranks(method: Method) -> dict[str, Tensor]:
    """Return the memories of the other ranks' networks, on rank 0; all ranks must call it."""
    found: dict[str, Tensor] = {}
    if distributed.world() > 1:
        for network, module in remembering(method).items():
            for name, tensor in module.state_dict().items():
                kept = distributed.gather(tensor)
                found |= {f"{rank}/{network}/{name}": t for rank, t in enumerate(kept) if rank}
    return found


def scatter_ranks(method: Method, kept: Mapping[str, Tensor], where: str) -> None:
    """Load this rank's memories from a checkpoint.  where: the checkpoint's name.  Raises CheckpointError."""
    by_rank = checkpoint.nested(kept)
    own = checkpoint.nested(by_rank.get(str(distributed.rank() % (1 + len(by_rank))), {}))
    for name, module in remembering(method).items():
        if name in own:
            load_weights(module, own[name], f"{where}#{name}")
