"""Texts that are taken for expressions: what a user could write, what Python has beside it, and noise.

    python tests/attacks/expressions.py --examples 20000
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
from collections import Counter

from hypothesis import Phase, given, seed, settings, strategies as st

from unbraid_configs import Place, RecipeError
from unbraid_configs.expressions import Arithmetic, Call, Comparison, Name, Number, Text, Tree, Tuple, parts_of
from unbraid_configs.expressions.parser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse
from unbraid_configs.expressions.tree import Attribute

OURS = (Number, Text, Name, Attribute, Call, Tuple, Arithmetic, Comparison)
START = Place("recipe.yaml", 7, 12)

NAMES = st.sampled_from(["x", "x1", "f", "mask", "encoder", "_z", "größe", "print", "os", "self", "type", "open"])
NUMBERS = st.one_of(st.booleans(), st.integers(-10**9, 10**9), st.floats(-1e299, 1e299, allow_nan=False))
DUNDERS = st.sampled_from(["__class__", "__globals__", "__import__", "__builtins__", "__dict__", "__subclasses__", "__",
                           "__x", "_\uff3fclass__"])
SNIPPETS = (
    "x[0]", "x[1:2]", "lambda: x", "(lambda y: y)(x)", "[x for x in y]", "{x for x in y}", "{x: 1 for x in y}", "f(*x)",
    "(x for x in y)", "(x := 1)", "f'{x}'", "b'x'", "await x", "(yield x)", "(yield from x)", "f(**x)", "x if y else z",
    "x and y", "not x", "~x", "+x", "x / y", "x // y", "x % y", "x ** y", "x @ y", "x << 1", "x | y", "x == y",
    "x in y", "x is y", "x < y < z", "1j", "None", "...", "[x]", "{x}", "{'a': x}", "f()()", "f(x)(y)", "x.y.z(1)",
    "1e999", "9**9**9", "x; y", "import os", "x = 1", "()", "\\", "#", "x) + (y", "'", '"""', "\0", "\ud800", "\u202ex",
    "\r", "\f", "__import__('os').system('x')", "().__class__.__mro__[1].__subclasses__()", "print.__globals__",
    "0x" + "f" * 400)


def trees(deepest: int = 4) -> st.SearchStrategy[Tree]:
    """Trees as the parser makes them: numbers are folded, and a comparison stands nowhere within."""
    leaves = st.one_of(st.builds(Number, NUMBERS), st.builds(Name, NAMES))

    def within(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        options = st.dictionaries(NAMES, st.one_of(inner, st.builds(Text, st.text(max_size=6))), max_size=2)
        called = st.one_of(NAMES, st.builds("{}.{}".format, NAMES, NAMES))
        return st.one_of(
            st.builds(Attribute, inner.filter(lambda t: not isinstance(t, Number)), NAMES),
            st.builds(Call, called, st.lists(inner, max_size=3).map(tuple), options.map(lambda o: tuple(o.items()))),
            st.builds(Tuple, st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.builds(Arithmetic, st.sampled_from("+-*"), inner, inner).filter(
                lambda t: not (isinstance(t.left, Number) and isinstance(t.right, Number))))

    return st.recursive(leaves, within, max_leaves=3 * deepest)


def written(tree: Tree) -> str:
    """A tree as text, with every parenthesis that could be needed."""
    match tree:
        case Number(value=value):
            return repr(value) if isinstance(value, bool) or value >= 0 else f"({value!r})"
        case Text(value=value):
            return ascii(value)
        case Name(name=name):
            return name
        case Attribute(of=of, name=name):
            return f"({written(of)}).{name}"
        case Call(function=function, arguments=arguments, options=options):
            given = [*map(written, arguments), *(f"{name}={written(o)}" for name, o in options)]
            return f"{function}({', '.join(given)})"
        case Tuple(items=items):
            return f"({', '.join(map(written, items))},)"
        case Arithmetic(sign=sign, left=left, right=right) | Comparison(sign=sign, left=left, right=right):
            return f"({written(left)}) {sign} ({written(right)})"


def wild_texts() -> st.SearchStrategy[str]:
    """Noise, pieces of Python in any order, and deep or long ones."""
    pieces = st.one_of(st.sampled_from(SNIPPETS), NAMES, DUNDERS, st.sampled_from(list("()[]{},.+-*/<>='\"#\\:\n @")),
                       st.builds(repr, NUMBERS), st.text(max_size=4))
    deep = st.builds(lambda a, b, c, n: a * n + b + c * n,
                     st.sampled_from(["f(", "(", "-", "x.", "not ", "[", "x+", ""]),
                     st.sampled_from(["x", "1", ""]), st.sampled_from([")", "()", ".a", "+x", "**x", "]", ""]),
                     st.integers(1, 3000))
    return st.one_of(st.text(max_size=40), st.lists(pieces, max_size=12).map("".join),
                     st.lists(pieces, max_size=8).map(" ".join), deep)


def attacked(text: str, compares: bool = False) -> Tree | RecipeError:
    """What became of a text, after checking that it is one of our trees within bounds, or one of our errors in place.

    Any other exception goes through, and a promise that is broken is an AssertionError.
    """
    try:
        tree = parse(text, START, compares=compares)
    except RecipeError as error:
        (mistake,) = error.mistakes
        assert mistake.message.strip()
        assert "\n" not in str(mistake)
        check_place(mistake.place, text)
        return error
    depth = {id(tree): 1}
    for part in parts_of(tree):
        assert type(part) in OURS
        check_place(part.place, text)
        assert not any(n.startswith("__") for n in names_in(part)), part
        assert all(n.isidentifier() for n in names_in(part)), part
        if isinstance(part, Number):
            assert math.isfinite(part.value)
        for inner in inside(part):
            depth[id(inner)] = depth[id(part)] + 1
    assert max(depth.values()) <= MAX_DEPTH + MAX_TERMS + 2
    assert len(text) <= MAX_LENGTH
    return tree


def names_in(part: Tree) -> list[str]:
    """The names that a part of a tree writes."""
    match part:
        case Name(name=name) | Attribute(name=name):
            return [name]
        case Call(function=function, options=options):
            return [*function.split("."), *(name for name, _ in options)]
    return []


def inside(part: Tree) -> list[Tree]:
    """What a part of a tree is made of."""
    match part:
        case Attribute(of=of):
            return [of]
        case Call(arguments=arguments, options=options):
            return [*arguments, *(o for _, o in options)]
        case Tuple(items=items):
            return list(items)
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            return [left, right]
    return []


def check_place(place: Place, text: str) -> None:
    """A place lies in the text, or just behind its end."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = place.line - START.line
    assert place.file == START.file
    assert 0 <= line < len(lines), (place, text)
    column = place.column - (START.column if line == 0 else 1)
    assert 0 <= column <= len(lines[line]), (place, text)


def python_reads(text: str) -> bool:
    """Whether Python's own parser takes a text for an expression."""
    try:
        ast.parse(f"({text}\n)", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def main() -> int:
    """Attack, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20_000, help="of wild texts, and half as many trees")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found: Counter[str] = Counter()
    quietly = {"database": None, "deadline": None, "phases": (Phase.explicit, Phase.generate)}

    @seed(asked.seed)
    @settings(max_examples=asked.examples, **quietly)
    @given(wild_texts(), st.booleans())
    def wild(text: str, compares: bool) -> None:
        found["refused" if isinstance(attacked(text, compares), RecipeError) else "parsed"] += 1
        found["python would take"] += python_reads(text)

    @seed(asked.seed)
    @settings(max_examples=asked.examples // 2, **quietly)
    @given(trees())
    def back(tree: Tree) -> None:
        assert attacked(written(tree)) == tree
        found["there and back"] += 1

    wild()
    back()
    print(f"{found['refused'] + found['parsed']} texts: {found['refused']} refused in place, {found['parsed']} parsed "
          f"(Python's parser takes {found['python would take']}); {found['there and back']} trees there and back")
    return 0


if __name__ == "__main__":
    sys.exit(main())
