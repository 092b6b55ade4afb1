"""Protocols of the kinds of components.

A component is a function or an attrs class, marked with the decorator of its kind. Losses and operations are called
with values by position and have their hyper-parameters as keywords. Networks (encoder, generator, critic, renderer,
network) are attrs classes with `build(context, *inputs) -> nn.Module`. Their modules are called with plain tensors:
a code arrives as its tensor, a label as its one-hot vectors, a Gaussian as its mean. A loss or operation receives
the same, except for parameters annotated with a record (`q: Gaussian`, `f: Code`, `y: Label`, `v: Set`, `v: Value`),
which arrive as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import attrs

from unbraid_registry.component import critic, encoder, generator, loss, metric, network, operation, renderer, source

if TYPE_CHECKING:
    from torch import Tensor, nn

    from unbraid.data import Images
    from unbraid.values import Layout, Value

__all__ = ["Context", "Critic", "Encoder", "Generator", "Loss", "Network", "Operation", "Renderer", "Source",
           "critic", "encoder", "generator", "loss", "metric", "network", "operation", "renderer", "source"]


@attrs.frozen(kw_only=True)
class Context:
    """Facts that a network may use when it is built.

    name: its name in the recipe.
    image: (C, H, W) of the images that it makes.
    code: the layout of the factors that it makes.
    factors: the number of classes of every labelled factor of the data.
    """

    name: str
    image: tuple[int, int, int]
    code: Layout
    factors: dict[str, int] = attrs.Factory(dict)


class Network(Protocol):
    """A network component: it builds a module for given inputs.

    inputs: the values of its first call, as tensors on the meta device with a batch of 2, for their shapes.
    """

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Return the module, with fresh weights from torch's default generator."""
        ...


@runtime_checkable
class Encoder(Network, Protocol):
    """Images (B, C, H, W) in [0, 1] -> a code: (B, D) of `context.code`, a Gaussian over it, or a Record of several."""


@runtime_checkable
class Generator(Network, Protocol):
    """Codes -> images (B, C, H, W) of shape `context.image`, in [0, 1] (or logits, where it says so)."""


@runtime_checkable
class Critic(Network, Protocol):
    """Images, pairs or codes -> scores (B, n), unbounded; high is real."""


@runtime_checkable
class Renderer(Network, Protocol):
    """A scene and a view -> images (B, C, H, W) in [0, 1], with gradients to the scene."""


class Loss(Protocol):
    """Values -> a scalar: the mean over the batch. It does not change its arguments and refuses unequal shapes."""

    def __call__(self, *values: Value, **options: Any) -> Tensor:
        """Return the loss."""
        ...


class Operation(Protocol):
    """Values -> values, without weights; random only by the keyword `random`."""

    def __call__(self, *values: Value, **options: Any) -> Value:
        """Return the value."""
        ...


class Source(Protocol):
    """A data set: `open()` gives its images and their named fields."""

    def open(self) -> Images:
        """Return the images; read only as much as their number, shape and fields need.  Raises DataError."""
        ...
