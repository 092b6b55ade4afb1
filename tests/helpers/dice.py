"""What the plugins' tests share: a noise that the tests know, and a context to build networks in."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
import torch
from torch import Tensor

from unbraid import Context, Layout
from unbraid_configs import Factor


@attrs.define
class Dice:
    """A `random` on the CPU or the meta device, with a generator of its own; `asked` records what was drawn."""

    batch: int = 4
    device: str = "cpu"
    generator: torch.Generator = attrs.field(factory=lambda: torch.Generator().manual_seed(0))
    asked: list[tuple[str, tuple[int, ...]]] = attrs.field(factory=list)

    def normal(self, *shape: int) -> Tensor:
        self.asked.append(("normal", shape))
        return torch.randn(shape, generator=self.generator).to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        self.asked.append(("uniform", shape))
        return torch.rand(shape, generator=self.generator).to(self.device)

    def integers(self, high: int, *shape: int) -> Tensor:
        self.asked.append(("integers", shape))
        return torch.randint(high, shape, generator=self.generator).to(self.device)

    def permutation(self, n: int) -> Tensor:
        self.asked.append(("permutation", (n,)))
        return torch.randperm(n, generator=self.generator).to(self.device)


@pytest.fixture
def dice() -> Callable[..., Dice]:
    """Make a `random` that the test can look into."""
    return Dice


@pytest.fixture
def layout() -> Layout:
    """Two chunks of 3 and a pose of 4."""
    return Layout.of({"chunk": Factor(name="chunk", count=2, size=3), "pose": Factor(name="pose", size=4)})


@pytest.fixture
def context(layout: Layout) -> Callable[..., Context]:
    """A context for images of a shape."""
    def make(*image: int, code: Layout = layout, **factors: int) -> Context:
        return Context(name="box", image=image or (3, 16, 16), code=code, factors=factors)  # type: ignore[arg-type]
    return make


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
