"""Tracing of a function by torch.export into a program of plain tensors."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from unbraid.model import BATCH, Model
from unbraid.values import Label, Set, Value, map_tensors
from unbraid_plugins.tools.export.exportable import Formula
from unbraid_plugins.tools.export.flattening import kind, leaves, restored
from unbraid_plugins.tools.export.formats import ExportError
from unbraid_plugins.tools.export.noise_inputs import Asked, Given, Listening, per_batch
from unbraid_registry import UnbraidError

SIZES = (3, 5)                                     # two batch sizes, to see which sizes grow
CPU = torch.device("cpu")


@attrs.frozen
class Port:
    """An input or an output of a program.

    shape: sizes; `batch` or `n*batch` for those that grow with the batch.
    about: classes of a label; distribution, operation and upper bound of noise.
    """

    name: str
    kind: str
    dtype: str
    shape: tuple[int | str, ...]
    about: dict[str, Any] = attrs.Factory(dict)


@attrs.frozen(eq=False)
class Traced:
    """A traced function.

    noise: the names of the inputs that are noise.
    batch: the fixed batch size; None for any size.
    seed: the seed of the noise that is stored in the program; None where noise is an input.
    """

    formula: Formula
    program: ExportedProgram
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    noise: tuple[str, ...]
    batch: int | None
    seed: int | None


@attrs.frozen(eq=False)
class Answer:
    """A model's own result: the inputs of the program and the outputs that it should give."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class _Program(nn.Module):
    """A formula as a module on leaves; the parameters of `forward` are the names of the inputs, in order."""

    forward: Callable[..., dict[str, Tensor]]

    def __init__(self, model: Model, formula: Formula, inputs: list[str], batch: Callable[[dict[str, Tensor]], int],
                 noise: list[str], kept: list[Tensor], outputs: list[str]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({name: model.modules[name] for name in formula.networks})
        for number, numbers in enumerate(kept, 1):
            self.register_buffer(f"noise_{number}", numbers)

        def forward(*arguments: Tensor) -> dict[str, Tensor]:
            given = dict(zip(inputs, arguments, strict=True))
            drawn = [given[n] for n in noise] + [self.get_buffer(f"noise_{i + 1}") for i in range(len(kept))]
            values = {p: restored(leaf_name(p), like, given) for p, like in formula.parameters.items()}
            made = formula.compute(values, Given(0, CPU, batch=batch(given), tensors=drawn))
            return dict(zip(outputs, leaves(formula.result, made).values(), strict=True))

        keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
        forward.__signature__ = inspect.Signature([inspect.Parameter(n, keyword) for n in inputs])  # type: ignore
        self.forward = forward


def trace(model: Model, formula: Formula, *, batch: int | None = None, seed: int | None = None) -> Traced:
    """Trace a function as a program for batches of any size.

    batch: fix the size of the batch.
    seed: store the noise of this seed in the program, for a fixed batch (by default of 1); without a seed, noise is an
        input.

    Raises ExportError.
    """
    if model.device.type != "cpu":
        raise ExportError(f"the model is on {model.device}; programs are traced on the CPU", hint="load it there")
    if seed is not None:
        batch = batch or 1
    sizes = SIZES if batch is None else (batch,)
    runs = [_listened(model, formula, size, seed or 0) for size in sizes]
    asked, made = [r[0] for r in runs], [r[1] for r in runs]
    if seed is not None and not asked[0]:
        raise ExportError(f"{formula.name} draws no noise, so that a seed changes nothing", hint="leave out --seed")
    given = {name: t for p, v in _values(formula, sizes[0]).items() for name, t in leaves(leaf_name(p), v).items()}
    if len(given) < sum(len(leaves(leaf_name(p), v)) for p, v in formula.parameters.items()):
        raise ExportError(f"two inputs of {formula.name} would have the same name")
    drawn = [] if seed is not None else asked[0]
    growth = [(None,) * n.numbers.ndim for n in drawn] if batch else per_batch(drawn, asked[-1], SIZES)
    noise = _names(["noise" if len(drawn) == 1 else f"noise_{i + 1}" for i in range(len(drawn))], given)
    inputs = given | {name: n.numbers for name, n in zip(noise, drawn, strict=True)}
    outputs = _names(list(made[0]), inputs)
    axes = {name: {0: 1} if batch is None and t.ndim and t.shape[0] == sizes[0] else {} for name, t in given.items()}
    axes |= {name: {i: k for i, k in enumerate(g) if k} for name, g in zip(noise, growth, strict=True)}

    def size_of(values: dict[str, Tensor]) -> int:
        if batch is not None:
            return batch
        for name, grows in axes.items():
            for axis, k in grows.items():
                return values[name].shape[axis] // k
        return 1

    module = _Program(model, formula, list(inputs), size_of, noise, [n.numbers for n in asked[0]] if seed is not None
                      else [], outputs).eval()
    program = _exported(module, formula, inputs, axes)
    return Traced(formula, program, _input_ports(formula, inputs, axes, dict(zip(noise, drawn, strict=True))),
                  tuple(_output_port(name, [m[leaf] for m in made]) for name, leaf in
                        zip(outputs, made[0], strict=True)), tuple(noise), batch, seed)


def answer(model: Model, traced: Traced, values: Mapping[str, Value], size: int) -> Answer:
    """Evaluate the model itself on values, one for each parameter.

    The noise is that of the program's seed, or of seed 0.
    """
    listening = Listening(traced.seed or 0, CPU, batch=size)
    with torch.inference_mode():
        made = leaves(traced.formula.result, traced.formula.compute(values, listening))
    inputs = {name: t for p, v in values.items() for name, t in leaves(leaf_name(p), v).items()}
    inputs |= {name: n.numbers for name, n in zip(traced.noise, listening.asked, strict=False)}
    return Answer(inputs, dict(zip((o.name for o in traced.outputs), made.values(), strict=True)))


def leaf_name(parameter: str) -> str:
    """Return the input name of a parameter: its own name; x_joints for the field x.joints of an image x."""
    return parameter.replace(".", "_")


def sized(v: Value, size: int) -> Value:
    """Fill a meta value of batch 2 for a batch of this size: floats in [0, 1), everything else 0."""
    def some(t: Tensor) -> Tensor:
        shape = (t.shape[0] // BATCH * size, *t.shape[1:]) if t.ndim and t.shape[0] % BATCH == 0 else t.shape
        return torch.rand(shape).to(t.dtype) if t.is_floating_point() else torch.zeros(shape, dtype=t.dtype)

    return map_tensors(some, v)


def _values(formula: Formula, size: int) -> dict[str, Value]:
    return {name: sized(v, size) for name, v in formula.parameters.items()}


def _listened(model: Model, formula: Formula, size: int, seed: int) -> tuple[list[Asked], dict[str, Tensor]]:
    listening = Listening(seed, CPU, batch=size)
    with torch.no_grad():
        made = leaves(formula.result, formula.compute(_values(formula, size), listening))
    return listening.asked, made


def _names(wanted: list[str], taken: Mapping[str, Any]) -> list[str]:
    """Return names that are not taken: underscores are appended to those that are."""
    found: list[str] = []
    for name in wanted:
        while name in taken or name in found:
            name += "_"
        found.append(name)
    return found


def _exported(module: nn.Module, formula: Formula, inputs: dict[str, Tensor], axes: dict[str, dict[int, int]]
              ) -> ExportedProgram:
    batch = Dim("batch")
    shapes = {name: {axis: batch if k == 1 else k * batch for axis, k in grows.items()}
              for name, grows in axes.items()}
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, tuple(inputs.values()), dynamic_shapes=shapes, strict=False)
    except UnbraidError:
        raise
    except Exception as error:                     # a plugin's network may do anything
        why = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        if "Constraints violated" in why:
            why = "something in it fixes the size of the batch"
        raise ExportError(f"{formula.name} can't be traced: {why}", hint="fix the size: --batch 1 (or, in a network: "
                          "v.shape[0] in place of len(v), and nothing that depends on the numbers)") from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)         # files of this machine
    program.example_inputs = None                  # they would be pickled
    return program


def _input_ports(formula: Formula, inputs: dict[str, Tensor], axes: dict[str, dict[int, int]], noise: dict[str, Asked]
                 ) -> tuple[Port, ...]:
    kinds = {name: v for p, v in formula.parameters.items() for name in leaves(leaf_name(p), v)}
    ports = []
    for name, t in inputs.items():
        shape = tuple(_grown(axes[name][i]) if i in axes[name] else n for i, n in enumerate(t.shape))
        if name in noise:
            about: dict[str, Any] = {"distribution": noise[name].distribution, "operation": noise[name].address}
            about |= {} if noise[name].high is None else {"high": noise[name].high}
        else:
            v = kinds[name].folded if isinstance(kinds[name], Set) else kinds[name]
            about = {"classes": v.classes} if isinstance(v, Label) else {}
        ports.append(Port(name, "noise" if name in noise else kind(kinds[name]), _dtype(t), shape, about))
    return tuple(ports)


def _output_port(name: str, made: list[Tensor]) -> Port:
    first, last = made[0].shape, made[-1].shape
    shape = tuple(p if p == q else _grown(p // SIZES[0]) for p, q in zip(first, last, strict=True))
    return Port(name, "image" if made[0].ndim == 4 and made[0].shape[1] in (1, 3) else "numbers", _dtype(made[0]),
                shape)


def _grown(k: int) -> str:
    return "batch" if k == 1 else f"{k}*batch"


def _dtype(t: Tensor) -> str:
    return str(t.dtype).removeprefix("torch.")
