"""Computation of a node's value from its inputs: calls of networks and components, sets, codes, arithmetic."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
import torch
from torch import Tensor

from unbraid.flow import (
    ArithmeticOp,
    AttributeOp,
    ComponentOp,
    DetachOp,
    DrawOp,
    ItemOp,
    NetworkOp,
    Node,
    NumberOp,
    ParameterOp,
    ReferenceOp,
    TupleOp,
    below,
)
from unbraid.values import Code, Gaussian, Label, Layout, Noise, Record, Set, Value, access, map_tensors, plain, tensors
from unbraid_configs.expressions import SIGNS, Weight
from unbraid_registry import Component, UnbraidError, fault_of, filled_by, inputs_of

Step = Callable[[Sequence[Value]], Value]
T = TypeVar("T")


@attrs.define
class Environment:
    """Everything that nodes need besides their inputs.

    layouts: the layout of the code that each network makes.
    draws: values by draw and field.
    parameters: values by name, and by `name.field` where a function reads a field of its images.
    """

    networks: Mapping[str, Callable[..., Value]]
    layouts: Mapping[str, Layout]
    layout: Layout
    noise: Noise
    draws: Mapping[tuple[str, str | None], Value] = attrs.Factory(dict)
    parameters: Mapping[str, Value] = attrs.Factory(dict)
    step: int = 0


class EvaluationError(UnbraidError):
    """Raised for a node that can't be computed; the hint names its place in the recipe."""

    def __init__(self, node: Node, error: Exception) -> None:
        super().__init__(fault_of(error, getattr(node.op, "component", None)), hint=f"in {node.place}")


def evaluate(environment: Environment, *roots: Node) -> list[Value]:
    """Return the values of nodes; compute every node below them once.  Raises EvaluationError."""
    values: dict[int, Value] = {}
    for node in below(*roots):
        try:
            values[node.index] = computation(node, environment)([values[i.index] for i in node.inputs])
        except (ValueError, RuntimeError, AttributeError, TypeError, LookupError) as error:
            raise EvaluationError(node, error) from error
    return [values[root.index] for root in roots]


def computation(node: Node, environment: Environment) -> Step:
    """Return the function that computes a node's value from the values of its inputs."""
    match node.op:
        case DrawOp(draw=draw, field=field):
            return lambda values: environment.draws[draw, field]
        case ParameterOp(name=name):
            return lambda values: environment.parameters[name]
        case NumberOp(weight=weight):
            return (lambda values: weight.number) if weight.constant else (lambda values: weight.at(environment.step))
        case NetworkOp(network=network):
            return partial(_call_network, environment.networks[network], environment.layouts.get(network))
        case ReferenceOp(network=network):
            return lambda values: environment.networks[network]
        case ComponentOp():
            return _component(node.op, environment)
        case ItemOp(item=item, count=count):
            return lambda values: unpacked(values[0], count)[item]
        case AttributeOp(name=name):
            of = node.inputs[0].op
            given = f"{of.name}.{name}" if isinstance(of, ParameterOp) else ""
            known = environment.parameters
            return lambda values: known[given] if given in known else access(values[0], name)
        case ArithmeticOp(sign=sign):
            return lambda values: arithmetic(sign, values[0], values[1])
        case TupleOp():
            return tuple
        case DetachOp():
            return lambda values: detached(values[0])


def detached(v: Value) -> Value:
    """Return the value without its graph."""
    return map_tensors(Tensor.detach, v)


def unpacked(v: Value, count: int) -> Sequence[Value]:
    """Return the items of a tuple or the fields of a record, in order.  Raises ValueError unless there are `count`."""
    if isinstance(v, Set):
        return [Set(item, v.count) for item in unpacked(v.folded, count)]
    if isinstance(v, Record):
        items: Sequence[Value] = list(v.parts.values())
    elif isinstance(v, tuple | list):
        items = v
    elif attrs.has(type(v)) and not isinstance(v, Code):
        items = [getattr(v, a.name) for a in attrs.fields(type(v)) if not a.metadata.get("static")]
    else:
        raise ValueError(f"{count} names for one {type(v).__name__.lower()}: it does not unpack")
    if len(items) != count:
        raise ValueError(f"{count} names for {len(items)} values")
    return items


def arithmetic(sign: str, a: Value, b: Value) -> Value:
    """Compute a + b, a - b, a * b or a comparison of tensors, codes and numbers; a set stays a set, a code a code."""
    sets = [v for v in (a, b) if isinstance(v, Set)]
    if sets:
        a, b = folded([a, b], sets[0].count)
        return Set(arithmetic(sign, a, b), sets[0].count)
    codes = [v for v in (a, b) if isinstance(v, Code)]
    for v in (a, b):
        if isinstance(v, Label | Gaussian | Record | tuple) or not isinstance(v, Tensor | Code | int | float):
            raise TypeError(f"{sign} works on tensors, codes and numbers, not on a {type(v).__name__.lower()}")
    result = SIGNS[sign](plain(a), plain(b))
    return Code(result, codes[0].layout) if codes and isinstance(result, Tensor) else result


def folded(values: Sequence[Value], count: int) -> list[Value]:
    """Return sets as flat batches, and repeat all other values to fit.

    In a batch of several samples, a tensor with one row holds for the whole batch and is not repeated.
    Raises ValueError for sets of different counts.
    """
    single = all(t.shape[0] == count for v in values if isinstance(v, Set) for t in tensors(v))
    out = []
    for v in values:
        if isinstance(v, Set):
            if v.count != count:
                raise ValueError(f"sets of {count} and of {v.count} in one call")
            out.append(v.folded)
        else:
            out.append(map_tensors(partial(_repeated, count, single), v) if any(True for _ in tensors(v)) else v)
    return out


def _repeated(count: int, single: bool, t: Tensor) -> Tensor:
    return t if t.ndim == 0 or (t.shape[0] == 1 and not single) else t.repeat_interleave(count, dim=0)


def _as_set(v: Value, count: int) -> Value:
    if isinstance(v, tuple | list):
        return tuple(_as_set(item, count) for item in v)
    if isinstance(v, Set) or (isinstance(v, Tensor) and v.ndim == 0) or not any(True for _ in tensors(v)):
        return v
    return Set(v, count)


def _count(values: Sequence[Value]) -> int | None:
    return next((v.count for v in values if isinstance(v, Set)), None)


def _call_network(network: Callable[..., Value], layout: Layout | None, values: Sequence[Value]) -> Value:
    count = None if getattr(network, "wants_sets", False) else _count(values)
    if count is not None:
        values = folded(values, count)
    out = network(*map(plain, values))
    if layout is not None:
        out = as_code(out, layout)
    return out if count is None else _as_set(out, count)


def as_code(v: Value, layout: Layout) -> Value:
    """Return an encoder's output as a code with named factors.  Raises ValueError where the sizes differ."""
    if isinstance(v, Gaussian) and isinstance(v.mean, Tensor):
        return Gaussian(as_code(v.mean, layout), v.logvar)
    if isinstance(v, Tensor):
        if v.ndim < 2 or v.shape[1] != layout.size:
            raise ValueError(f"it made {tuple(v.shape)}; its code ({', '.join(layout.names)}) has {layout.size} "
                             "numbers")
        return Code(v, layout)
    return v


def _component(op: ComponentOp, environment: Environment) -> Step:
    component = op.component
    filled = filled_by(component)
    fixed = {name: v for name, v in op.options if not isinstance(v, Weight)}
    moving = {name: v for name, v in op.options if isinstance(v, Weight)}
    if "layout" in filled:
        fixed["layout"] = environment.layout
    function = component.target(**fixed) if component.is_class else partial(component.target, **fixed)
    records, expected = _wants_records(component), _expected(component)
    wants_sets = component.sets or any(_mentions(p.annotation, Set) for p in inputs_of(component))

    def call(values: Sequence[Value]) -> Value:
        count = None if wants_sets else _count(values)
        if count is not None:
            values = folded(values, count)
        for (name, kinds), v in zip(expected(len(values)), values, strict=True):
            if kinds and not isinstance(v, kinds):
                raise ValueError(f"{name} should be a {' or a '.join(k.__name__ for k in kinds)}"
                                 + ", as encoders make it" * (Code in kinds) + f"; this is a {type(v).__name__}")
        options: dict[str, Any] = {name: weight.at(environment.step) for name, weight in moving.items()}
        if op.address is not None:
            options["random"] = random = environment.noise.at(op.address)
            random.batch *= count or 1
        out = function(*(v if raw else plain(v) for v, raw in zip(values, records(len(values)), strict=True)),
                       **options)
        return out if count is None else _as_set(out, count)

    return call


def _wants_records(component: Component) -> Callable[[int], list[bool]]:
    inputs = inputs_of(component)
    raw = [any(_mentions(p.annotation, record) for record in (Any, Code, Gaussian, Label, Set, Record))
           or _has_record(p.annotation) for p in inputs]
    return _for_each(inputs, raw)


def _expected(component: Component) -> Callable[[int], list[tuple[str, tuple[type, ...]]]]:
    """Return a function: number of values -> parameters' names and record classes, () where others are allowed."""
    inputs = inputs_of(component)
    return _for_each(inputs, [(p.name, _records(p.annotation)) for p in inputs])


def _for_each(inputs: Sequence[inspect.Parameter], found: list[T]) -> Callable[[int], list[T]]:
    """Return a function: number of values -> their entries of `found`; `*values` repeats the last entry."""
    variadic = bool(inputs) and inputs[-1].kind is inspect.Parameter.VAR_POSITIONAL
    return lambda count: found + [found[-1]] * (count - len(found)) if variadic else found[:count]


def _records(annotation: Any) -> tuple[type, ...]:
    """Return the classes of an annotation that names only records; () for any other."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return tuple(kinds) if all(k in (Code, Gaussian, Label, Record) for k in kinds) else ()


def _mentions(annotation: Any, wanted: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_mentions(a, wanted) for a in get_args(annotation))
    return annotation is wanted


def _has_record(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_has_record(a) for a in get_args(annotation))
    return inspect.isclass(annotation) and attrs.has(annotation)


def to_meta(v: Value) -> Value:
    """Return the value on the meta device: the same structure and shapes, without data."""
    return map_tensors(lambda t: torch.empty(t.shape, dtype=t.dtype, device="meta"), v)


def zeros(v: Value) -> Value:
    """Return zeros with the shapes of a value, on the CPU."""
    return map_tensors(lambda t: torch.zeros(t.shape, dtype=t.dtype), v)
