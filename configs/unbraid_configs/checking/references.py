"""Checks between the parts of a recipe: names, and the references to them.

The checks look at the raw tree, so that they know the place of every name and run even where something else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from unbraid_configs import Mistake
from unbraid_configs.checking.components import AVERAGE
from unbraid_configs.checking.factors import part_names, structure_factor
from unbraid_configs.checking.invalid import Invalid
from unbraid_configs.expressions import KeyName, name_problem, split_names
from unbraid_configs.reading import Node
from unbraid_registry import closest


def check_references(tree: Node) -> list[Mistake]:
    """Return a mistake for every duplicate name, unknown name and contradiction between the parts of a recipe."""
    checks = (_distinct, _plain_names, _parts, _networks, _draws, _players, _splits)
    return [mistake for check in checks for mistake in check(tree)]


def _section(tree: Node, *path: str) -> list[tuple[str, Node]]:
    node: Node | None = tree
    for key in path:
        node = node.get(key) if node else None
    return node.items() if node else []


def _is_broken(tree: Node, *path: str) -> bool:
    node: Node | None = tree
    for key in path:
        node = node.get(key) if node else None
    return node is not None and (not node.is_map or node.style == "broken")


def _texts(node: Node | None) -> Iterator[Node]:
    """Yield the text nodes of a single text or of a list."""
    for item in (node.value if node.is_list else [node]) if node else []:
        if isinstance(item.value, str) and item.style != "broken":
            yield item


def _missing(noun: str, item: Node, path: str, names: list[str], owner: str = "the recipe") -> Mistake:
    hint = closest(item.value, names) or (f"there is {', '.join(names)}" if names else "there is none at all")
    return Mistake(item.place, path, f"{owner} has no {noun} {item.value!r}", hint)


def _distinct(tree: Node) -> Iterator[Mistake]:
    owners: dict[str, tuple[str, str, KeyName]] = {}
    for noun, path in (("a draw", ("data", "draw")), ("a value", ("flow",)), ("a network", ("networks",)),
                       ("a weight", ("weights",))):
        for key, node in _section(tree, *path):
            for name in split_names(key, node.name_place):
                here = (noun, ".".join((*path, name.text)), name)
                first = owners.setdefault(name.text, here)
                if first[0] != noun and name.text:
                    late, early = (here, first) if _order(name) >= _order(first[2]) else (first, here)
                    yield Mistake(late[2].place, late[1],
                                  f"{name.text!r} is {late[0]} and {early[0]} ({early[2].place})",
                                  "values, draws, networks and weights need different names")


def _order(name: KeyName) -> tuple[str, int, int]:
    return name.place.file, name.place.line, name.place.column


def _plain_names(tree: Node) -> Iterator[Mistake]:
    """Check the names that are not checked when the shorthands of a file are expanded."""
    maps = [("code",), ("data", "sources"), ("watch",), ("players",)]
    maps += [("players", player, "minimizes") for player, _ in _section(tree, "players")]
    for path in maps:
        for key, node in _section(tree, *path):
            problem = name_problem(key)
            if problem and not (path[0] in ("players", "watch") and key.replace("-", "_").isidentifier()):
                yield Mistake(node.name_place, ".".join((*path, key)), *problem)


def _parts(tree: Node) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    for factor, node, parts in _factors(tree):
        for part in parts:
            if part in owners:
                yield Mistake(node.name_place, f"code.{factor}",
                              f"two parts of the code are called {part!r}, of {owners[part]!r} and of {factor!r}",
                              "give the factors other names")
            owners[part] = factor


def _factors(tree: Node) -> Iterator[tuple[str, Node, list[str]]]:
    for name, node in _section(tree, "code"):
        try:
            factor = structure_factor(name, node)
        except Invalid:
            yield name, node, []
            continue
        names = [name] if factor.count is None or factor.count > 10_000 else [name, *part_names(factor)]
        yield name, node, names


def _networks(tree: Node) -> Iterator[Mistake]:
    networks = dict(_section(tree, "networks"))
    factors = [part for name, _, parts in _factors(tree) for part in parts or [name]]
    draws = [key for key, _ in _section(tree, "data", "draw")] or ["x"]
    for name, node in networks.items():
        where = f"networks.{name}"
        kind = node.get("type")
        if kind and kind.value == AVERAGE:
            for item in _texts(node.get("of")):
                if item.value == name:
                    yield Mistake(item.place, f"{where}.of", f"{name!r} cannot be the EMA of itself")
                elif item.value not in networks:
                    yield _missing("network", item, f"{where}.of", list(networks))
            continue
        if not _is_broken(tree, "code"):
            for item in _texts(node.get("code")):
                if item.value not in factors:
                    yield _missing("factor", item, f"{where}.code", factors, "the code")
        for item in _texts(node.get("image")):
            if item.value not in draws and not _is_broken(tree, "data", "draw"):
                yield _missing("draw", item, f"{where}.image", draws)


def _draws(tree: Node) -> Iterator[Mistake]:
    draws = dict(_section(tree, "data", "draw"))
    sources = [key for key, _ in _section(tree, "data", "sources")]
    if any(key == "source" for key, _ in _section(tree, "data")):
        sources = ["source"]
    empty = tree.get("data") and tree.value["data"].get("draw")
    if empty and empty.is_map and not draws and empty.style != "broken":
        yield Mistake(empty.name_place, "data.draw", "draws nothing", "write `draw: {x: {}}` for one image")
    for name, node in draws.items():
        where = f"data.draw.{name}"
        for item in _texts(node.get("as")):
            if item.value == name:
                yield Mistake(item.place, f"{where}.as", f"{name!r} cannot share with itself", "name another draw")
            elif item.value not in draws:
                yield _missing("draw", item, f"{where}.as", [d for d in draws if d != name])
            elif name in _chain(draws, item.value):
                yield Mistake(item.place, f"{where}.as", f"{name!r} is drawn as {item.value!r}, and that as {name!r}",
                              "one of them must come first")
        yield from _sharing(name, node, where)
        for item in _texts(node.get("from")):
            if item.value not in sources and not _is_broken(tree, "data", "sources"):
                yield _missing("source", item, f"{where}.from", sources)
        if len(sources) > 1 and node.is_map and not node.get("from") and not node.get("as"):
            yield Mistake(node.name_place, where, "says not which source it is from",
                          f"write `from:` with one of {', '.join(sources)}")


def _chain(draws: dict[str, Node], name: str) -> list[str]:
    """Return a draw and the draws that it shares with through `as`, one after the other."""
    chain = [name]
    while True:
        item = next(_texts(draws[name].get("as")), None) if name in draws else None
        if item is None or item.value in chain:
            return chain
        name = item.value
        chain.append(name)


def _sharing(name: str, node: Node, where: str) -> Iterator[Mistake]:
    relations = [key for key in ("same", "different", "next") if node.get(key)]
    same, different = ([item.value for item in _texts(node.get(key))] for key in ("same", "different"))
    if both := [factor for factor in same if factor in different]:
        yield Mistake(node.value["different"].place, f"{where}.different",
                      f"{both[0]!r} cannot be the same and different at once")
    if node.get("next") and (same or different):
        yield Mistake(node.value["next"].name_place, f"{where}.next", "already says which image it is",
                      "drop `same` and `different`")
    if node.get("next") and node.get("count"):
        yield Mistake(node.value["count"].name_place, f"{where}.count", "`next` is one frame",
                      "a set of them is `frames:`")
    if node.get("as") and not relations:
        yield Mistake(node.value["as"].name_place, f"{where}.as", "says not what is shared",
                      "add `same:`, `different:` or `next:`")
    if relations and not node.get("as") and not node.get("count") and not node.get("frames"):
        first = node.value[relations[0]]
        yield Mistake(first.name_place, f"{where}.{relations[0]}", f"says not with which draw {name!r} shares this",
                      "add `as:`, or `count:` for several images")
    if node.get("count") and node.get("frames"):
        yield Mistake(node.value["frames"].name_place, f"{where}.frames", "`count` and `frames` exclude each other",
                      "`count` draws any images, `frames` consecutive ones")
    for key in ("count", "frames", "next"):
        item = node.get(key)
        if item and isinstance(item.value, int) and item.value < 1:
            yield Mistake(item.place, f"{where}.{key}", f"must be >= 1, got {item.value}")


def _players(tree: Node) -> Iterator[Mistake]:
    networks = dict(_section(tree, "networks"))
    moves = tree.get("train") and tree.value["train"].get("moves")
    for name, node in _section(tree, "players"):
        where = f"players.{name}"
        yield from _trains(node, where, networks, _is_broken(tree, "networks"))
        terms = node.get("minimizes")
        if terms and terms.is_map and not terms.value and terms.style != "broken":
            yield Mistake(terms.name_place, f"{where}.minimizes", "has no terms",
                          f"add one, or remove the player with `{name}: null`")
        start, stop = node.get("from_step"), node.get("until_step")
        if stop and isinstance(stop.value, int):
            first = start.value if start and isinstance(start.value, int) else 0
            if stop.value <= first:
                yield Mistake(stop.place, f"{where}.until_step", f"must be > {first}, got {stop.value}")
        clip = node.get("clip")
        if clip and isinstance(clip.value, (int, float)) and clip.value <= 0:
            yield Mistake(clip.place, f"{where}.clip", f"must be > 0, got {clip.text or clip.value}")
        turns = node.get("turns")
        if moves and moves.value == "together" and turns and turns.value != 1:
            yield Mistake(turns.place, f"{where}.turns", "must be 1 where `train.moves` is together")


def _trains(node: Node, where: str, networks: dict[str, Node], broken: bool) -> Iterator[Mistake]:
    seen: set[str] = set()
    trains = node.get("trains")
    if trains and trains.is_list and not trains.value:
        yield Mistake(trains.place, f"{where}.trains", "names no network")
    for item in _texts(trains):
        kind = networks[item.value].get("type") if item.value in networks else None
        if item.value not in networks:
            if not broken:
                yield _missing("network", item, f"{where}.trains", list(networks))
        elif kind and kind.value == AVERAGE:
            yield Mistake(item.place, f"{where}.trains", f"{item.value!r} is an EMA and cannot be trained")
        elif (freeze := networks[item.value].get("freeze")) and freeze.value is True:
            yield Mistake(item.place, f"{where}.trains", f"{item.value!r} is frozen and cannot be trained",
                          "drop `freeze: true`, or train another network")
        elif item.value in seen:
            yield Mistake(item.place, f"{where}.trains", f"{item.value!r} stands here twice")
        seen.add(item.value)


def _splits(tree: Node) -> Iterator[Mistake]:
    shares = _section(tree, "data", "splits")
    numbers = [n for _, n in shares if isinstance(n.value, (int, float)) and not isinstance(n.value, bool)]
    for node in numbers:
        if not 0 < node.value <= 1:
            yield Mistake(node.place, "data.splits", f"a share must be > 0 and <= 1, got {node.text or node.value}")
            return
    if numbers and sum(n.value for n in numbers) > 1 + 1e-6:
        total = round(sum(n.value for n in numbers), 6)
        yield Mistake(numbers[0].name_place, "data.splits", f"the shares add up to {total}, more than 1")
