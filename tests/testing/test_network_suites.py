"""The suites for networks: correct boxes pass, and each test has a fault that it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
import torch
from suite_runs import failures, outcome
from torch import Tensor, nn

from unbraid import Code, Context, Gaussian, Record, critic, encoder, generator, renderer
from unbraid.testing import CriticSuite, EncoderSuite, GeneratorSuite, RendererSuite, numbers, small_context

CONTEXT = small_context(image=(3, 4, 4))
Make = Callable[[Context, tuple[Tensor, ...]], nn.Module]


def box(mark: Callable[[Any], Any], make: Make, name: str = "box") -> Any:
    """A component that builds what `make` makes."""

    @mark
    @attrs.frozen(kw_only=True)
    class Box:
        """A box."""

        width: int = 8

        def build(self, context: Context, *inputs: Tensor) -> nn.Module:
            return make(context, inputs)

    return Box


class Answers(nn.Module):
    """Applies a function to what an inner module gives."""

    def __init__(self, inner: nn.Module, change: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.change = inner, change

    def forward(self, *inputs: Tensor) -> Any:
        return self.change(self.inner(*inputs))


def linear(size: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Tanh(),
                         nn.Linear(8, size))


def encodes(change: Callable[[Tensor], Any] = lambda t: t, size: int = 10) -> Any:
    return box(encoder, lambda context, inputs: Answers(linear(size), change))


def run_encoder(component: Any, **attributes: Any) -> dict[str, str]:
    return failures(EncoderSuite, component=component, context=lambda self: CONTEXT, **attributes)


def test_correct_encoders_pass() -> None:
    layout = CONTEXT.code
    skipped, failed = outcome(EncoderSuite, component=encodes(), context=lambda self: CONTEXT)
    assert (skipped, failed) == (set(), {})
    assert run_encoder(encodes(lambda t: Gaussian(*t.chunk(2, 1)), 20)) == {}
    assert run_encoder(encodes(lambda t: Record({
        "pose": Gaussian(t[:, :4], t[:, 4:8]), "chunk": Code(t[:, 8:14], layout.select(["chunk"]))}), 14)) == {}
    assert run_encoder(encodes(lambda t: t[..., None, None].expand(-1, -1, 2, 2))) == {}


PROMISE = "test_gives_what_its_kind_promises"


@pytest.mark.parametrize(("component", "message"), [
    (encodes(size=9), "the code has 9 numbers; the recipe wants 10"),
    (encodes(lambda t: t[:, :, None]), "expected (B, D) or (B, D, h, w)"),
    (encodes(lambda t: t[:2]), "expected a batch of 4"),
    (encodes(lambda t: t / 0), "are finite"),
    (encodes(lambda t: {"z": t}), "is a dict"),
    (encodes(lambda t: Gaussian(t, t[:, :5])), "differ in shape"),
    (encodes(lambda t: Record({"colour": t})), "no factor 'colour'"),
    (encodes(lambda t: Record({"pose": t})), "pose has 10 numbers; the recipe wants 4"),
    (encodes(lambda t: ()), "no tensor"),
])
def test_broken_codes_fail(component: Any, message: str) -> None:
    assert message in run_encoder(component)[PROMISE]


class Part(nn.Module):
    """A linear encoder with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.layer = nn.Linear(48, 10)
        if fault == "unused":
            self.extra = nn.Parameter(torch.zeros(3))
        self.state = torch.randn(10)               # no buffer

    def forward(self, x: Tensor) -> Tensor:
        if self.fault == "in place":
            x.mul_(2)
        if self.fault == "meta" and x.is_meta:
            return x.new_zeros(len(x), 3)
        y = self.layer(x.flatten(1))
        if self.fault == "no state":
            y = y + self.state
        if self.fault == "batch":
            y = y - y.mean(0)
        if self.fault == "infinite":
            y = (y - y.detach()).abs().sqrt()      # finite; its slope at 0 is not
        return y


def broken(fault: str) -> Any:
    return box(encoder, lambda context, inputs: Part(fault))


def reseeding(context: Context, inputs: tuple[Tensor, ...]) -> nn.Module:
    torch.manual_seed(5)
    return Part("")


def entropic(context: Context, inputs: tuple[Tensor, ...]) -> nn.Module:
    module = Part("")
    with torch.no_grad():
        module.layer.weight.normal_(generator=torch.Generator().manual_seed(next(_counter)))
    return module


_counter = iter(range(10**6))


@pytest.mark.parametrize(("component", "test", "message"), [
    (broken("unused"), "test_every_parameter_gets_a_finite_gradient", "parameter extra"),
    (broken("infinite"), "test_every_parameter_gets_a_finite_gradient", "not finite"),
    (broken("no state"), "test_state_dict_holds_everything", "state dict"),
    (broken("batch"), "test_samples_do_not_depend_on_each_other", "depends on the others"),
    (broken("in place"), "test_leaves_its_inputs_alone", "changes an input"),
    (broken("meta"), "test_works_on_shapes_alone", "without numbers it gives"),
    (box(encoder, reseeding), "test_seed_decides_the_weights", "every seed gives the same"),
    (box(encoder, entropic), "test_seed_decides_the_weights", "built twice from one seed"),
    (box(encoder, lambda c, i: Part("").to("meta")), "test_builds_from_shapes", "weights must be real"),
    (box(encoder, lambda c, i: len), "test_builds_from_shapes", "expected a module"),  # type: ignore[arg-type, return-value]
])
def test_each_fault_is_found(component: Any, test: str, message: str) -> None:
    failed = run_encoder(component)
    assert message in failed[test]
    if "weights must be real" not in message and "expected a module" not in message:
        assert set(failed) == {test}


def test_meant_exceptions() -> None:
    assert run_encoder(broken("unused"), untrained=("extra",)) == {}
    assert run_encoder(broken("batch"), batch_independent=False) == {}
    assert "context" in run_encoder(NoContext)["test_is_a_component"]


@encoder
@attrs.frozen
class NoContext:
    """Builds without a context."""

    def build(self) -> nn.Module:
        return nn.Identity()


def images(last: nn.Module, shape: tuple[int, int, int] = (3, 4, 4)) -> Any:
    c, h, w = shape
    return box(generator, lambda context, inputs: nn.Sequential(
        nn.Linear(inputs[0].shape[1], c * h * w), nn.Unflatten(1, shape), last))


def run_generator(component: Any, **attributes: Any) -> dict[str, str]:
    return failures(GeneratorSuite, component=component, context=lambda self: CONTEXT, **attributes)


def test_generators() -> None:
    assert run_generator(images(nn.Sigmoid())) == {}
    assert "the smallest number is" in run_generator(images(nn.Tanh()))[PROMISE]
    assert "lie in [0, 1]" in run_generator(images(nn.Identity()))[PROMISE]
    assert run_generator(images(nn.Identity()), logits=True) == {}
    assert "found (4, 3, 4, 5)" in run_generator(images(nn.Sigmoid(), (3, 4, 5)))[PROMISE]
    assert "found a tuple" in run_generator(images(Answers(nn.Sigmoid(), lambda t: (t,))))[PROMISE]


def scores(change: Callable[[Tensor], Any]) -> Any:
    return box(critic, lambda context, inputs: Answers(linear(6), change))


def run_critic(component: Any) -> dict[str, str]:
    return failures(CriticSuite, component=component, context=lambda self: CONTEXT)


def test_critics() -> None:
    assert run_critic(scores(lambda t: t)) == {}
    assert run_critic(scores(lambda t: Record({"score": t[:, :1], "digit": t[:, 1:]}))) == {}
    assert "expected (B, n)" in run_critic(scores(lambda t: t.mean(1)))[PROMISE]
    assert set(run_critic(scores(torch.sigmoid))) == {"test_scores_are_unbounded"}
    assert "is a tuple" in run_critic(scores(lambda t: (t, t)))[PROMISE]


class Sphere(nn.Module):
    """A soft disc of a position and colour, (B, 2) and (B, 3), seen from a view (B,)."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, position: Tensor, colour: Tensor, view: Tensor) -> Tensor:
        if self.fault == "frozen":
            position = position.detach()
        x = torch.linspace(-1, 1, 4, device=position.device) + view[:, None]
        off = x - position[:, :1], x - position[:, 1:]
        if self.fault == "slope":
            off = (Doubled.apply(off[0]), off[1])
        blob = torch.exp(-(off[0].square()[:, None, :] + off[1].square()[:, :, None]))
        bright = 3.0 if self.fault == "bright" else 1.0
        return bright * colour[:, :, None, None] * blob[:, None]


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        return g * 2


def run_renderer(fault: str, tolerance: float | None = 0.02) -> tuple[set[str], dict[str, str]]:
    return outcome(RendererSuite, component=box(renderer, lambda context, inputs: Sphere(fault)),
                   context=lambda self: CONTEXT, constant=(2,), slope_tolerance=tolerance,
                   inputs=lambda self: (numbers(4, 2), numbers(4, 3, seed=1), numbers(4, seed=2)))


def test_renderers() -> None:
    assert run_renderer("") == (set(), {})
    assert run_renderer("", None) == ({"test_slope_matches_finite_differences"}, {})
    assert set(run_renderer("slope")[1]) == {"test_slope_matches_finite_differences"}
    assert "no gradient reaches input 0" in run_renderer("frozen")[1]["test_gradients_reach_the_scene"]
    assert "the largest number is" in run_renderer("bright")[1][PROMISE]
