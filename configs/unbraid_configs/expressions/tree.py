"""The parts of an expression's tree, each with its place in the file."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import attrs

from unbraid_configs import Place


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
class Attribute:
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


Tree: TypeAlias = Number | Text | Name | Attribute | Call | Tuple | Arithmetic | Comparison

SIGNS: dict[str, Callable[..., Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "<": operator.lt,
                              "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def parts_of(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and all parts in it, outermost first."""
    stack = [tree]
    while stack:
        part = stack.pop()
        yield part
        match part:
            case Attribute(of=of):
                stack.append(of)
            case Call(arguments=arguments, options=options):
                stack += reversed((*arguments, *(o for _, o in options)))
            case Tuple(items=items):
                stack += reversed(items)
            case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
                stack += (right, left)
