"""Dependencies between the values of a recipe, and the names that it logs."""

from __future__ import annotations

from collections.abc import Iterable

from unbraid_configs.expressions import Call, Expression, Name, parts_of
from unbraid_configs.recipe import Recipe


def read_by(recipe: Recipe, expressions: Iterable[Expression], hidden: Iterable[str] = ()) -> set[str]:
    """Return the names of all values and draws that expressions read, also through the flow's lines and functions.

    hidden: names with another meaning in the expressions, such as a function's parameters.
    """
    lines = {name: body for names, body in recipe.flow.items() for name in names}
    found: set[str] = set()
    called: set[str] = set()
    waiting = [(expression, frozenset(hidden)) for expression in expressions]
    while waiting:
        expression, own = waiting.pop()
        for part in parts_of(expression.tree):
            if isinstance(part, Name) and part.name not in own | found and (part.name in lines or
                                                                            part.name in recipe.data.draw):
                found.add(part.name)
                waiting += [(lines[part.name], frozenset())] if part.name in lines else []
            elif isinstance(part, Call) and part.function in recipe.functions.keys() - called:
                called.add(part.function)
                function = recipe.functions[part.function]
                waiting.append((function.body, frozenset(function.parameters)))
    return found


def unread(recipe: Recipe) -> list[str]:
    """Return the draws and values that no player, watched value or function reads; a line counts as a whole."""
    texts = [e for p in recipe.players.values() for e in (*p.minimizes.values(), p.when, p.then) if e is not None]
    read = read_by(recipe, [*texts, *recipe.watch.values(), *(f.body for f in recipe.functions.values())])
    beside = {name: names for names in recipe.flow for name in names}
    return [name for name in (*recipe.data.draw, *beside) if not read.intersection(beside.get(name, (name,)))]


def logged_names(recipe: Recipe) -> list[str]:
    """Return the names of all terms and watched values, at whatever step they are logged."""
    terms = [f"{name}/{term}" for name, player in recipe.players.items() for term in player.minimizes]
    return [*terms, *(f"watch/{name}" for name in recipe.watch)]
