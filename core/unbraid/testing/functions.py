"""Suites for losses and operations."""

from __future__ import annotations

import inspect
import random
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError, gradcheck
from torch.utils import _pytree as pytree

from unbraid.testing.component import ComponentSuite
from unbraid.testing.samples import (
    as_zeros,
    batch_of,
    cast,
    equal,
    noise,
    on_meta,
    sample_of,
    shapes,
    small_context,
    snapshot,
    unchanged,
)
from unbraid.values import Value, map_tensors, tensors
from unbraid_registry import UnbraidError

MOST = 300                                         # characters of a message: two whole Jacobians fill no screen


class FunctionSuite(ComponentSuite):
    """The base of the suites for losses and operations.

    Override `inputs()` where a sample value for a parameter's annotation (`samples.sample_of`) does not fit.
    differentiable: whether gradients are compared with finite differences.
    constant: the positions of inputs that the component holds constant.
    """

    differentiable: ClassVar[bool] = True
    constant: ClassVar[tuple[int, ...]] = ()

    def inputs(self) -> tuple[Any, ...]:
        """Return the positional arguments of a call, networks included."""
        return tuple(sample_of(p.annotation, seed=i) for i, p in enumerate(self.described.inputs))

    def call(self, *inputs: Any, address: str = "testing") -> Value:
        """Return the result of the component; a random one draws from this address."""
        options = dict(self.options)
        if self.described.random:
            kinds = [(t.device.type, t.dtype) for v in inputs for t in tensors(v) if t.is_floating_point()]
            device, dtype = kinds[0] if kinds else ("cpu", torch.float32)
            options["random"] = noise(address, batch=batch_of(*inputs), device=device, dtype=dtype)
        called: Any = self.target
        if "layout" in inspect.signature(called.__call__ if self.described.is_class else called).parameters:
            options.setdefault("layout", small_context().code)
        if self.described.is_class:
            return self.target(**options)(*inputs)
        return self.target(*inputs, **options)

    def test_gradient_matches_finite_differences(self) -> None:
        """Compare gradients with finite differences, in float64, for every real input that is not constant."""
        if not self.differentiable:
            pytest.skip("the suite says differentiable = False")
        if not self.inputs():
            pytest.skip("it has no inputs")
        inputs = [cast(v, torch.float64) for v in self.inputs()]
        moved = [i for i in range(len(inputs)) if i not in self.constant]
        leaves, structure = pytree.tree_flatten([inputs[i] for i in moved])
        free = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
        assert free, "no input has real numbers to differentiate; say differentiable = False"

        def function(*points: Tensor) -> tuple[Tensor, ...]:
            changed = list(leaves)
            for i, p in zip(free, points, strict=True):
                changed[i] = p
            arguments = list(inputs)
            for i, v in zip(moved, pytree.tree_unflatten(changed, structure), strict=True):
                arguments[i] = v
            return tuple(t for t in tensors(self.call(*arguments)) if t.requires_grad)

        points = tuple(leaves[i].requires_grad_() for i in free)
        assert function(*points), "no gradient reaches any input; say differentiable = False if that is meant"
        try:
            gradcheck(function, points)
        except GradcheckError as error:
            message = f"{str(error).splitlines()[0][:MOST]}: the gradient is not that of the values"
            raise pytest.fail.Exception(message, pytrace=False) from None

    def test_leaves_its_arguments_alone(self) -> None:
        """Check that a call leaves the arguments' numbers, `requires_grad`, gradients and modes unchanged."""
        for wanted in (False, True):
            inputs = [cast(v, torch.float32) for v in self.inputs()]
            for t in tensors([v for v in inputs if not isinstance(v, torch.nn.Module)]):
                if t.is_floating_point():
                    t.requires_grad_(wanted)
            before = [snapshot(v) for v in inputs]
            self.call(*inputs)
            changed = [i for i, v in enumerate(inputs) if not unchanged(before[i], snapshot(v))]
            assert not changed, f"argument {changed[0]} is not as it was before the call"

    def test_leaves_global_generators_alone(self) -> None:
        """Check that noise comes from the keyword `random`, not from a global generator of torch, NumPy or Python."""
        before = torch.get_rng_state(), repr(np.random.get_state()), random.getstate()
        self.call(*self.inputs())
        assert torch.equal(before[0], torch.get_rng_state()), "it draws from torch's global generator"
        assert before[1] == repr(np.random.get_state()), "it draws from NumPy's global generator"
        assert before[2] == random.getstate(), "it draws from Python's global generator"

    def test_works_on_shapes_alone(self) -> None:
        """Check that meta tensors, or else zeros, give the same shapes as real numbers."""
        expected = shapes(self.call(*self.inputs()))
        try:
            found = shapes(self.call(*map(on_meta, self.inputs())))
        except Exception:                          # not every operator knows meta tensors: zeros are the fallback
            found = shapes(self.call(*map(as_zeros, self.inputs())))
        assert found == expected, f"without numbers it gives {found}; with them {expected}"

    def test_same_address_gives_the_same(self) -> None:
        """Check that the same inputs and the same noise give the same result."""
        assert equal(self.call(*self.inputs()), self.call(*self.inputs())), "a second call gives other numbers"


class LossSuite(FunctionSuite):
    """The suite of a loss.

    refuses_unequal_shapes: False where the loss is meant to take shapes that differ.
    batch_mean: False where the loss is no mean over samples (a covariance).
    broadcasts: the positions of inputs that may be smaller than the others (a mask).
    """

    kind = "loss"
    refuses_unequal_shapes: ClassVar[bool] = True
    batch_mean: ClassVar[bool] = True
    broadcasts: ClassVar[tuple[int, ...]] = ()

    def test_gives_a_finite_scalar(self) -> None:
        """Check that the result is a real, finite tensor without dimensions."""
        result = self.call(*self.inputs())
        assert isinstance(result, Tensor), f"a loss gives a tensor; this gives {type(result).__name__}"
        assert result.shape == (), f"a loss gives a scalar; this has shape {tuple(result.shape)}"
        assert result.is_floating_point(), f"a loss is a real number; this is {result.dtype}"
        assert bool(result.isfinite()), f"the loss is {result.item()}"

    def test_is_a_mean_over_the_batch(self) -> None:
        """Check that repeating every sample leaves the loss unchanged."""
        if not self.batch_mean or self.described.random:
            pytest.skip("the suite says batch_mean = False" if not self.batch_mean else "the loss is random")
        inputs = self.inputs()
        twice = [map_tensors(lambda t: torch.cat([t, t]), v) for v in inputs]
        torch.testing.assert_close(self.call(*twice), self.call(*inputs), msg=lambda m: f"no mean over the batch: {m}")

    def test_refuses_unequal_shapes(self) -> None:
        """Check that the loss raises an error where it would have to broadcast one of two inputs of one shape."""
        inputs = list(self.inputs())
        strict = {i: v for i, v in enumerate(inputs) if isinstance(v, Tensor) and i not in self.broadcasts}
        of_one_shape = [i for i, v in strict.items() if any(w.shape == v.shape for j, w in strict.items() if j != i)]
        if not self.refuses_unequal_shapes or not of_one_shape:
            pytest.skip("no two tensors of one shape" if self.refuses_unequal_shapes else
                        "the suite says refuses_unequal_shapes = False")
        for i in of_one_shape:
            for dim in range(inputs[i].ndim):
                if inputs[i].shape[dim] > 1:
                    self._expect_refusal([*inputs[:i], inputs[i].narrow(dim, 0, 1), *inputs[i + 1:]])

    def _expect_refusal(self, inputs: list[Any]) -> None:
        try:
            self.call(*inputs)
        except (ValueError, RuntimeError, UnbraidError):
            return
        found = " and ".join(str(tuple(v.shape)) for v in inputs if isinstance(v, Tensor))
        pytest.fail(f"it takes tensors of shapes {found} without a word")


class OperationSuite(FunctionSuite):
    """The suite of an operation. A random one is tested with `random` at several addresses."""

    kind = "operation"

    def test_gives_a_value(self) -> None:
        """Check that the result holds tensors, all finite."""
        found = list(tensors(self.call(*self.inputs())))
        assert found, "there is no tensor in what it gives"
        assert all(bool(t.isfinite().all()) for t in found), "not all of its numbers are finite"

    def test_other_addresses_give_other_noise(self) -> None:
        """Check that a random operation uses the `random` that it is given."""
        if not self.described.random:
            pytest.skip("the operation is not random")
        first = self.call(*self.inputs(), address="first")
        others = [self.call(*self.inputs(), address=f"other {i}") for i in range(8)]
        assert not all(equal(first, v) for v in others), "nine addresses, and always the same: is `random` used?"
