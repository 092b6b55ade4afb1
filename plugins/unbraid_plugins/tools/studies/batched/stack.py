"""The stacked weights and buffers of one network for several seeds; the module of each seed is a view of its rows."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs
import torch
from torch import Tensor, nn

from unbraid_registry import UnbraidError


@attrs.frozen(eq=False)
class Slot:
    """The place of a weight or a buffer in a module.  of: the module's dict of them."""

    of: dict[str, Tensor | None]
    name: str


@attrs.define(eq=False)
class Stack:
    """A network of K seeds.

    module: a copy of the network, with weights and buffers (K, ...).
    tensors: these weights and buffers, one for each slot.

    The weights and buffers of each seed's module become views of rows: both share memory.
    """

    module: nn.Module
    slots: list[Slot]
    tensors: list[Tensor]

    @classmethod
    def of(cls, name: str, modules: Sequence[nn.Module]) -> Stack:
        """Stack equally built modules.  Raises UnbraidError where they differ beyond weights and buffers."""
        module = copy.deepcopy(modules[0])
        slots: list[Slot] = []
        tensors: list[Tensor] = []
        known: dict[int, Tensor] = {}              # a weight that two layers share is stacked once
        for inner, *own in zip(module.modules(), *(m.modules() for m in modules), strict=True):
            _same_constants(name, own)
            for kind in ("_parameters", "_buffers"):
                place: dict[str, Tensor | None] = getattr(inner, kind)
                for key in [k for k, t in place.items() if t is not None]:
                    rows = [getattr(o, kind)[key] for o in own]
                    if id(rows[0]) not in known:
                        stacked = torch.stack([r.detach() for r in rows])
                        known[id(rows[0])] = nn.Parameter(stacked, False) if kind == "_parameters" else stacked
                        for row, share in zip(rows, stacked, strict=True):
                            row.data = share
                    place[key] = known[id(rows[0])]
                    slots.append(Slot(place, key))
                    tensors.append(known[id(rows[0])])
        return cls(module, slots, tensors)

    @contextmanager
    def bound(self, tensors: Sequence[Tensor]) -> Iterator[None]:
        """Give the module these tensors within the context; copy a buffer that the module replaces into its tensor."""
        for slot, t in zip(self.slots, tensors, strict=True):
            slot.of[slot.name] = t
        try:
            yield
            for slot, t in zip(self.slots, tensors, strict=True):
                now = slot.of[slot.name]
                if now is not t and now is not None:
                    t.copy_(now.detach())
        finally:
            for slot, t in zip(self.slots, self.tensors, strict=True):
                slot.of[slot.name] = t

    def with_own_buffers(self) -> list[Tensor]:
        """Return the tensors with copies of the buffers, for an attempt that may fail."""
        return [t if isinstance(t, nn.Parameter) else t.clone() for t in self.tensors]

    def take_over(self, tensors: Sequence[Tensor]) -> None:
        """Copy the buffers of a successful attempt into the stack."""
        for own, t in zip(self.tensors, tensors, strict=True):
            if own is not t:
                own.copy_(t)

    def rows(self) -> list[Sequence[Tensor]]:
        """Return for every slot the tensors of the K seeds, connected to the stack in the autograd graph."""
        return [t.unbind(0) if isinstance(t, nn.Parameter) else [t[k] for k in range(len(t))] for t in self.tensors]


def _same_constants(name: str, own: Sequence[nn.Module]) -> None:
    first, *others = own
    for key, t in vars(first).items():
        if isinstance(t, Tensor) and not all(torch.equal(t, vars(o)[key]) for o in others):
            raise UnbraidError(f"networks.{name}: {type(first).__name__}.{key} is a tensor that differs from seed to "
                               "seed, and is neither weight nor buffer: the seeds can't share a model",
                               hint="register it (register_buffer), or train the seeds one by one")
