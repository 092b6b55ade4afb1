"""Text of an expression -> its tree, with the place of every part.

The language is a subset of Python's expressions, parsed by `ast` and never evaluated as Python: names, calls, numbers
and strings as keyword arguments, access with a dot, tuples, `+ - *`, and one comparison where `when` allows it.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from keyword import iskeyword
from typing import NoReturn, TypeAlias

import attrs

from unbraid_configs.mistakes import Mistake, RecipeError
from unbraid_configs.names import name_problem
from unbraid_configs.recipe import Expression, Place

MAX_LENGTH = 10_000
MAX_DEPTH = 40
MAX_TERMS = 200


def _place() -> Place:
    return attrs.field(default=Place("<recipe>"), eq=False, repr=False)


@attrs.frozen
class Number:
    """A number: 10, or True and False as options."""

    value: float
    place: Place = _place()


@attrs.frozen
class Text:
    """A string, as a keyword argument: 'batch'."""

    value: str
    place: Place = _place()


@attrs.frozen
class Name:
    """A name: x1."""

    name: str
    place: Place = _place()


@attrs.frozen
class Part:
    """Access with a dot: f.pose."""

    of: Tree
    name: str
    place: Place = _place()


@attrs.frozen
class Call:
    """A call: gan.fool(critic(x3)).  options: the keyword arguments."""

    function: str
    arguments: tuple[Tree, ...]
    options: tuple[tuple[str, Tree], ...] = ()
    place: Place = _place()


@attrs.frozen
class Tuple:
    """Several values: a, b."""

    items: tuple[Tree, ...]
    place: Place = _place()


@attrs.frozen
class Arithmetic:
    """Two values and one of + - *."""

    sign: str
    left: Tree
    right: Tree
    place: Place = _place()


@attrs.frozen
class Comparison:
    """Two values and one of < <= > >=."""

    sign: str
    left: Tree
    right: Tree
    place: Place = _place()


Tree: TypeAlias = Number | Text | Name | Part | Call | Tuple | Arithmetic | Comparison

SIGNS: dict[str, Callable] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "<": operator.lt,
                              "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_INSTEAD = {
    ast.Subscript: "indexing belongs into an operation of a plugin; a factor or a part is taken with a dot: f.pose",
    ast.IfExp: "a condition on data belongs into an operation; on the step, into a weight: after(1000) * ...",
    ast.Lambda: "there are no lambdas; declare a function under `functions:`",
    ast.List: "there are no lists; write a tuple: a, b",
    ast.Dict: "there are no dictionaries",
    ast.BoolOp: "`and` and `or` belong into an operation of a plugin",
    ast.Starred: "there is no unpacking in a call; name the arguments",
    ast.ListComp: "loops belong into an operation of a plugin",
    ast.GeneratorExp: "loops belong into an operation of a plugin",
}


def parse(expression: Expression, path: str = "", *, compares: bool = False) -> Tree:
    """The tree of an expression.

    compares: whether one comparison may stand at the top, as in `when`.  Raises RecipeError with the fault's place.
    """
    return _Parser(expression, path).parse(compares)


@attrs.define
class _Parser:
    expression: Expression
    path: str
    lines: list[bytes] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.lines = [line.encode() for line in self.expression.text.split("\n")]

    def fail(self, place: Place, message: str, hint: str = "") -> NoReturn:
        raise RecipeError([Mistake(place, self.path, message, hint)])

    def place(self, line: int, offset: int) -> Place:
        """The file's line and column of a line (from 1) and a byte offset in the text that was parsed."""
        start = self.expression.place
        if line == 1:                              # the text follows an opening parenthesis
            column = len(self.lines[0][: max(offset - 1, 0)].decode(errors="replace"))
            return Place(start.file, start.line, start.column + column)
        before = self.lines[line - 1][:offset] if line <= len(self.lines) else b""
        return Place(start.file, start.line + line - 1, len(before.decode(errors="replace")) + 1)

    def at(self, node: ast.expr) -> Place:
        return self.place(node.lineno, node.col_offset)

    def parse(self, compares: bool) -> Tree:
        text, start = self.expression.text, self.expression.place
        if not text.strip():
            self.fail(start, "the expression is empty")
        if len(text) > MAX_LENGTH:
            self.fail(start, f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")
        try:
            body = ast.parse(f"({text}\n)", mode="eval").body
        except SyntaxError as error:
            self.refuse_keywords(text)
            where = self.place(error.lineno or 1, max((error.offset or 1) - 1, 0))
            self.fail(where, f"can't read the expression: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            self.fail(start, f"can't read the expression: {type(error).__name__}")
        if isinstance(body, ast.Compare):
            if not compares:
                self.fail(self.at(body), "a comparison may stand in `when` alone")
            if len(body.ops) != 1 or type(body.ops[0]) not in _COMPARISON:
                self.fail(self.at(body), "expected one comparison with <, <=, > or >=")
            left, right = self.tree(body.left, 1), self.tree(body.comparators[0], 1)
            return Comparison(_COMPARISON[type(body.ops[0])], left, right, self.at(body))
        return self.tree(body, 0)

    def refuse_keywords(self, text: str) -> None:
        """Say so where a label or a value is called `class`, `from`, `in`, ..."""
        for word in re.finditer(r"[^\W\d]\w*", text):
            if iskeyword(word[0]):
                before = text[:word.start()]
                line, offset = before.count("\n") + 1, len(before.rpartition("\n")[2].encode())
                self.fail(self.place(line, offset + (line == 1)), *(name_problem(word[0]) or ("", "")))

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
                return Name(name, place)
            case ast.Attribute(value=of, attr=name):
                return Part(self.tree(of, depth + 1), name, place)
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
            case ast.BinOp(op=ast.Div()):
                self.fail(place, "values are not divided here", "multiply by a number, or write an operation")
        self.fail(place, f"{type(node).__name__} is not part of the language",
                  _INSTEAD.get(type(node), "names, calls, numbers, dots, tuples and + - * are"))

    def number(self, number: float, place: Place) -> float:
        if not abs(number) < 1e300:
            self.fail(place, "the number is too large")
        return number

    def arithmetic(self, node: ast.BinOp, depth: int) -> Tree:
        """A chain of equal signs is read in a loop: a long sum is not a deep one."""
        chain: list[tuple[ast.BinOp, str]] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and type(left.op) in _ARITHMETIC:
            chain.append((left, _ARITHMETIC[type(left.op)]))
            left = left.left
        if len(chain) > MAX_TERMS:
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
        options: dict[str, Tree] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                self.fail(place, "there is no ** here", "name the options")
            if keyword.arg in options:
                self.fail(place, f"the option {keyword.arg!r} is given twice")
            options[keyword.arg] = self.tree(keyword.value, depth + 1)
        return Call(function, tuple(self.tree(a, depth + 1) for a in node.args), tuple(options.items()), place)


def parts_of(tree: Tree) -> Iterator[Tree]:
    """A tree and everything in it, outermost first."""
    yield tree
    match tree:
        case Part(of=of):
            inner: tuple[Tree, ...] = (of,)
        case Call(arguments=arguments, options=options):
            inner = (*arguments, *(o for _, o in options))
        case Tuple(items=items):
            inner = items
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            inner = (left, right)
        case _:
            return
    for part in inner:
        yield from parts_of(part)
