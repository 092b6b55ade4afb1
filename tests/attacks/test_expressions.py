"""The language of expressions is not Python; `expressions.py` does the same with more texts."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
from expressions import DUNDERS, SNIPPETS, attacked, trees, wild_texts, written
from hypothesis import given, settings, strategies as st

from unbraid.flow import Flow
from unbraid_configs import RecipeError, load_recipe
from unbraid_configs.expressions import Tree
from unbraid_configs.expressions.parser import name_refusal
from unbraid_registry import registry

QUIET = {"database": None, "deadline": None, "derandomize": True}


@settings(max_examples=400, **QUIET)
@given(wild_texts(), st.booleans())
def test_a_text_is_a_tree_or_an_error_in_its_place(text: str, compares: bool) -> None:
    attacked(text, compares)


@settings(max_examples=200, **QUIET)
@given(trees())
def test_trees_there_and_back(tree: Tree) -> None:
    assert attacked(written(tree)) == tree


@pytest.mark.parametrize("text", SNIPPETS)
def test_python_is_refused_in_words(text: str) -> None:
    error = attacked(text)
    assert isinstance(error, RecipeError)
    (mistake,) = error.mistakes
    assert not any(word in str(mistake) for word in ("Expr", "BinOp", "UnaryOp", "Comp ", "Constant", "RecursionError"))


PLACES = ("{}", "x.{}", "f.{}(x)", "{}.f(x)", "{}(x)", "f({}=1)", "f(x, a=x.{})", "a + {}", "-{}", "(x, {})",
          "f(g({}))", "f(x).{}", "x.y.{}")


@settings(max_examples=150, **QUIET)
@given(st.sampled_from(PLACES), DUNDERS)
def test_names_of_pythons_own_stand_nowhere(place: str, name: str) -> None:
    error = attacked(place.format(name))
    assert isinstance(error, RecipeError)
    assert "two underscores" in error.mistakes[0].hint
    assert name_refusal("_private") is None


LONG = {
    "a sum": "x" + "+x" * 4900, "dots": "x" + ".a" * 4500, "calls": "f" + "()" * 4500, "brackets": "(" * 9000,
    "signs": "-" * 9000 + "1", "powers": "x" + "**x" * 3000, "not": "not " * 2000 + "x", "digits": "1" * 5000,
    "hexadecimal": "0x" + "F" * 9000, "too long": "x " * 6000, "braces": "{" * 150, "f-strings": "f'{" * 50,
    "lambdas": "lambda:" * 1200 + "x", "choices": "x if x else " * 700 + "x", "terms": "x" + "+x" * 201,
    "nested sums": "f(" * 39 + "x" + ("+x" * 190 + ")") * 39, "nested": "f(" * 45 + "x" + ")" * 45}


@pytest.mark.parametrize("name", LONG)
def test_what_is_too_deep_or_too_long_is_refused_at_once(name: str) -> None:
    began = time.perf_counter()
    assert isinstance(attacked(LONG[name]), RecipeError)
    assert time.perf_counter() - began < 2


def test_bounds_leave_room() -> None:
    for text in ("x" + "+x" * 199, "f(" * 39 + "x" + ")" * 39, "f(" + "x, " * 3000 + ")", "1_000 * x", "x - -1"):
        assert not isinstance(attacked(text), RecipeError)


RECIPE = """\
title: x
data: {{source: {{type: sprites, size: 16, count: 8}}, draw: {{x: {{}}}}, batch: 2}}
code: {{z: 3}}
weights: {{{weights}}}
networks: {{e: {{type: conv_encoder, width: 4}}, g: {{type: conv_generator, width: 4}}}}
flow:
{flow}
players: {{p: {{trains: [e, g], minimizes: {{a: "{loss}"}}}}}}
functions:
{functions}
train: {{steps: 1, device: cpu, tensorboard: false}}
"""


def lines(entries: dict[str, str]) -> str:
    return "\n".join(f"  {name}: {text}" for name, text in entries.items())


BOMBS = {
    "functions that double": ({"a": "f29(x)"},
                              {"f0(x)": "e(x)", **{f"f{i}(x)": f"f{i - 1}(f{i - 1}(x))" for i in range(1, 30)}}, {},
                              "mse(g(a), x)", "20000 parts"),
    "a chain of values": ({"a0": "e(x)", **{f"a{i}": f"2 * a{i - 1}" for i in range(1, 500)}}, {"f(x)": "e(x)"}, {},
                          "mse(g(a499), x)", "more than 200 values"),
    "weights that double": ({"a": "e(x)"}, {"f(x)": "a"},
                            {"w0": "every(2)", **{f"w{i}": f"w{i - 1}*w{i - 1}" for i in range(1, 30)}},
                            "w29 * mse(g(a), x)", "more than 10 weights"),
    "a weight that is infinite": ({"a": "e(x)"}, {"f(x)": "a"}, {"w0": "1e200", "w1": "w0*w0", "w2": "every(w1)"},
                                  "w2 * mse(g(a), x)", "too large")}


@pytest.mark.parametrize("name", BOMBS)
def test_recipes_that_grow_beyond_their_text_are_refused(name: str, tmp_path: Path) -> None:
    flow, functions, weights, loss, expected = BOMBS[name]
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE.format(flow=lines(flow), functions=lines(functions), loss=loss,
                                  weights=", ".join(f"{n}: {t}" for n, t in weights.items())))
    began = time.perf_counter()
    with pytest.raises(RecipeError, match=expected):
        Flow(load_recipe(file), registry().catalog).player("p")
    assert time.perf_counter() - began < 10


def test_many_paths_through_the_flow_are_walked_once(tmp_path: Path) -> None:
    """A function whose parameter is far below values that are made of two others each."""
    file = tmp_path / "recipe.yaml"
    flow = {"a0": "e(x)", "a1": "e(x)", **{f"a{i}": f"a{i - 1} + a{i - 2}" for i in range(2, 60)}}
    file.write_text(RECIPE.format(flow=lines(flow), functions=lines({"f(x)": "a59"}), loss="mse(g(a0), x)", weights=""))
    began = time.perf_counter()
    assert len(Flow(load_recipe(file), registry().catalog).function("f").parameters) == 1
    assert time.perf_counter() - began < 5


YAML = {
    "brackets": "a: " + "[" * 30_000, "maps": "a: " + "{b: " * 20_000,
    "levels": "".join(" " * i + "a:\n" for i in range(900)),
    "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)),
    "names": "".join(f"a{i}: 1\n" for i in range(20_000)), "values": "a: [" + "1," * 60_000 + "]",
    "one name often": "a: 1\n" * 20_000, "keys": "? " * 20_000, "dashes": "a: " + "- " * 20_000,
    "a long text": "a: " + "x" * 300_000, "a long name": "a" * 300_000 + ": 1", "too large": "a: " + "x" * 1_100_000,
    "signature": "functions:\n  f" + "(" * 20_000 + ": x", "a number": "a: " + "9" * 100_000}
TOML = {
    "brackets": "a=" + "[" * 50_000, "dots": "a." * 400_000 + "a=1", "quoted dots": '"a=b"' + '."c"' * 20_000 + "=1",
    "tables": "".join(f"[{'a.' * 60}b{i}]\nx=1\n" for i in range(900)), "digits": "a=" + "9" * 50_000,
    "maps": "a=" + "{a=" * 900 + "1" + "}" * 900, "names": "".join(f"a{i}=1\n" for i in range(20_000))}


@pytest.mark.parametrize(("kind", "name"), [*(("yaml", n) for n in YAML), *(("toml", n) for n in TOML)])
def test_files_that_want_all_memory_are_refused(kind: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"recipe.{kind}"
    file.write_text((YAML if kind == "yaml" else TOML)[name])
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with pytest.raises(RecipeError) as caught:
        load_recipe(file)
    assert time.perf_counter() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 300 << 10
    assert "recursion" not in str(caught.value)


def test_a_tower_of_bases_is_refused(tmp_path: Path) -> None:
    for i in range(1200):
        (tmp_path / f"b{i}.yaml").write_text(f"base: b{i + 1}.yaml\n")
    with pytest.raises(RecipeError, match="more than 20 recipes"):
        load_recipe(tmp_path / "b0.yaml")
