"""Formatting of expressions for a figure."""

from __future__ import annotations

from unbraid_configs import Recipe
from unbraid_configs.expressions import (
    SCHEDULES,
    Arithmetic,
    Attribute,
    Call,
    Comparison,
    Name,
    Number,
    Text,
    Tree,
    Tuple,
)

_RANK = {"+": 1, "-": 1, "*": 2}
_SIGN = {"*": "·", "-": "−"}


def written(tree: Tree, rank: int = 0) -> str:
    """Format an expression on one line: `10·mse(x4, x1)`."""
    match tree:
        case Number(value=value):
            return f"{value:g}" if not isinstance(value, bool) else str(value)
        case Text(value=value):
            return repr(value)
        case Name(name=name):
            return name
        case Attribute(of=of, name=name):
            return f"{written(of, 9)}.{name}"
        case Call(function=function, arguments=arguments, options=options):
            given = [*map(written, arguments), *(f"{name}={written(o)}" for name, o in options)]
            return f"{function}({', '.join(given)})"
        case Tuple(items=items):
            return f"({', '.join(map(written, items))})"
        case Arithmetic(sign="*", left=Number(value=-1), right=right):
            text = f"−{written(right, 3)}"
            return f"({text})" if rank > 2 else text
        case Arithmetic(sign=sign, left=left, right=right):
            own = _RANK[sign]
            space = "" if sign == "*" else " "
            text = f"{written(left, own)}{space}{_SIGN.get(sign, sign)}{space}{written(right, own + 1)}"
            return f"({text})" if own < rank else text
        case Comparison(sign=sign, left=left, right=right):
            return f"{written(left)} {sign} {written(right)}"


def weight_and_losses(tree: Tree, recipe: Recipe) -> str:
    """Format a term briefly: its weight and its losses, without their arguments: `10·mse`."""
    if isinstance(tree, Arithmetic) and tree.sign == "*":
        left, right = weight_and_losses(tree.left, recipe), weight_and_losses(tree.right, recipe)
        if " + " in right:
            right = f"({right})"
        return f"−{right}" if tree.left == Number(-1) else f"{left}·{right}"
    if isinstance(tree, Arithmetic):
        names: dict[str, None] = {}
        for side in (tree.left, tree.right):
            names |= dict.fromkeys(weight_and_losses(side, recipe).split(" + "))
        return " + ".join(names)
    if isinstance(tree, Call):
        if tree.function in SCHEDULES:
            return written(tree)
        if tree.function in recipe.functions:
            return tree.function
        return tree.function.rpartition(".")[2].replace("_", " ")
    return written(tree)
