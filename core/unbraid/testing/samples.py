"""Small sample values for calls of components."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, get_origin

import torch
from torch import Tensor, nn

from unbraid.interfaces import Context
from unbraid.values import Code, Gaussian, Label, Layout, Noise, Random, Set, Value, map_tensors, seeded, tensors
from unbraid_configs import Factor


def numbers(*shape: int, seed: int = 0) -> Tensor:
    """Return numbers in (0.05, 0.95), the same for the same seed: an image, a code, a score."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 0.9 + 0.05


def noise(address: str = "testing", *, batch: int = 4, device: str = "cpu",
          dtype: torch.dtype = torch.float32) -> Random:
    """Return the `random` of a random operation; the same address gives the same numbers."""
    return Noise(seed=0, device=torch.device(device), batch=batch, dtype=dtype).at(address)


def small_context(*, image: tuple[int, int, int] = (3, 32, 32), **factors: int) -> Context:
    """Return a context for images of this shape, with a code of chunk1, chunk2 (3 numbers each) and pose (4).

    factors: labelled factors of the data and their number of classes.
    """
    layout = Layout.of({"chunk": Factor(name="chunk", count=2, size=3), "pose": Factor(name="pose", size=4)})
    return Context(name="network", image=image, code=layout, factors=factors)


def sample_of(annotation: Any, *, seed: int = 0) -> Value:
    """Return a value for a parameter with this annotation, a batch of 4; images (4, 3, 4, 4) by default."""
    code = Code(numbers(4, 10, seed=seed), small_context().code)
    if annotation is Code:
        return code
    if annotation is Gaussian:
        return Gaussian(code, numbers(4, 10, seed=seed + 100))
    if annotation is Label:
        return Label((torch.arange(4) + seed) % 3, 3)
    if annotation is Set:
        return Set.fold(numbers(4, 3, 5, seed=seed))
    if get_origin(annotation) is Callable:         # a network by name: of the images below
        with seeded(seed):
            return nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
    return numbers(4, 3, 4, 4, seed=seed)


def batch_of(*values: Value) -> int:
    """Return the batch size: the first dimension of the first tensor (of a set, by its count), or 4 without one."""
    return next((len(t) // (v.count if isinstance(v, Set) else 1) for v in values for t in tensors(v) if t.ndim), 4)


def rows_of(v: Value, start: int, stop: int) -> Value:
    """Return some samples of a value; of a set, all members of these samples."""
    if isinstance(v, tuple | list):
        return tuple(rows_of(item, start, stop) for item in v)
    if isinstance(v, Set):
        return Set(rows_of(v.folded, start * v.count, stop * v.count), v.count)
    return map_tensors(lambda t: t[start:stop] if t.ndim else t, v)


def shapes(v: Value) -> list[tuple[tuple[int, ...], torch.dtype]]:
    """Return the shape and type of every tensor in a value."""
    return [(tuple(t.shape), t.dtype) for t in tensors(v)]


def cast(v: Value, dtype: torch.dtype) -> Value:
    """Return a copy of a value, without graph, whose real numbers have another precision."""
    if isinstance(v, nn.Module):
        return copy.deepcopy(v).to(dtype)
    return map_tensors(lambda t: (t.to(dtype) if t.is_floating_point() else t).detach().clone(), v)


def on_meta(v: Value) -> Value:
    """Return a copy of a value on the meta device: its shapes alone."""
    return copy.deepcopy(v).to("meta") if isinstance(v, nn.Module) else map_tensors(lambda t: t.to("meta"), v)


def as_zeros(v: Value) -> Value:
    """Return a value with zeros in place of its numbers; of a module, a copy in evaluation mode."""
    return copy.deepcopy(v).eval() if isinstance(v, nn.Module) else map_tensors(torch.zeros_like, v)


def equal(a: Value, b: Value) -> bool:
    """Whether two values hold the same numbers."""
    first, second = list(tensors(a)), list(tensors(b))
    return shapes(a) == shapes(b) and all(torch.equal(s, t) for s, t in zip(first, second, strict=True))


def snapshot(v: Any) -> list[Any]:
    """Return copies of what a component must leave unchanged: numbers, `requires_grad`, gradients, modes."""
    if isinstance(v, nn.Module):
        state = [(name, t.detach().clone()) for name, t in v.state_dict().items()]
        flags = [(name, p.requires_grad, p.grad is None) for name, p in v.named_parameters()]
        return [state, flags, [m.training for m in v.modules()]]
    return [(t.detach().clone(), t.requires_grad, t.grad is None) for t in tensors(v)]


def unchanged(before: Any, after: Any) -> bool:
    """Whether two snapshots are the same."""
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    return torch.equal(before, after) if isinstance(before, Tensor) else before == after
