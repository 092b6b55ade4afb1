"""Axes as they are typed, points and their names."""

from __future__ import annotations

import pytest

from unbraid import UnbraidError
from unbraid_plugins.tools.studies.axes import Axis, read_axes, read_axis
from unbraid_plugins.tools.studies.points import Point, point_named, points_of


@pytest.mark.parametrize(("text", "values"), [
    ("weights.beta=1,4,16", ["1", "4", "16"]),
    ("seed=0..3", ["0", "1", "2", "3"]),
    ("a=-1..1,7", ["-1", "0", "1", "7"]),
    ("data.source.size=[32, 32],[64, 64]", ["[32, 32]", "[64, 64]"]),
    ("flow.z=sample(q, n),q.mean", ["sample(q, n)", "q.mean"]),
    ("title='a, b',c", ["'a, b'", "c"]),
    ("title='0..9'", ["'0..9'"]),
    ("a=0.1..0.9", ["0.1..0.9"]),
    ("a=x=1,y", ["x=1", "y"]),
])
def test_values_are_what_stands_between_commas(text, values):
    assert [v for (v,) in read_axis(text).values] == values


def test_two_paths_move_together():
    axis = read_axis("weights.off:weights.diag=1:10,2:20")
    assert axis == Axis(("weights.off", "weights.diag"), (("1", "10"), ("2", "20")))
    assert [p.overrides() for p in points_of([axis])] == [["weights.off=1", "weights.diag=10"],
                                                          ["weights.off=2", "weights.diag=20"]]


def test_what_has_one_value_is_fixed_and_the_seed_never_is():
    fixed, axes = read_axes(["train.steps=10", "beta=1,4", "seed=3"])
    assert fixed == ("train.steps=10",)
    assert [axis.paths for axis in axes] == [("beta",), ("train.seed",)]


def test_several_axes_make_every_combination():
    _, axes = read_axes(["a=1,2", "seed=0..2"])
    points = points_of(axes)
    assert [p.name for p in points] == ["a=1,seed=0", "a=1,seed=1", "a=1,seed=2", "a=2,seed=0", "a=2,seed=1",
                                        "a=2,seed=2"]
    assert points[4].overrides() == ["a=2", "train.seed=1"]
    assert points[4].setting == (("a", "2"),)
    assert (points_of([]), points_of([])[0].name) == ([Point(())], "only")


@pytest.mark.parametrize("text", ["a=1,2", "a=[1, 2],{b: 'c=d/e'}", "a:b=1:x y,2:z", "a=" + "x" * 300 + "," + "x" * 301,
                                  "a=ä,../../etc", "functions.f(a, b)=a,b"])
def test_a_name_tells_its_point(text):
    axes = [read_axis(text), read_axis("seed=0..1")]
    points = points_of(axes)
    assert len({p.name for p in points}) == len(points)
    for point in points:
        assert len(point.name.encode()) < 255
        assert "/" not in point.name
        assert " " not in point.name
        assert point_named(point.name, axes) == point


def test_a_name_may_tell_a_value_that_the_axis_has_not():
    axes = [read_axis("a=1,2"), read_axis("seed=0..1")]
    assert point_named("a=3,seed=9", axes) == Point((("a", "3"), ("train.seed", "9")))
    assert point_named("b=3,seed=9", axes) is None
    assert point_named("notes", axes) is None
    assert point_named("only", axes) is None
    assert point_named("only", []) == Point(())


@pytest.mark.parametrize(("texts", "message", "hint"), [
    (["weights.beta"], "'weights.beta' is neither", "weights.beta=1,4,16 seed=0..9"),
    (["seed=9..0"], "the range 9..0 is empty", "0..9"),
    (["a=1,,2"], "a value is empty", "null"),
    (["a=1,1"], "the value 1 stands there twice", ""),
    (["a=1,2", "a=3"], "a stands there twice", "at once"),
    (["seed=1", "train.seed=2"], "seed stands there twice", ""),
    (["a:b=1:2,3"], "2 paths move together, '3' has 1 value", "a.b:c.d"),
    (["a:a=1:2"], "names one path twice", ""),
    (["a=0..999999"], "more than 100000 values", ""),
    (["a=0..999", "b=0..999"], "these are 1000000 points", ""),
])
def test_what_is_no_axis_is_said(texts, message, hint):
    with pytest.raises(UnbraidError) as found:
        read_axes(texts)
    assert message in found.value.message
    assert hint in found.value.hint


def test_an_empty_override_stays_one():
    assert read_axes(["title="])[0] == ("title=",)
