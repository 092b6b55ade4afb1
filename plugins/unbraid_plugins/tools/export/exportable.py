"""The functions that can be exported: those of a recipe, and those composed of its `encode` and `decode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from unbraid.model import Model, code_of
from unbraid.values import Code, Noise, Value, code, plain
from unbraid_configs.expressions import Name
from unbraid_plugins.tools.export.formats import ExportError
from unbraid_registry import closest

COMPOSED = {"codes": "the codes of images: encode(x), the mean of a distribution",
            "reconstruct": "decode(encode(x)), in [0, 1]",
            "swap": "images a with the --factor of images b, in [0, 1]"}


@attrs.frozen(eq=False)
class Formula:
    """A function to be exported.

    parameters: meta values of batch 2 by parameter name; a known field of an image is `name.field`.
    result: the name of the result.
    text: the function as an expression.
    networks: the networks that it calls.
    """

    name: str
    parameters: dict[str, Value]
    result: str
    text: str
    networks: tuple[str, ...]
    compute: Callable[[Mapping[str, Value], Noise], Value]


def formula(model: Model, name: str, factors: Sequence[str] = ()) -> Formula:
    """Return a function by name; one of the recipe takes precedence over a composed one.

    factors: for `swap` only, the factors that come from the second image.

    Raises ExportError.
    """
    names = [*model.functions, *(n for n in COMPOSED if n not in model.functions)]
    if name not in names:
        raise ExportError(f"there is no function {name!r} to export; there is {', '.join(names)}",
                          hint=closest(name, names))
    if factors and (name != "swap" or name in model.functions):
        raise ExportError(f"{name} takes no factor", hint="factors are for: unbraid export RUN swap --factor NAME")
    return _declared(model, name) if name in model.functions else _composed(model, name, factors)


def _declared(model: Model, name: str) -> Formula:
    function, body = model.method.recipe.functions[name], model.method.function_graphs[name]
    known = _known(model, name)
    tree, text = function.body.tree, " ".join(function.body.text.split())
    result = tree.name if isinstance(tree, Name) and tree.name not in function.parameters else name
    return Formula(name, dict(known), result, f"{name}({', '.join(function.parameters)}): {text}",
                   tuple(sorted(body.result.depends)), lambda given, noise: model.evaluated(name, given, noise))


def _composed(model: Model, name: str, factors: Sequence[str]) -> Formula:
    (x,), encode = _single(model, "encode", name), _known(model, "encode")
    networks = tuple(sorted(model.method.function_graphs["encode"].result.depends))

    def encoded(given: Mapping[str, Value], noise: Noise, image: str) -> Code:
        own = {x + n.removeprefix(image): v for n, v in given.items() if n.partition(".")[0] == image}
        return code_of(model.evaluated("encode", own, noise), model.layout)

    if name == "codes":
        return Formula(name, encode, "codes", f"codes({x}): encode({x})", networks,
                       lambda given, noise: encoded(given, noise, x))
    (f,) = _single(model, "decode", name)
    if len(_known(model, "decode")) > 1:
        raise ExportError(f"{name} is not possible here: decode needs more than a code")
    networks = tuple(sorted({*networks, *model.method.function_graphs["decode"].result.depends}))

    def decoded(v: Code, noise: Noise) -> Value:
        return plain(model.evaluated("decode", {f: v}, noise)).clamp(0, 1)

    if name == "reconstruct":
        return Formula(name, encode, "image", f"reconstruct({x}): decode(encode({x}))", networks,
                       lambda given, noise: decoded(encoded(given, noise, x), noise))
    if not factors:
        raise ExportError("swap needs to know which factor", hint="--factor NAME; the code has "
                          f"{', '.join(model.layout.all_names)}")
    for factor in factors:
        if factor not in model.layout:
            raise ExportError(f"the code has no factor {factor!r}; it has {', '.join(model.layout.all_names)}",
                              hint=closest(factor, model.layout.all_names))
    both = {side + n.removeprefix(x): v for side in "ab" for n, v in encode.items()}
    return Formula(name, both, "image", f"swap(a, b): decode(encode(a) with {', '.join(factors)} of encode(b))",
                   networks, lambda given, noise: decoded(code.swap(encoded(given, noise, "a"),
                                                                    encoded(given, noise, "b"), *factors), noise))


def _known(model: Model, name: str) -> dict[str, Value]:
    known = model.method.parameters[name]
    for parameter in model.functions[name]:
        if parameter not in known:
            raise ExportError(f"{name}: nothing in the recipe tells the shape of its parameter {parameter!r}",
                              hint="name it like the draw or the value of the flow that it stands for")
    return known


def _single(model: Model, function: str, wanted: str) -> tuple[str, ...]:
    parameters = model.functions.get(function)
    if parameters is None or len(parameters) != 1:
        has = f"{function}({', '.join(parameters)})" if parameters else f"no function {function}"
        raise ExportError(f"{wanted} needs a function {function} of one parameter; the model has {has}",
                          hint=f"it has {', '.join(model.functions) or 'no functions'}")
    return parameters
