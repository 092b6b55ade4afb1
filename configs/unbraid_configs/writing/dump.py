"""Writer of a resolved recipe: nested maps of YAML scalars, in a fixed order, which `dump` and `show` print."""

from __future__ import annotations

from typing import Any

import attrs

from unbraid_configs import Data, Draw, Expression, Network, Optimizer, Player, Recipe, Spec
from unbraid_configs.checking import AVERAGE, key_of, write_factor
from unbraid_configs.mistakes import Mistake, RecipeError
from unbraid_configs.reading import LARGEST, PYTHON, write_expression, write_scalar
from unbraid_configs.variables import escape

Written = dict[str, Any]                            # values: text that is YAML already, or another such map


def write_recipe(recipe: Recipe) -> Written:
    """Return all values of a recipe, defaults included, with the full names of components."""
    parts: Written = {
        "title": _value(recipe.title), "paper": _value(recipe.paper),
        "requires": _value(recipe.requires),
        "data": _data(recipe.data),
        "code": {name: write_scalar(write_factor(factor)) for name, factor in recipe.code.items()},
        "weights": _expressions(recipe.weights),
        "networks": {name: _network(network) for name, network in recipe.networks.items()},
        "flow": {", ".join(names): write_expression(body.text) for names, body in recipe.flow.items()},
        "players": {name: _player(player) for name, player in recipe.players.items()},
        "watch": _expressions(recipe.watch),
        "functions": {f"{f.name}({', '.join(f.parameters)})": write_expression(f.body.text)
                      for f in recipe.functions.values()},
        "train": _fields(recipe.train),
    }
    return {key: part for key, part in parts.items() if part not in ({}, '""')}


def _expressions(texts: dict[str, Expression]) -> Written:
    return {name: write_expression(expression.text) for name, expression in texts.items()}


def _data(data: Data) -> Written:
    if list(data.sources) == ["source"]:
        sources: Written = {"source": _spec(data.sources["source"])}
    else:
        sources = {"sources": {name: _spec(spec) for name, spec in data.sources.items()}}
    written = _fields(data, leave_out=("sources", "draw", "" if any(data.split_at.values()) else "split_at"))
    return {**sources, "draw": {name: _changed(draw) for name, draw in data.draw.items()}, **written}


def _spec(spec: Spec) -> Written:
    return {"type": write_scalar(spec.component.full_name), **{key: _value(v) for key, v in spec.options.items()}}


def _network(network: Network) -> Written:
    if network.average_of is not None:
        return {"type": AVERAGE, "of": _value(network.average_of), "decay": _value(network.decay)}
    written = _spec(network.spec) if network.spec else {}
    for key, value in (("code", network.code), ("image", network.image), ("from", network.from_)):
        if value is not None:
            written[key] = _value(value)
    if network.freeze:
        written["freeze"] = "true"
    return written


def _player(player: Player) -> Written:
    written = _fields(player)
    return {key: value for key, value in written.items() if value != "null"}


def _changed(draw: Draw) -> Written:
    """Return the fields of a draw that are not left at their defaults."""
    return {key: value for key, value in _fields(draw).items() if value not in ("null", "[]", {})}


def _fields(thing: Any, leave_out: tuple[str, ...] = ()) -> Written:
    return {key_of(field): _value(getattr(thing, field.name)) for field in attrs.fields(type(thing))
            if field.name not in ("place", *leave_out)}


def _value(value: Any) -> str | Written:
    if isinstance(value, Expression):
        return write_expression(value.text)
    if isinstance(value, Optimizer):
        return _fields(value)
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return _inline(value)


def _inline(value: Any, inside: bool = False) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_inline(item, True) for item in value)}]"
    if isinstance(value, dict):
        pairs = [f"{write_scalar(key, inside_list=True)}: {_inline(item, True)}" for key, item in value.items()]
        return f"{{{', '.join(pairs)}}}"
    return write_scalar(escape(value) if isinstance(value, str) else value, inside_list=inside)


def dump_recipe(recipe: Recipe) -> str:
    """Return YAML without base, overrides and comments.

    Components have their full names, so that no later plugin changes the recipe.

    Raises RecipeError where it would be larger than a recipe that is read.
    """
    text = "".join(f"{line}\n" for line in _lines(write_recipe(recipe), ""))
    if (size := len(text.encode("utf-8", "surrogateescape"))) > LARGEST:
        raise RecipeError([Mistake(PYTHON, "", f"has {size >> 10:,} kB when it is written, too many to read it again",
                                   f"a recipe has at most {LARGEST >> 10} kB: shorten its lists")])
    return text


def _lines(written: Written, indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in written.items():
        head = f"{indent}{write_scalar(key)}:"
        if isinstance(value, str):
            lines.append(f"{head} {value}")
        elif value:
            lines += [head, *_lines(value, f"{indent}  ")]
        else:
            lines.append(f"{head} {{}}")
    return lines
