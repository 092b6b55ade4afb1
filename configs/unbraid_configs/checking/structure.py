"""Conversion of the resolved tree into a typed recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from unbraid_configs import (
    Data,
    Draw,
    Expression,
    Function,
    Mistake,
    Network,
    Optimizer,
    Recipe,
    RecipeError,
    Spec,
    Train,
)
from unbraid_configs.checking.components import Finds, missing_key, structure_network, structure_spec
from unbraid_configs.checking.converter import strict_converter
from unbraid_configs.checking.factors import structure_factor
from unbraid_configs.checking.fields import structure_entries, structure_fields
from unbraid_configs.checking.invalid import Invalid, wrong
from unbraid_configs.checking.names import check_names, readable
from unbraid_configs.checking.references import check_references
from unbraid_configs.checking.wording import describe
from unbraid_configs.expressions import Weights, read_signature, split_names
from unbraid_configs.reading import Node
from unbraid_configs.resolving import Merger
from unbraid_registry import closest


def assemble(tree: Node, catalog: Finds, mistakes: list[Mistake]) -> Recipe:
    """Build the recipe and check it in itself.  Raises RecipeError with all mistakes, the given ones included."""
    tree = with_named_steps(with_inherited_optimizers(tree), mistakes)
    recipe = None
    try:
        recipe = _structure(tree, catalog)
    except Invalid as invalid:
        mistakes += [_elsewhere(mistake) for mistake in invalid.mistakes]
    if tree.is_map:
        mistakes += [*check_references(tree), *check_names(tree, catalog)]
    if mistakes or recipe is None:
        raise RecipeError(_once_per_plugin(list(dict.fromkeys(mistakes))))
    train = tree.get("train")
    if not recipe.players and not (train and train.get("steps")):        # networks are fitted, and nobody moves
        recipe = attrs.evolve(recipe, train=attrs.evolve(recipe.train, steps=0))
    return attrs.evolve(recipe, tree=tree)


def _once_per_plugin(mistakes: list[Mistake]) -> list[Mistake]:
    """Tell a plugin that is not installed once, before all other mistakes: it may be their cause."""
    first: dict[str, Mistake] = {}
    for m in sorted(mistakes, key=lambda m: (m.place.file, m.place.line, m.place.column)):
        if m.message.startswith("no plugin "):
            first.setdefault(m.message, m)
    uses = {text: sum(m.message == text for m in mistakes) for text in first}
    short = [m if uses[text] == 1 else attrs.evolve(m, message=f"{text}, which {uses[text]} places of this recipe need")
            for text, m in first.items()]
    return short or mistakes


def with_inherited_optimizers(tree: Node) -> Node:
    """Merge every player's optimizer over `train.optimizer`; a change of type replaces all of it."""
    train, players = tree.get("train"), tree.get("players")
    parent = train.get("optimizer") if train else None
    if not players or not parent or not parent.is_map:
        return tree
    for name, player in players.items():
        own = player.get("optimizer")
        if own and own.is_map:
            merged = Merger([]).merge(parent, own, ("players", name, "optimizer"))
            players = players.with_entry(name, player.with_entry("optimizer", merged))
    return tree.with_entry("players", players)


def with_named_steps(tree: Node, mistakes: list[Mistake]) -> Node:
    """Replace the names of weights in `from_step`, `until_step` and `train.steps` by their whole numbers."""
    section = tree.get("weights")
    expressions = dict(readable(section))

    def number(node: Node, path: str) -> Node:
        if not isinstance(node.value, str) or not node.value.isidentifier() or node.style == "broken":
            return node
        if node.value not in expressions:
            mistakes.append(Mistake(node.place, path, f"expected a whole number or the name of a weight, got "
                                    f"{describe(node)}", closest(node.value, expressions)))
            return node.as_broken()
        try:
            weight = Weights(expressions).named(node.value)
        except RecipeError:                        # told at the weight
            return node.as_broken()
        if not weight.constant or weight.number != int(weight.number):
            mistakes.append(Mistake(node.place, path, f"the weight {node.value!r} is no whole number of steps",
                                    "write a number, or a weight that is one: weights: {stage: 60_000}"))
            return node.as_broken()
        return attrs.evolve(node, value=int(weight.number), text=str(int(weight.number)))

    def changed(map_: Node, keys: tuple[str, ...], path: str) -> Node:
        for key in keys:
            item = map_.get(key)
            if item is not None:
                map_ = map_.with_entry(key, number(item, f"{path}.{key}"))
        return map_

    players, train = tree.get("players"), tree.get("train")
    if players is not None and players.is_map:
        for name, player in players.items():
            players = players.with_entry(name, changed(player, ("from_step", "until_step"), f"players.{name}"))
        tree = tree.with_entry("players", players)
    return tree if train is None else tree.with_entry("train", changed(train, ("steps",), "train"))


def _structure(tree: Node, catalog: Finds) -> Recipe:
    if not tree.is_map:
        raise wrong(tree, f"a recipe is a map with `data`, `networks`, `flow`, ...; got {describe(tree)}")
    converter = strict_converter()

    def structure(node: Node, type_: Any) -> Any:
        return converter.structure(node, type_)

    converter.register_structure_hook(Network, lambda node, _: structure_network(node, catalog, structure))
    converter.register_structure_hook(Data, lambda node, _: _data(node, catalog, structure))
    special = {
        "code": lambda node: structure_entries(_map(node, "name each factor: `code: {z: 64}`"), structure_factor),
        "flow": lambda node: _flow(node, structure),
        "functions": lambda node: _functions(node, structure),
    }
    if tree.get("data") is None:
        missing = missing_key(tree, "data", "every recipe has `data: {source: {type: ...}}`")
        tree = tree.with_entry("data", Node(None, style="broken"))
    else:
        missing = None
    try:
        return structure_fields(tree, Recipe, structure, special, tree=None)
    except Invalid as invalid:
        also = [missing] if missing and missing.place not in [m.place for m in invalid.mistakes] else []
        raise Invalid([*invalid.mistakes, *also]) from None


def _map(node: Node, hint: str = "write `name: value` below it") -> Node:
    if not node.is_map or node.style == "broken":
        raise wrong(node, f"expected a map, got {describe(node)}", hint)
    return node


def _data(node: Node, catalog: Finds, structure: Callable[[Node, Any], Any]) -> Data:
    def sources(section: Node) -> dict[str, Spec]:
        if not section.is_map or section.style == "broken":
            raise wrong(section, f"expected a map of sources, got {describe(section)}")
        if not section.value:
            raise wrong(section, "there is no source in it", at_name=True)
        return structure_entries(section, lambda _, item: structure_spec(item, "source", catalog, structure))

    if not node.is_map or node.style == "broken":
        raise wrong(node, f"expected a map with `source` and `draw`, got {describe(node)}")
    mistakes: list[Mistake] = []
    given: dict[str, Any] = {}
    one = node.get("source")
    if one:
        node = node.with_value({k: n for k, n in node.items() if k not in ("source", "sources")})
        try:
            given = {"sources": {"source": structure_spec(one, "source", catalog, structure)}}
        except Invalid as invalid:
            given = {"sources": {}}
            mistakes = invalid.under("source")
    elif not node.get("sources"):
        given = {"sources": {}}
        mistakes = [missing_key(node, "source", "write `source: {type: ...}`; all: unbraid list source")]
    if not node.get("draw"):
        given["draw"] = {"x": Draw(place=node.name_place)}
    try:
        data = structure_fields(node, Data, structure, {"sources": sources}, **given)
        if not mistakes:
            return data
    except Invalid as invalid:
        mistakes += [m for m in invalid.mistakes if m.place not in [known.place for known in mistakes]]
    raise Invalid(mistakes)


def _flow(node: Node, structure: Callable[[Node, Any], Any]) -> dict[tuple[str, ...], Expression]:
    lines = structure_entries(_map(node), lambda _, item: structure(item, Expression))
    return {tuple(name.text for name in split_names(key, node.place)): body for key, body in lines.items()}


def _functions(node: Node, structure: Callable[[Node, Any], Any]) -> dict[str, Function]:
    def function(key: str, item: Node) -> Function:
        signature = read_signature(key, item.name_place)
        assert signature
        return Function(name=signature.name.text, parameters=tuple(p.text for p in signature.parameters or ()),
                        body=structure(item, Expression), place=item.name_place)

    functions = structure_entries(_map(node), function)
    return {function.name: function for function in functions.values()}


_ELSEWHERE = {"train": Train, "data": Data, "train.optimizer": Optimizer}


def _elsewhere(mistake: Mistake) -> Mistake:
    """Add a hint to an unknown key that belongs to another section: `steps` belongs to `train`."""
    if mistake.message.startswith("unknown key") and "." not in mistake.path:
        for section, class_ in _ELSEWHERE.items():
            if mistake.path in attrs.fields_dict(class_):
                return attrs.evolve(mistake, hint=f"it belongs to `{section}`")
    return mistake
