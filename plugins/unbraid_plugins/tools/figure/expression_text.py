"""Formatting of expressions for a figure."""

from __future__ import annotations

import unbraid_configs.expressions as e
from unbraid_configs import Recipe

_RANK = {"+": 1, "-": 1, "*": 2}
_SIGN = {"*": "·", "-": "−"}


def written(tree: e.Tree, rank: int = 0) -> str:
    """Format an expression on one line: `10·mse(x4, x1)`."""
    match tree:
        case e.Number(value=value):
            return f"{value:g}" if not isinstance(value, bool) else str(value)
        case e.Text(value=value):
            return repr(value)
        case e.Name(name=name):
            return name
        case e.Attribute(of=of, name=name):
            return f"{written(of, 9)}.{name}"
        case e.Call(function=function, arguments=arguments, options=options):
            given = [*map(written, arguments), *(f"{name}={written(o)}" for name, o in options)]
            return f"{function}({', '.join(given)})"
        case e.Tuple(items=items):
            return f"({', '.join(map(written, items))})"
        case e.Arithmetic(sign="*", left=e.Number(value=-1), right=right):
            text = f"−{written(right, 3)}"
            return f"({text})" if rank > 2 else text
        case e.Arithmetic(sign=sign, left=left, right=right):
            own = _RANK[sign]
            space = "" if sign == "*" else " "
            text = f"{written(left, own)}{space}{_SIGN.get(sign, sign)}{space}{written(right, own + 1)}"
            return f"({text})" if own < rank else text
        case e.Comparison(sign=sign, left=left, right=right):
            return f"{written(left)} {sign} {written(right)}"


def weight_and_losses(tree: e.Tree, recipe: Recipe) -> str:
    """Format a term briefly: its weight and its losses, without their arguments: `10·mse`."""
    if isinstance(tree, e.Arithmetic) and tree.sign == "*":
        left, right = weight_and_losses(tree.left, recipe), weight_and_losses(tree.right, recipe)
        if " + " in right:
            right = f"({right})"
        return f"−{right}" if tree.left == e.Number(-1) else f"{left}·{right}"
    if isinstance(tree, e.Arithmetic):
        names: dict[str, None] = {}
        for side in (tree.left, tree.right):
            names |= dict.fromkeys(weight_and_losses(side, recipe).split(" + "))
        return " + ".join(names)
    if isinstance(tree, e.Call):
        if tree.function in e.SCHEDULES:
            return written(tree)
        if tree.function in recipe.functions:
            return tree.function
        return tree.function.rpartition(".")[2].replace("_", " ")
    return written(tree)
