"""Building of networks at their first call, for the shapes of its inputs, with weights seeded by their names."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from unbraid.data import DataFacts
from unbraid.interfaces import Context
from unbraid.model.compute import to_meta, zeros
from unbraid.model.memory_limit import WithinMemory
from unbraid.values import Layout, Value, seed_at, seeded, tensors
from unbraid_configs import Network, Recipe


@attrs.define
class NetworkBuilder:
    """Builder of a recipe's networks.  `called[name]` calls one, on meta tensors too, and builds it if needed.

    modules: the networks built until now.  called_with: the inputs of each network's first call, as meta tensors.
    """

    recipe: Recipe
    layout: Layout
    facts: DataFacts
    modules: dict[str, nn.Module] = attrs.field(init=False, factory=dict)
    called_with: dict[str, tuple[Value, ...]] = attrs.field(init=False, factory=dict)
    called: dict[str, LazyNetwork] = attrs.field(init=False)
    _memory: WithinMemory = attrs.field(init=False, factory=WithinMemory)

    def __attrs_post_init__(self) -> None:
        self.called = {name: LazyNetwork(name, self) for name in self.recipe.networks}

    def layouts(self) -> dict[str, Layout]:
        """Return the layout of the code that each network makes, without networks that make no code."""
        found = {}
        for name, n in self.recipe.networks.items():
            n = self.recipe.networks.get(n.average_of or "", n)
            makes_code = n.code is not None or (n.spec is not None and n.spec.component.kind == "encoder")
            if makes_code and self.layout.parts:
                found[name] = self.layout if n.code is None else self.layout.select(n.code)
        return found

    def build(self, name: str, inputs: tuple[Tensor, ...]) -> nn.Module:
        """Build a network for inputs (meta tensors) of these shapes.  Raises whatever its `build` raises."""
        n = self.recipe.networks[name]
        if n.average_of is not None:
            if n.average_of not in self.modules:
                self.build(n.average_of, inputs)
            module = copy.deepcopy(self.modules[n.average_of])
        else:
            assert n.spec is not None
            with seeded(seed_at(self.recipe.train.seed, "weights", name)), self._memory.next():
                module = n.spec.value.build(self._context(name, n), *inputs)
            if not isinstance(module, nn.Module):
                raise TypeError(f"{n.spec.component.full_name} built a {type(module).__name__}, not a torch module")
        self.modules[name] = module
        self.called_with[name] = inputs
        return module

    def _context(self, name: str, n: Network) -> Context:
        layout = self.layout if n.code is None else self.layout.select(n.code)
        return Context(name=name, image=self._image(name, n), code=layout, factors=self._factors())

    def _image(self, name: str, n: Network) -> tuple[int, int, int]:
        draws = self.facts.draws
        if n.image is not None:
            return draws[n.image].image
        images = {d.image for d in draws.values()}
        if len(images) > 1 and n.spec is not None and n.spec.component.kind in ("generator", "renderer"):
            sizes = ", ".join(f"{k} {d.image}" for k, d in draws.items())
            raise ValueError(f"the draws have images of different sizes ({sizes}); say which one {name} makes: "
                             f"image: {next(iter(draws))}")
        return next(iter(images)) if images else (0, 0, 0)

    def _factors(self) -> dict[str, int]:
        return {name: f.classes for d in self.facts.draws.values() for name, f in d.fields.items() if f.classes}


@attrs.define(eq=False)
class LazyNetwork:
    """A network as it is called before training: builds itself at the first call, and runs on meta tensors."""

    name: str
    networks: NetworkBuilder
    answers: list[tuple[Any, Value]] = attrs.field(init=False, factory=list)     # kind of the inputs, output on meta

    @property
    def wants_sets(self) -> bool:
        """Whether the network takes a whole set as (B, n, ...)."""
        n = self.networks.recipe.networks[self.name]
        n = self.networks.recipe.networks.get(n.average_of or "", n)
        return n.spec is not None and n.spec.component.sets

    def __call__(self, *inputs: Value) -> Value:
        """Return the network's output; the first call builds the network."""
        if self.name not in self.networks.modules:
            self.networks.build(self.name, to_meta(inputs))
        module = self.networks.modules[self.name]
        if not any(t.is_meta for t in tensors(inputs)):
            return evaluated(module, inputs)
        if any(t.requires_grad for t in tensors(inputs)):      # the output is part of a graph
            return shapes_of(module, inputs)
        leaves, structure = pytree.tree_flatten(inputs)
        kind = structure, [(t.shape, t.dtype) if isinstance(t, Tensor) else t for t in leaves]
        for known, answer in self.answers:
            if known == kind:
                return to_meta(answer)
        self.answers.append((kind, shapes_of(module, inputs)))
        return self.answers[-1][1]

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of a copy of the network, so that a loss or an operation can't change its weights."""
        if name.startswith("__") or self.name not in self.networks.modules:
            raise AttributeError(f"{self.name} is only passed; call it once in the flow, so that its shapes are known")
        return getattr(copy.deepcopy(self.networks.modules[self.name]), name)


def shapes_of(module: nn.Module, inputs: tuple[Value, ...]) -> Value:
    """Return a module's output for meta tensors, as meta tensors; run it on zeros where it can't run on meta."""
    try:
        return run_on_meta(module, inputs)
    except (NotImplementedError, RuntimeError, ValueError):
        return to_meta(evaluated(module, zeros(inputs)))


def run_on_meta(module: nn.Module, inputs: tuple[Value, ...]) -> Value:
    """Return the shapes of a module's output; neither its weights nor its buffers are touched."""
    state: Mapping[str, Tensor] = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    meta = {name: torch.empty_like(t, device="meta") for name, t in state.items()}
    return torch.func.functional_call(module, meta, inputs)


def evaluated(module: nn.Module, inputs: tuple[Value, ...]) -> Value:
    """Return a module's output in evaluation mode without gradients, then restore its mode and buffers."""
    modes = [(m, m.training) for m in module.modules()]
    buffers = [(b, b.clone()) for b in module.buffers()]
    try:
        with torch.no_grad():
            return module.eval()(*inputs)
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        for m, training in modes:
            m.training = training


@contextmanager
def preserved_buffers(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Restore the modules' buffers, such as running statistics, at the end of the block."""
    buffers = [b for module in modules for b in module.buffers()]
    before = [b.clone() for b in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, was in zip(buffers, before, strict=True):
                buffer.copy_(was)
