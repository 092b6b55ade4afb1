"""The parser of expressions: it turns a text into a tree, with the place of every part.

The language is a subset of Python's expressions, parsed by `ast` and never evaluated as Python: names, calls, numbers,
strings as keyword arguments, access with a dot, tuples, `+ - *`, and one comparison where `when` allows it.
"""

from __future__ import annotations

import ast
import re
import warnings
from keyword import iskeyword
from typing import NoReturn

import attrs

from unbraid_configs import Mistake, Place, RecipeError
from unbraid_configs.expressions.names import name_problem
from unbraid_configs.expressions.tree import (
    SIGNS,
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

MAX_LENGTH = 10_000                                 # characters of an expression
MAX_DEPTH = 40                                      # of calls, tuples and dots within each other
MAX_TERMS = 200                                     # signs + - * in an expression

_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_KEYWORD = re.compile(r"""'[^'\n]*'|"[^"\n]*"|([^\W\d]\w*)""")
_LINES = re.compile(r"\r\n?|\n")


def parse(text: str, start: Place, *, compares: bool = False) -> Tree:
    """Parse an expression that begins at a place, and return its tree.

    compares: whether one comparison may stand at the top, as in `when`.  Raises RecipeError with the fault's place.
    """
    return _Parser(text, start).parse(compares)


@attrs.define
class _Parser:
    text: str
    start: Place
    lines: list[str] = attrs.field(init=False)
    terms: int = 0

    def __attrs_post_init__(self) -> None:
        self.lines = _LINES.split(self.text)

    def fail(self, place: Place, message: str, hint: str = "") -> NoReturn:
        raise RecipeError([Mistake(place, "", message, hint)])

    def place(self, line: int, column: int) -> Place:
        """Return the file's place of a line (from 1) and a column (from 0) of the text; never outside of the text."""
        start = self.start
        if not start.line:
            return start
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1])
        column = min(max(column, 0), len(self.lines[line - 1]))
        return Place(start.file, start.line + line - 1, column + (start.column if line == 1 else 1))

    def at(self, node: ast.expr) -> Place:
        """Return the place of a parsed part.  `ast` counts columns in bytes, and the parenthesis before the text."""
        if node.lineno > len(self.lines):
            return self.place(node.lineno, 0)
        offset = node.col_offset - (node.lineno == 1)
        before = self.lines[node.lineno - 1].encode(errors="replace")[:max(offset, 0)]
        return self.place(node.lineno, len(before.decode(errors="replace")))

    def parse(self, compares: bool) -> Tree:
        text, start = self.text, self.start
        if not text.strip():
            self.fail(start, "the expression is empty")
        if len(text) > MAX_LENGTH:
            self.fail(start, f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")
        tree = self.top(self.python("(", ")"), compares)
        self.python("[", "]")                      # `a) + (b` parses in parentheses, but not in brackets
        return tree

    def top(self, body: ast.expr, compares: bool) -> Tree:
        if isinstance(body, ast.Compare):
            if not compares:
                self.fail(self.at(body), "a comparison may stand in `when` alone")
            if len(body.ops) != 1 or type(body.ops[0]) not in _COMPARISON:
                self.fail(self.at(body), "expected one comparison with <, <=, > or >=")
            left, right = self.tree(body.left, 1), self.tree(body.comparators[0], 1)
            return Comparison(_COMPARISON[type(body.ops[0])], left, right, self.at(body))
        return self.tree(body, 0)

    def python(self, opening: str, closing: str) -> ast.expr:
        """Parse the text with Python's parser, between two brackets so that it may have several lines."""
        text, start = self.text, self.start
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", (SyntaxWarning, DeprecationWarning))
                return ast.parse(f"{opening}{text}\n{closing}", mode="eval").body
        except SyntaxError as error:
            self.refuse_keywords(text)
            line = error.lineno or 1
            where = self.place(line, (error.offset or 1) - 1 - (line == 1))
            reason = ("this parenthesis closes nothing" if opening == "[" else
                      "the number is too large" if "integer string conversion" in error.msg else error.msg)
            self.fail(where, f"can't read the expression: {reason}")
        except (RecursionError, MemoryError):
            self.fail(start, "can't read the expression: it is nested too deeply, or a chain in it is too long",
                      "give its parts names in the flow")
        except ValueError as error:
            self.fail(start, f"can't read the expression: {str(error).partition(':')[0]}")

    def refuse_keywords(self, text: str) -> None:
        """Fail where a label or a value is called `class`, `from`, `in`, ..."""
        for word in _KEYWORD.finditer(text):
            if word[1] and iskeyword(word[1]) and word[1] not in ("True", "False"):
                before = _LINES.split(text[:word.start()])
                self.fail(self.place(len(before), len(before[-1])), *(name_problem(word[1]) or ("", "")))

    def name(self, name: str, place: Place) -> str:
        """Return a name; fail where it belongs to Python."""
        refused = name_refusal(name)
        if refused:
            self.fail(place, *refused)
        return name

    def tree(self, node: ast.expr, depth: int) -> Tree:
        place = self.at(node)
        if depth > MAX_DEPTH:
            self.fail(place, f"the expression is nested more than {MAX_DEPTH} deep", "give its parts names in the flow")
        match node:
            case ast.Constant(value=bool(truth)):
                return Number(truth, place)
            case ast.Constant(value=int() | float() as number):
                return Number(self.number(number, place), place)
            case ast.Constant(value=str(text)):
                return Text(text, place)
            case ast.Name(id=name):
                return Name(self.name(name, place), place)
            case ast.Attribute(value=of, attr=name):
                return Attribute(self.tree(of, depth + 1), self.name(name, place), place)
            case ast.Tuple(elts=[]):
                self.fail(place, "nothing stands here", "write a value, or several: a, b")
            case ast.Tuple(elts=items):
                return Tuple(tuple(self.tree(i, depth + 1) for i in items), place)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.tree(operand, depth + 1)
                return Number(-inner.value, place) if isinstance(inner, Number) else Arithmetic(
                    "*", Number(-1.0, place), inner, place)
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                return self.arithmetic(node, depth)
            case ast.Call():
                return self.call(node, depth)
        self.fail(place, *refusal(node))

    def number(self, number: float, place: Place) -> float:
        if not abs(number) < 1e300:
            self.fail(place, "the number is too large")
        return number

    def arithmetic(self, node: ast.BinOp, depth: int) -> Tree:
        """Read a chain of + - * in a loop, so that a long sum does not count as deep nesting."""
        chain: list[tuple[ast.BinOp, str]] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and type(left.op) in _ARITHMETIC:
            chain.append((left, _ARITHMETIC[type(left.op)]))
            left = left.left
        self.terms += len(chain)                   # of the whole expression: the two bounds limit a tree's depth
        if self.terms > MAX_TERMS:
            self.fail(self.at(node), f"the expression has more than {MAX_TERMS} terms", "give sums names in the flow")
        tree = self.tree(left, depth + 1)
        for binary, sign in reversed(chain):
            right = self.tree(binary.right, depth + 1)
            if isinstance(tree, Number) and isinstance(right, Number):
                tree = Number(self.number(SIGNS[sign](tree.value, right.value), self.at(binary)), self.at(binary))
            else:
                tree = Arithmetic(sign, tree, right, self.at(binary))
        return tree

    def call(self, node: ast.Call, depth: int) -> Tree:
        place = self.at(node)
        match node.func:
            case ast.Name(id=name):
                function = name
            case ast.Attribute(value=ast.Name(id=plugin), attr=name):
                function = f"{plugin}.{name}"
            case _:
                self.fail(place, "only a name can be called", "a function, a network, a component or plugin.component")
        self.name(function.partition(".")[0], place)
        self.name(function.rpartition(".")[2], place)
        options: dict[str, Tree] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                self.fail(place, "there is no ** here", "name the options")
            if keyword.arg in options:
                self.fail(place, f"the option {keyword.arg!r} is given twice")
            options[self.name(keyword.arg, place)] = self.tree(keyword.value, depth + 1)
        return Call(function, tuple(self.tree(a, depth + 1) for a in node.args), tuple(options.items()), place)


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
    """Return the message for a construct of Python that the language lacks, and the hint with a replacement."""
    if isinstance(node, ast.Constant):
        return f"{_CONSTANTS.get(type(node.value), 'this constant')} is not part of the language", LANGUAGE
    kind = type(node.op) if isinstance(node, ast.BinOp | ast.UnaryOp) else type(node)
    what, instead = _REFUSED.get(kind, (type(node).__name__, LANGUAGE))
    return f"{what} is not part of the language", instead


def name_refusal(name: str) -> tuple[str, str] | None:
    """Return why an expression may not use a name, or None.  Names with two leading underscores belong to Python."""
    if name.startswith("__"):
        return f"{name!r} cannot be a name", "names that begin with two underscores belong to Python"
    return None
