"""Computation of a node for all seeds: at once under vmap, or seed by seed if its operations do not allow that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from unbraid.flow import ComponentOp, DetachOp, DrawOp, Node, NumberOp, ReferenceOp, TupleOp
from unbraid.model import Step
from unbraid.values import Value
from unbraid_plugins.tools.studies.batched.noise import Generators, SeedNoise
from unbraid_plugins.tools.studies.batched.stack import Stack

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
AS_THEY_ARE = (DrawOp, NumberOp, ReferenceOp, TupleOp, DetachOp)       # nodes that take stacked values as they are


@attrs.frozen(eq=False)
class Seeds:
    """The state that all nodes share: number of seeds, stacks, noise and generators."""

    count: int
    stacks: dict[str, Stack]
    noise: SeedNoise
    generators: Generators

    def computation(self, node: Node, compute: Step) -> Step:
        """Return a node's computation for values (K, ...) of all seeds."""
        if isinstance(node.op, AS_THEY_ARE):
            return compute
        stacks = tuple(self.stacks[name] for name in sorted(node.uses))
        random = isinstance(node.op, ComponentOp) and node.op.address is not None and not stacks
        return Together(self, compute, stacks, "same" if random else "error")


@attrs.define(eq=False)
class Together:
    """The computation of one node.

    randomness: vmap's option; `same` for random operations, whose noise is drawn for each seed, else `error`.
    """

    seeds: Seeds
    compute: Step
    stacks: tuple[Stack, ...]
    randomness: str
    _at_once: dict[tuple[bool, ...], bool] = attrs.Factory(dict)       # by the modes of the networks

    def __call__(self, values: Sequence[Value]) -> Value:
        """Compute the value for all seeds; the first call in each mode finds out whether vmap works."""
        modes = tuple(stack.module.training for stack in self.stacks)
        if modes in self._at_once:
            return self.at_once(values) if self._at_once[modes] else self.in_turn(values)
        if not self._better_in_turn():
            tried = [s.with_own_buffers() for s in self.stacks]
            try:
                value = self._under_vmap(values, tried)
            except torch.OutOfMemoryError:
                raise
            except Exception:                      # an error that is not vmap's is raised again below
                pass
            else:
                self._at_once[modes] = True
                for stack, tensors in zip(self.stacks, tried, strict=True):
                    stack.take_over(tensors)
                return value
        value = self.in_turn(values)
        self._at_once[modes] = False
        return value

    def _better_in_turn(self) -> bool:
        """Return whether to avoid vmap: it makes convolutions grouped, which takes twice the time on the CPU."""
        return self.seeds.noise.device.type == "cpu" and any(
            isinstance(m, CONVOLUTIONS) for stack in self.stacks for m in stack.module.modules())

    def at_once(self, values: Sequence[Value]) -> Value:
        """Compute all seeds under vmap."""
        return self._under_vmap(values, [s.tensors for s in self.stacks])

    def _under_vmap(self, values: Sequence[Value], weights: list[list[Tensor]]) -> Value:
        leaves, form = pytree.tree_flatten(list(values))
        made: Any = None

        def one(place: Tensor, weights: list[list[Tensor]], tensors: list[Tensor]) -> list[Tensor]:
            nonlocal made
            given = iter(tensors)
            own = [next(given) if isinstance(v, Tensor) else v for v in leaves]
            out, shape = pytree.tree_flatten(self._one(place, weights, pytree.tree_unflatten(own, form)))
            made = [None if isinstance(v, Tensor) else v for v in out], shape
            return [v for v in out if isinstance(v, Tensor)]

        places = torch.arange(self.seeds.count, device=self.seeds.noise.device).unsqueeze(1)
        stacked = iter(torch.func.vmap(one, randomness=self.randomness)(
            places, weights, [v for v in leaves if isinstance(v, Tensor)]))
        plain, shape = made
        return pytree.tree_unflatten([next(stacked) if v is None else v for v in plain], shape)

    def in_turn(self, values: Sequence[Value]) -> Value:
        """Compute one seed after the other."""
        count = range(self.seeds.count)
        leaves, form = pytree.tree_flatten(list(values))
        rows = [v.unbind(0) if isinstance(v, Tensor) else [v for _ in count] for v in leaves]
        weights = [s.rows() for s in self.stacks]
        made = []
        for place in count:
            with self.seeds.generators.of(place):
                made.append(self._one(place, [[t[place] for t in stack] for stack in weights],
                                      pytree.tree_unflatten([row[place] for row in rows], form)))
        return pytree.tree_map(_joined, *made)

    def _one(self, place: int | Tensor, weights: Sequence[Sequence[Tensor]], values: Sequence[Value]) -> Value:
        with ExitStack() as held:
            held.enter_context(self.seeds.noise.of(place))
            for stack, tensors in zip(self.stacks, weights, strict=True):
                held.enter_context(stack.bound(tensors))
            return self.compute(values)


def _joined(*values: Any) -> Any:
    """Join the seeds' values of one leaf: stack tensors and differing numbers, keep a number that all share."""
    if isinstance(values[0], Tensor):
        return torch.stack(values)
    return values[0] if all(v == values[0] for v in values) else torch.tensor(values, dtype=torch.get_default_dtype())
