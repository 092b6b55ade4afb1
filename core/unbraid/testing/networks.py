"""Suites for networks: encoders, generators, critics, renderers, and networks of any other kind."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import attrs
import pytest
import torch
from torch import Tensor, nn

from unbraid.interfaces import Context
from unbraid.testing.component import ComponentSuite
from unbraid.testing.samples import (
    as_zeros,
    batch_of,
    numbers,
    on_meta,
    rows_of,
    shapes,
    small_context,
    snapshot,
    unchanged,
)
from unbraid.values import Code, Gaussian, Record, Set, Value, map_tensors, plain, seeded, tensors


class NetworkSuite(ComponentSuite):
    """The suite of a network of any kind.

    Override `context()` and `inputs()` for other images, factors or arguments.
    untrained: parameters that get no gradient on purpose.
    batch_independent: False where samples of a batch may depend on each other in evaluation mode.
    """

    kind: ClassVar[str | tuple[str, ...]] = ("network", "encoder", "generator", "critic", "renderer")
    untrained: ClassVar[tuple[str, ...]] = ()
    batch_independent: ClassVar[bool] = True

    def context(self) -> Context:
        """Return the context for `build`."""
        return small_context()

    def inputs(self) -> tuple[Value, ...]:
        """Return the arguments of a call, a batch of 4: tensors, records, sets (`Set.fold` of (4, n, ...))."""
        return (numbers(4, *self.context().image),)

    def build(self, seed: int = 0) -> nn.Module:
        """Build the module from the shapes of a batch of 2, as the core does."""
        meta = [on_meta(rows_of(v, 0, 2)) for v in self.inputs()]
        with seeded(seed):
            module = self.target(**self.options).build(self.context(), *meta)
        assert isinstance(module, nn.Module), f"build gives {type(module).__name__}; expected a module"
        return module

    def run(self, module: nn.Module, *inputs: Value) -> Value:
        """Call the module with a fixed seed for dropout."""
        with seeded(1):
            return module(*(inputs or self.inputs()))

    def check(self, result: Value, batch: int) -> None:
        """Check a result against the promises of its kind.  Raises AssertionError."""
        parts = result if isinstance(result, tuple | list) else (result,)
        fits = all(len(t) == batch * (v.count if isinstance(v, Set) else 1) for v in parts for t in tensors(v))
        assert fits, f"expected a batch of {batch}; found {shapes(result)}"

    def test_builds_from_shapes(self) -> None:
        """Check that `build` makes real weights from inputs on the meta device."""
        module = self.build()
        ghosts = [name for name, t in [*module.named_parameters(), *module.named_buffers()] if t.is_meta]
        assert not ghosts, f"{', '.join(ghosts)}: on the meta device, like the inputs; weights must be real"

    def test_gives_what_its_kind_promises(self) -> None:
        """Check shapes, types and ranges in training mode and in evaluation mode."""
        module = self.build()
        for mode in (True, False):
            result = self.run(module.train(mode))
            assert list(tensors(result)), "there is no tensor in what it gives"
            assert all(bool(t.isfinite().all()) for t in tensors(result)), "not all of its numbers are finite"
            self.check(result, batch_of(*self.inputs()))

    def test_works_on_shapes_alone(self) -> None:
        """Check that meta tensors, or else zeros, give the same shapes as real numbers."""
        module = self.build().eval()
        expected = shapes(self.run(module))
        try:
            found = shapes(self.run(on_meta(module), *map(on_meta, self.inputs())))
        except Exception:                          # not every operator knows meta tensors: zeros are the fallback
            found = shapes(self.run(copy.deepcopy(module), *map(as_zeros, self.inputs())))
        assert found == expected, f"without numbers it gives {found}; with them {expected}"

    def test_every_parameter_gets_a_finite_gradient(self) -> None:
        """Check that every parameter, except `untrained`, gets a finite gradient."""
        module = self.build().train()
        trained = {name: p for name, p in module.named_parameters() if p.requires_grad and name not in self.untrained}
        if trained:
            _weighted_sum(self.run(module)).backward()
        for name, p in trained.items():
            assert p.grad is not None, f"no gradient reaches the parameter {name}; name it in `untrained`?"
            assert bool(p.grad.isfinite().all()), f"the gradient of {name} is not finite"

    def test_state_dict_holds_everything(self) -> None:
        """Check that two modules with the same state dict give the same results."""
        trained, other = self.build(seed=0), self.build(seed=1)
        self.run(trained.train())                  # changes the statistics of batch norm
        other.load_state_dict(trained.state_dict())
        torch.testing.assert_close(list(tensors(self.run(other.eval()))), list(tensors(self.run(trained.eval()))),
                                   msg=lambda m: f"something that matters is not in the state dict: {m}")

    def test_samples_do_not_depend_on_each_other(self) -> None:
        """Check that in evaluation mode a batch gives the same results as its samples one by one."""
        if not self.batch_independent:
            pytest.skip("the suite says batch_independent = False")
        module, inputs = self.build().eval(), self.inputs()
        whole = self.run(module)
        for i in range(batch_of(*inputs)):
            alone = self.run(module, *(rows_of(v, i, i + 1) for v in inputs))
            torch.testing.assert_close(list(tensors(alone)), list(tensors(rows_of(whole, i, i + 1))), rtol=1e-3,
                                       atol=1e-4, msg=f"sample {i} depends on the others")

    def test_seed_decides_the_weights(self) -> None:
        """Check that the same seed gives the same weights, and another seed other weights."""
        first, again, other = (self.build(seed).state_dict() for seed in (3, 3, 4))
        differ = [name for name in first if not torch.equal(first[name], again[name])]
        assert not differ, f"built twice from one seed, {differ[0]} differs"
        if any(True for _ in self.build().parameters()):
            assert any(not torch.equal(first[n], other[n]) for n in first), "every seed gives the same weights"

    def test_leaves_its_inputs_alone(self) -> None:
        """Check that no input is changed in place."""
        module, inputs = self.build(), self.inputs()
        before = [snapshot(v) for v in inputs]
        self.run(module, *inputs)
        assert all(unchanged(b, snapshot(v)) for b, v in zip(before, inputs, strict=True)), "it changes an input"


def _times(v: Value, by: float) -> Value:
    return map_tensors(lambda t: t * by if t.is_floating_point() else t, v)


def _weighted_sum(v: Value) -> Tensor:
    """Return the sum of all numbers, each with another weight."""
    parts = [t.double().mul(numbers(*t.shape, seed=i).double()).sum() for i, t in enumerate(tensors(v))
             if t.is_floating_point() and t.requires_grad]
    assert parts, "nothing that it gives has a gradient"
    return torch.stack(parts).sum()


class EncoderSuite(NetworkSuite):
    """The suite of an encoder: images (B, C, H, W) in [0, 1] -> a code, a Gaussian over it, or a Record of several.

    A code is (B, D) or (B, D, h, w), with the layout of `context().code`. A record of one's own has it as a field; in a
    Record, a part is a factor's, or a Code or Gaussian of the whole.
    extras: names in the record that are no factors, such as skips.
    """

    kind = "encoder"
    extras: ClassVar[tuple[str, ...]] = ()

    def check(self, result: Value, batch: int) -> None:
        """Check that the code fits the context's layout."""
        super().check(result, batch)
        if attrs.has(type(result)) and not isinstance(result, Record | Code | Gaussian | Set):
            fields = [getattr(result, a.name) for a in attrs.fields(type(result))]
            result = next((v for v in fields if isinstance(v, Code | Gaussian)), None)
            assert result is not None, "no field of its record is a Code or a Gaussian"
        if isinstance(result, Record):
            layout, names = self.context().code, self.context().code.all_names
            parts = {name: part for name, part in result.parts.items() if name not in self.extras}
            strange = [name for name in parts if name not in names and not isinstance(parts[name], Code | Gaussian)]
            assert not strange, (f"the code has no factor {strange[0]!r}; it has {', '.join(names)}. If it is none, "
                                 f"name it in the suite: extras = ({strange[0]!r},)")
            for name, part in parts.items():
                self._check_code(part, (layout.select([name]) if name in names else layout).size, name)
            return
        self._check_code(result, self.context().code.size, "the code")

    def _check_code(self, v: Value, size: int, what: str) -> None:
        if isinstance(v, Gaussian):
            assert plain(v.mean).shape == v.logvar.shape, (
                f"{what}: mean {tuple(plain(v.mean).shape)} and logvar {tuple(v.logvar.shape)} differ in shape")
        assert isinstance(v, Tensor | Code | Gaussian), f"{what} is a {type(v).__name__}; expected a tensor or Gaussian"
        tensor = plain(v)
        assert tensor.is_floating_point(), f"{what} is {tensor.dtype}; expected real numbers"
        assert tensor.ndim in (2, 4), f"{what} has shape {tuple(tensor.shape)}; expected (B, D) or (B, D, h, w)"
        assert tensor.shape[1] == size, f"{what} has {tensor.shape[1]} numbers; the recipe wants {size}"


def _check_image(v: Value, shape: tuple[int, int, int], batch: int, *, bounded: bool) -> None:
    assert isinstance(v, Tensor), f"expected images; found a {type(v).__name__}"
    assert v.shape == (batch, *shape), f"expected images of shape {(batch, *shape)}; found {tuple(v.shape)}"
    assert v.is_floating_point(), f"images are real numbers; these are {v.dtype}"
    if bounded:
        low, high = v.min().item(), v.max().item()
        assert low >= -1e-6, f"images lie in [0, 1]; the smallest number is {low}"
        assert high <= 1 + 1e-6, f"images lie in [0, 1]; the largest number is {high}"


class GeneratorSuite(NetworkSuite):
    """The suite of a generator: codes -> images of shape `context().image` in [0, 1].  logits: True for logits."""

    kind = "generator"
    logits: ClassVar[bool] = False

    def inputs(self) -> tuple[Tensor, ...]:
        """Return a batch of 4 codes, (4, D), some of them far from 0."""
        return ((numbers(4, self.context().code.size) - 0.5) * 8,)

    def check(self, result: Value, batch: int) -> None:
        """Check the shape and the range of images."""
        _check_image(result, self.context().image, batch, bounded=not self.logits)


class CriticSuite(NetworkSuite):
    """The suite of a critic: images, pairs or codes -> scores (B, n), or a Record of scores and logits."""

    kind = "critic"

    def check(self, result: Value, batch: int) -> None:
        """Check that scores are real numbers of shape (B, n)."""
        super().check(result, batch)
        parts: dict[str, Any] = result.parts if isinstance(result, Record) else {"the score": result}
        for name, part in parts.items():
            assert isinstance(part, Tensor), f"{name} is a {type(part).__name__}; expected a tensor"
            assert part.ndim == 2, f"{name} has shape {tuple(part.shape)}; expected (B, n)"
            assert part.is_floating_point(), f"{name} is {part.dtype}; expected real numbers"

    def test_scores_are_unbounded(self) -> None:
        """Check that scores are logits: with a sigmoid at the end, the losses would apply it twice."""
        module = self.build().eval()
        with torch.no_grad():
            for p in module.parameters():
                p.mul_(10)
        scores = torch.cat([t.flatten() for far in (-50.0, 50.0)
                            for t in tensors(self.run(module, *(_times(v, far) for v in self.inputs())))])
        assert scores.abs().max() > 1, "scores never leave [-1, 1]: is there a sigmoid or tanh at the end?"


class RendererSuite(NetworkSuite):
    """The suite of a renderer: a scene and a view -> images (B, C, H, W) in [0, 1], with gradients to the scene.

    Override `inputs()`.
    constant: the positions of inputs without a gradient (views, faces).
    slope_tolerance: relative tolerance of the slope along a random direction; with None it is not compared.
    slope_step: the step of the finite differences.
    """

    kind = "renderer"
    batch_independent = True
    constant: ClassVar[tuple[int, ...]] = ()
    slope_tolerance: ClassVar[float | None] = None
    slope_step: ClassVar[float] = 1e-3

    def check(self, result: Value, batch: int) -> None:
        """Check the shape and the range of images."""
        _check_image(result, self.context().image, batch, bounded=True)

    def _scene(self) -> tuple[list[Tensor], list[Tensor]]:
        inputs = [v.detach().clone() for v in self.inputs()]
        moved = [v for i, v in enumerate(inputs) if i not in self.constant and v.is_floating_point()]
        return inputs, [v.requires_grad_() for v in moved]

    def test_gradients_reach_the_scene(self) -> None:
        """Check that every input that is not constant gets a finite gradient that is not zero everywhere."""
        inputs, moved = self._scene()
        assert moved, "no input can be moved: is everything constant?"
        _weighted_sum(self.run(self.build().eval(), *inputs)).backward()
        for i, v in enumerate(moved):
            assert v.grad is not None, f"no gradient reaches input {i} of the scene"
            assert bool(v.grad.isfinite().all()), f"the gradient of input {i} of the scene is not finite"
            assert bool(v.grad.any()), f"the gradient of input {i} of the scene is zero everywhere"

    def test_slope_matches_finite_differences(self) -> None:
        """Compare the slope along a random direction of the scene with finite differences."""
        if self.slope_tolerance is None:
            pytest.skip("the suite gives no slope_tolerance")
        module, (inputs, moved) = self.build().eval(), self._scene()
        directions = [numbers(*v.shape, seed=i) - 0.5 for i, v in enumerate(moved)]
        slopes = torch.autograd.grad(_weighted_sum(self.run(module, *inputs)), moved)
        predicted = sum(float((s * d).sum()) for s, d in zip(slopes, directions, strict=True))
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                for v, d in zip(moved, directions, strict=True):
                    v.add_(d, alpha=sign * self.slope_step)
            ends.append(_weighted_sum(self.run(module, *inputs)).item())
            with torch.no_grad():
                for v, d in zip(moved, directions, strict=True):
                    v.sub_(d, alpha=sign * self.slope_step)
        measured = (ends[0] - ends[1]) / (2 * self.slope_step)
        assert predicted == pytest.approx(measured, rel=self.slope_tolerance), "the slope is not the one that is seen"
