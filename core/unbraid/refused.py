"""What Python's expressions have and the language of recipes has not, in words."""

from __future__ import annotations

import ast

LANGUAGE = "names, calls, numbers, dots, tuples and + - * are"
_LOOPS = "loops belong into an operation of a plugin"
_BITS = "values have + - * alone; anything else belongs into an operation of a plugin"

_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Subscript: ("indexing with [ ]", "indexing belongs into an operation of a plugin; a factor or a part is taken "
                    "with a dot: f.pose"),
    ast.Slice: ("a slice", "indexing belongs into an operation of a plugin"),
    ast.IfExp: ("`if ... else`", "a condition on data belongs into an operation; on the step, into a weight: "
                "after(1000) * ..."),
    ast.Lambda: ("`lambda`", "there are no lambdas; declare a function under `functions:`"),
    ast.List: ("a list", "there are no lists; write a tuple: a, b"),
    ast.Set: ("a set", "there are no sets; write a tuple: a, b"),
    ast.Dict: ("a dictionary", "there are no dictionaries"),
    ast.BoolOp: ("a choice with `and` or `or`", "`and` and `or` belong into an operation of a plugin"),
    ast.Compare: ("a comparison inside an expression", "a comparison may stand in `when` alone, as the outermost part"),
    ast.Starred: ("unpacking with *", "there is no unpacking in a call; name the arguments"),
    ast.ListComp: ("a comprehension", _LOOPS),
    ast.SetComp: ("a comprehension", _LOOPS),
    ast.DictComp: ("a comprehension", _LOOPS),
    ast.GeneratorExp: ("a generator", _LOOPS),
    ast.NamedExpr: ("an assignment with :=", "give the value a name in the flow"),
    ast.JoinedStr: ("a formatted string", "write the text itself"),
    ast.FormattedValue: ("a formatted string", "write the text itself"),
    ast.Await: ("`await`", "values are computed when they are needed"),
    ast.Yield: ("`yield`", _LOOPS),
    ast.YieldFrom: ("`yield`", _LOOPS),
    ast.Not: ("`not`", "`not` belongs into an operation of a plugin"),
    ast.UAdd: ("a + before a value", "leave it out"),
    ast.Invert: ("`~`", _BITS),
    ast.Div: ("division", "values are not divided here; multiply by a number, or write an operation"),
    ast.FloorDiv: ("`//`", _BITS), ast.Mod: ("`%`", _BITS), ast.Pow: ("a power with **", _BITS),
    ast.MatMult: ("`@`", _BITS), ast.LShift: ("`<<`", _BITS), ast.RShift: ("`>>`", _BITS), ast.BitOr: ("`|`", _BITS),
    ast.BitAnd: ("`&`", _BITS), ast.BitXor: ("`^`", _BITS)}

_CONSTANTS: dict[type, str] = {bytes: "a string of bytes", complex: "a complex number", type(None): "None",
                               type(...): "`...`"}


def refusal(node: ast.expr) -> tuple[str, str]:
    """What a part of Python is that the language has not, and what to write instead."""
    if isinstance(node, ast.Constant):
        return f"{_CONSTANTS.get(type(node.value), 'this constant')} is not part of the language", LANGUAGE
    kind = type(node.op) if isinstance(node, ast.BinOp | ast.UnaryOp) else type(node)
    what, instead = _REFUSED.get(kind, (type(node).__name__, LANGUAGE))
    return f"{what} is not part of the language", instead


def name_refusal(name: str) -> tuple[str, str] | None:
    """Why a name may stand nowhere in an expression: those that begin with two underscores are Python's own."""
    if name.startswith("__"):
        return f"{name!r} cannot be a name", "names that begin with two underscores belong to Python"
    return None
