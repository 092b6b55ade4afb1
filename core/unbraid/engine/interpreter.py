"""Interpreter of plans: computes the values of a round, with and without their graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from unbraid.engine.plan import NOBODY, CompiledCall, Instruction, Needs, State
from unbraid.flow import Node
from unbraid.model import Environment, Method, Step, computation, detached
from unbraid.values import Noise, Value, map_tensors

Batch = Callable[[int, int, Needs], Mapping[tuple[str, str | None], Value]]      # step, round, needed draws
Wrap = Callable[[Node, Step], Step]                # replaces a node's computation


@attrs.define(eq=False)
class Interpreter:
    """Interpreter of plans: holds the values of the present round, computed on a method's networks.

    batch: returns the draws of a round.
    noise: the noise of random operations.
    wrap: changes how a node is computed, as profilers and stacks of several seeds do.
    """

    method: Method
    device: torch.device
    batch: Batch
    noise: Noise
    precision: str
    wrap: Wrap
    environment: Environment = attrs.field(init=False)
    values: dict[int, Value] = attrs.field(init=False, factory=dict)
    constants: dict[int, Value] = attrs.field(init=False, factory=dict)          # values without their graphs
    _steps: dict[int, Step] = attrs.field(init=False, factory=dict)
    _wanting: dict[str, bool] = attrs.field(init=False, factory=dict)
    _parameters: dict[str, list[nn.Parameter]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        m = self.method
        self.environment = Environment(m.modules, m.layouts, m.layout, self.noise)
        self._parameters = {name: list(module.parameters()) for name, module in m.modules.items()}
        for name in m.wants_sets:
            m.modules[name].wants_sets = True  # type: ignore[assignment]
        for module in m.modules.values():
            module.requires_grad_(False)

    # -- rounds and values --------------------------------------------------------------------------------------------

    def open_round(self, step: int, round_: int, needs: Needs) -> None:
        """Draw a round's batch, and set the address of its noise."""
        draws = self.batch(step, round_, needs)
        self.environment.draws = {name: map_tensors(self._on_device, v) for name, v in draws.items()}
        self.noise.step, self.noise.round, self.noise.batch = step, round_, self.method.facts.batch

    def keep(self, state: State) -> None:
        """Drop all values except those that are still fresh."""
        for index in [i for i in self.values if i not in state.owners]:
            del self.values[index]
            self.constants.pop(index, None)

    def number(self, node: Node) -> Tensor:
        """Return a node's value as a tensor, without its graph."""
        return torch.as_tensor(self.constants.get(node.index, self.values[node.index]),
                               dtype=torch.get_default_dtype(), device=self.device).detach()

    def _on_device(self, t: Tensor) -> Tensor:
        last = t.ndim == 4 and self.method.recipe.train.channels_last      # else each network copies them
        t = t.to(self.device, torch.get_default_dtype()) if t.is_floating_point() else t.to(self.device)
        return t.contiguous(memory_format=torch.channels_last) if last else t

    # -- computing ----------------------------------------------------------------------------------------------------

    def run(self, calls: Iterable[CompiledCall]) -> None:
        """Compute values, each with its graph if a player will send a gradient through it."""
        values, constants = self.values, self.constants
        for call in calls:
            inputs = []
            for index, graph in call.inputs:
                if graph or (v := constants.get(index)) is None:
                    v = values[index]
                    if not graph:
                        v = constants[index] = detached(v)
                inputs.append(v)
            if call.graph:
                for network, wanted in call.switches:
                    self.want_gradients(network, wanted)
                v = call.compute(inputs)
                constants.pop(call.index, None)
            else:
                with torch.no_grad():
                    v = call.compute(inputs)
                constants[call.index] = v
            values[call.index] = v
            for index in call.drop:
                values.pop(index, None)
                constants.pop(index, None)

    def compute(self, node: Node) -> Value:
        """Compute a node's value and everything below it, and store none of it."""
        return self._step(node)([self.compute(i) for i in node.inputs])

    def compiled(self, instruction: Instruction) -> CompiledCall:
        """Return an instruction ready to run, with all look-ups done."""
        node = instruction.node
        return CompiledCall(node.index, self._step(node),
                            tuple(zip((i.index for i in node.inputs), instruction.with_graph, strict=True)),
                            instruction.owner != NOBODY, tuple((n, n in instruction.trains) for n in sorted(node.uses)),
                            instruction.drop)

    def _step(self, node: Node) -> Step:
        if node.index not in self._steps:
            self._steps[node.index] = self.wrap(node, computation(node, self.environment))
        return self._steps[node.index]

    def autocast(self) -> Any:
        """Return a context in which networks compute in the recipe's precision."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.precision == "bf16" else nullcontext()

    # -- networks -----------------------------------------------------------------------------------------------------

    def weights(self, networks: Iterable[str]) -> list[nn.Parameter]:
        """Return the weights of networks, in order."""
        return [w for n in networks for w in self._parameters[n]]

    def want_gradients(self, network: str, wanted: bool) -> None:
        """Set whether a network's weights become part of graphs."""
        if self._wanting.get(network, False) != wanted:
            self._wanting[network] = wanted
            for weight in self._parameters[network]:
                weight.requires_grad_(wanted)

    def gradients(self, total: Tensor, networks: Sequence[str] | frozenset[str], weights: Sequence[nn.Parameter]
                  ) -> list[Tensor | None]:
        """Return a number's gradients with respect to weights of networks; None where it doesn't depend on a weight."""
        for name in networks:
            self.want_gradients(name, True)
        if not total.requires_grad:
            return [None] * len(weights)
        return list(torch.autograd.grad(total, weights, allow_unused=True))

    def set_modes(self, training: set[str]) -> None:
        """Set the networks in `training` to training mode and all others to evaluation mode."""
        for name, module in self.method.modules.items():
            if module.training != (name in training):
                module.train(name in training)
