"""The suites for losses and operations: a correct component passes, and each test has a fault that it finds."""

from __future__ import annotations

import random as python_random
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from suite_runs import failures, outcome
from torch import Tensor, nn

from unbraid import Code, Gaussian, Label, Layout, Random, Set, loss, operation
from unbraid.testing import LossSuite, OperationSuite, numbers, small_context


def same(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape}")


@loss
def squared(a: Tensor, b: Tensor, *, scale: float = 1.0) -> Tensor:
    """Mean squared difference."""
    same(a, b)
    return scale * (a - b).square().mean()


@loss
@attrs.frozen(kw_only=True)
class Scaled:
    """Mean squared difference, times a scale."""

    scale: float

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        return self.scale * squared(a, b)


@loss
def divergence(q: Gaussian) -> Tensor:
    """KL of a Gaussian."""
    return q.kl().sum(1).mean()


@loss
def slope(critic: nn.Module, x: Tensor, *, random: Random) -> Tensor:
    """Slope of a critic at noisy points."""
    with torch.enable_grad():
        point = (x.detach() + random.normal(*x.shape)).requires_grad_()
        (g,) = torch.autograd.grad(critic(point).sum(), point, create_graph=True)
    return g.square().mean() + 0 * x.sum()


def test_correct_losses_pass() -> None:
    pair = (numbers(3, 2, 2), numbers(3, 2, 2, seed=1))
    skipped, failed = outcome(LossSuite, component=squared, options={"scale": 2.0})
    assert (skipped, failed) == (set(), {})
    assert failures(LossSuite, component=Scaled, options={"scale": 2.0}, inputs=lambda self: pair) == {}
    gaussian = Gaussian(Code(numbers(3, 10), small_context().code), numbers(3, 10, seed=1))
    skipped, failed = outcome(LossSuite, component=divergence, inputs=lambda self: (gaussian,))
    assert (skipped, failed) == ({"test_refuses_unequal_shapes"}, {})
    critic = nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 1))
    skipped, failed = outcome(LossSuite, component=slope, inputs=lambda self: (critic, numbers(4, 2)), constant=(1,),
                              differentiable=False)
    assert (skipped, failed) == ({"test_refuses_unequal_shapes", "test_is_a_mean_over_the_batch",
                                  "test_gradient_matches_finite_differences"}, {})


class WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        return g * 3


def undocumented(a: Tensor, b: Tensor) -> Tensor:
    return squared(a, b)


undocumented = loss(undocumented)


@loss
def no_scalar(a: Tensor, b: Tensor) -> Tensor:
    """One number per sample."""
    same(a, b)
    return (a - b).square().flatten(1).mean(1)


@loss
def infinite(a: Tensor, b: Tensor) -> Tensor:
    """Not finite."""
    same(a, b)
    return (a - b).square().mean() + torch.inf


@loss
def python_number(a: Tensor, b: Tensor) -> float:
    """A float."""
    same(a, b)
    return (a - b).square().mean().item()


@loss
def summed(a: Tensor, b: Tensor) -> Tensor:
    """A sum."""
    same(a, b)
    return (a - b).square().sum()


@loss
def broadcast(a: Tensor, b: Tensor) -> Tensor:
    """Broadcasts."""
    return (a - b).square().mean()


@loss
def wrong_gradient(a: Tensor, b: Tensor) -> Tensor:
    """Wrong gradient."""
    same(a, b)
    return WrongGradient.apply(a - b).square().mean()


@loss
def detached(a: Tensor, b: Tensor) -> Tensor:
    """No gradient to b."""
    return squared(a, b.detach())


@loss
def no_gradient(a: Tensor, b: Tensor) -> Tensor:
    """No gradient."""
    return squared(a.detach(), b.detach())


@loss
def changes_numbers(a: Tensor, b: Tensor) -> Tensor:
    """Changes a."""
    same(a, b)
    with torch.no_grad():
        a.clamp_(0.2, 0.8)
    return (a - b).square().mean()


@loss
def changes_flag(a: Tensor, b: Tensor) -> Tensor:
    """Makes a require a gradient."""
    a.requires_grad_()
    return squared(a, b)


@loss
def draws_torch(a: Tensor, b: Tensor) -> Tensor:
    """Draws from torch."""
    torch.rand(())
    return squared(a, b)


@loss
def draws_numpy(a: Tensor, b: Tensor) -> Tensor:
    """Draws from NumPy."""
    np.random.rand()
    return squared(a, b)


@loss
def draws_python(a: Tensor, b: Tensor) -> Tensor:
    """Draws from Python."""
    python_random.random()
    return squared(a, b)


@loss
def noisy(a: Tensor, b: Tensor) -> Tensor:
    """Noise of its own."""
    noise = torch.randn(a.shape, generator=torch.Generator().manual_seed(next(_counter)))
    same(a, b)
    return (a - b + noise.to(a)).square().mean()


_counter = iter(range(10**6))


@loss
def other_on_meta(a: Tensor, b: Tensor) -> Tensor:
    """Other shapes without numbers."""
    return a if a.is_meta else squared(a, b)


@loss
def fails_on_zeros(a: Tensor, b: Tensor) -> Tensor:
    """Fails without numbers."""
    if not a.any().item():
        raise RuntimeError("zeros")
    return squared(a, b)


@pytest.mark.parametrize(("component", "expected", "message"), [
    (undocumented, {"test_is_a_component", "test_options_exist"}, "no docstring"),
    (no_scalar, {"test_gives_a_finite_scalar"}, "has shape (4,)"),
    (infinite, {"test_gives_a_finite_scalar"}, "the loss is inf"),
    (python_number, {"test_gives_a_finite_scalar"}, "this gives float"),
    (summed, {"test_is_a_mean_over_the_batch"}, "no mean over the batch"),
    (broadcast, {"test_refuses_unequal_shapes"}, "without a word"),
    (wrong_gradient, {"test_gradient_matches_finite_differences"}, "Jacobian mismatch"),
    (detached, {"test_gradient_matches_finite_differences"}, ""),
    (no_gradient, {"test_gradient_matches_finite_differences"}, "no gradient reaches any input"),
    (changes_numbers, {"test_leaves_its_arguments_alone"}, "argument 0 is not as it was"),
    (changes_flag, {"test_leaves_its_arguments_alone"}, "argument 0 is not as it was"),
    (draws_torch, {"test_leaves_global_generators_alone"}, "torch's"),
    (draws_numpy, {"test_leaves_global_generators_alone"}, "NumPy's"),
    (draws_python, {"test_leaves_global_generators_alone"}, "Python's"),
    (noisy, {"test_same_address_gives_the_same"}, "a second call"),
    (other_on_meta, {"test_works_on_shapes_alone"}, "without numbers it gives"),
    (fails_on_zeros, {"test_works_on_shapes_alone"}, "zeros"),
], ids=lambda v: getattr(v, "__name__", ""))
def test_broken_losses_fail(component: Any, expected: set[str], message: str) -> None:
    failed = failures(LossSuite, component=component)
    assert expected <= set(failed)
    assert any(message in failed[name] for name in expected)
    tolerated = {"python_number", "noisy", "no_scalar", "infinite", "undocumented",
                 "changes_numbers"}                # broken in several ways at once
    if component.__name__ not in tolerated:
        assert set(failed) == expected


def test_a_mask_may_be_smaller() -> None:
    @loss
    def masked(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
        """Mean squared difference where the mask is 1."""
        same(a, b)
        return (mask * (a - b)).square().mean()

    assert set(failures(LossSuite, component=masked)) == {"test_refuses_unequal_shapes"}
    assert failures(LossSuite, component=masked, broadcasts=(2,)) == {}


def test_inputs_follow_annotations() -> None:
    @loss
    def everything(f: Code, q: Gaussian, y: Label, v: Set, x: Tensor) -> Tensor:
        """A bit of everything."""
        hot = (y.one_hot().to(x.dtype) @ f.tensor.new_ones(3, 1)).mean()
        return hot * f.pose.tensor.mean() + q.kl().mean() + v.unfolded().mean() + x.mean()

    assert failures(LossSuite, component=everything) == {}


@operation
def draw(*, random: Random, layout: Layout) -> Code:
    """A code from the prior."""
    return Code(random.normal(random.batch, layout.size), layout)


def test_an_operation_without_inputs() -> None:
    assert outcome(OperationSuite, component=draw) == ({"test_gradient_matches_finite_differences"}, {})


def test_a_loss_must_leave_networks_alone() -> None:
    critic = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))

    @loss
    def freezes(critic: nn.Module, x: Tensor) -> Tensor:
        """Freezes the critic."""
        return critic.requires_grad_(False)(x).mean()

    @loss
    def collects(critic: nn.Module, x: Tensor) -> Tensor:
        """Leaves gradients on the critic."""
        if not x.is_meta and torch.is_grad_enabled():
            critic(x.detach()).sum().backward()
        return critic(x).mean()

    @loss
    def rests(critic: nn.Module, x: Tensor) -> Tensor:
        """Puts the critic to rest."""
        return critic.eval()(x).mean()

    for component in (freezes, collects, rests):
        failed = failures(LossSuite, component=component, inputs=lambda self: (critic.train(), numbers(4, 2)))
        assert "test_leaves_its_arguments_alone" in failed
        critic.requires_grad_(True).zero_grad()


def test_options_must_be_its_own() -> None:
    failed = failures(LossSuite, component=squared, options={"weight": 2.0})
    assert "no option weight; it has scale" in failed["test_options_exist"]
    assert "must be given: scale" in failures(LossSuite, component=Scaled)["test_options_exist"]


def test_the_kind_must_be_right() -> None:
    assert "marked as loss" in failures(OperationSuite, component=squared)["test_is_a_component"]


@operation
def jitter(x: Tensor, *, std: float = 0.1, random: Random) -> Tensor:
    """x + noise."""
    return x + std * random.normal(*x.shape)


@operation
def choose(f: Code, *, random: Random) -> tuple[Code, Tensor]:
    """Two values."""
    return Code(f.tensor.flip(0), f.layout), random.integers(10**6, random.batch)


@operation
def deaf(x: Tensor, *, random: Random) -> Tensor:
    """Ignores its noise."""
    return x * 2


@operation
def own_noise(x: Tensor, *, random: Random) -> Tensor:
    """Torch's noise."""
    return x + torch.randn_like(x)


@operation
def empty(x: Tensor) -> tuple[Tensor, ...]:
    """Nothing."""
    return ()


@operation
def not_finite(x: Tensor) -> Tensor:
    """log(x - x)."""
    return (x - x.detach()).log()


def test_operations() -> None:
    assert outcome(OperationSuite, component=jitter, options={"std": 0.5}) == (set(), {})
    code = Code(numbers(3, 10), small_context().code)
    assert failures(OperationSuite, component=choose, inputs=lambda self: (code,)) == {}
    assert set(failures(OperationSuite, component=deaf)) == {"test_other_addresses_give_other_noise"}
    assert {"test_leaves_global_generators_alone", "test_same_address_gives_the_same"} <= set(
        failures(OperationSuite, component=own_noise))
    assert "there is no tensor" in failures(OperationSuite, component=empty)["test_gives_a_value"]
    assert "are finite" in failures(OperationSuite, component=not_finite)["test_gives_a_value"]
    assert "no gradient" in failures(OperationSuite, component=no_gradient)["test_gradient_matches_finite_differences"]
