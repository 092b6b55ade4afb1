"""A method's figure: nothing overlaps, nothing is missing, and it is always the same."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from unbraid_configs import Expression, Recipe, load_recipe, make_recipe
from unbraid_plugins.tools.figure import FigureError, draw_figure, figure_image
from unbraid_plugins.tools.figure.crossings import crossings, ordered
from unbraid_plugins.tools.figure.diagram import Diagram, diagram_of
from unbraid_plugins.tools.figure.expression_text import written
from unbraid_plugins.tools.figure.layout import Layout, apart
from unbraid_plugins.tools.figure.paint import Painter
from unbraid_registry import registry

TRANSLATION = {
    "title": "Translation of images", "paper": "after Liu, Breuel, Kautz 2017",
    "data": {"sources": {"day": {"type": "sprites"}, "night": {"type": "sprites"}},
             "draw": {"x1": {"from": "day"}, "x2": {"from": "night"}}},
    "code": {"content": 8},
    "networks": {"front1, front2": {"type": "conv_encoder"}, "back1, back2": {"type": "conv_generator"},
                 "inner": {"type": "mlp"}, "critic1, critic2": {"type": "conv_critic"},
                 "slow": {"type": "average", "of": "inner"}},
    "flow": {"z1": "inner(front1(x1))", "z2": "inner(front2(x2))", "x12": "back2(z1)", "x21": "back1(z2)",
             "kind, rest": "halves(z1)", "still": "slow(front1(x1))"},
    "players": {
        "critics": {"trains": ["critic1", "critic2"], "turns": 2, "minimizes": {
            "realism": "gan.tell_apart(critic1(x1), critic1(x21)) + gan.tell_apart(critic2(x2), critic2(x12))",
            "slope": "every(4) * 5 * r1(critic1, x1)"}},
        "translator": {"trains": ["front1", "front2", "inner", "back1", "back2"], "minimizes": {
            "cycle": "10 * (l1(back1(inner(front2(x12))), x1) + l1(back2(inner(front1(x21))), x2))",
            "alike": "mse(z1, detach(z2)) + mean(still - kind - rest)",
            "realism": "gan.fool(critic1(x21)) + gan.fool(critic2(x12))"}}},
    "functions": {"to2(x)": "back2(inner(front1(x)))"},
}


def recipe(name: str) -> Recipe:
    return make_recipe(TRANSLATION) if name == "translation" else load_recipe(name)


def diagram(name: str) -> Diagram:
    return diagram_of(recipe(name), registry().catalog)


EXAMPLES = pytest.mark.parametrize("name", ["mixing-sprites", "beta-vae-shapes", "translation"])


@EXAMPLES
def test_nothing_overlaps(name: str) -> None:
    layout: Layout = Painter(diagram(name)).layout
    for a, b in itertools.combinations(layout.spots, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        apart_y = a.y + a.height / 2 < b.y - b.height / 2 or b.y + b.height / 2 < a.y - a.height / 2
        assert apart_x or apart_y, (a, b)


@EXAMPLES
def test_arrows_go_right_and_bend_between_the_columns_alone(name: str) -> None:
    layout = Painter(diagram(name)).layout
    for link in layout.links:
        turn = layout.turns[link.source.column]
        assert link.target.column == link.source.column + 1
        assert link.source.x + link.source.width <= turn + 1e-6
        assert turn < link.target.x


def test_no_arrows_cross_in_the_figure_of_mixing() -> None:
    layout = Painter(diagram("mixing-sprites")).layout
    columns: list[list[int]] = [[] for _ in layout.turns]
    for spot in sorted(layout.spots, key=lambda s: s.y):
        columns[spot.column].append(id(spot))
    after: dict[int, list[int]] = {id(s): [] for s in layout.spots}
    for link in layout.links:
        after[id(link.source)].append(id(link.target))
    assert crossings(columns, after) == 0


def test_every_call_is_a_box_and_every_term_a_tag() -> None:
    d = diagram("mixing-sprites")
    boxes = [b.label for b in d.boxes if b.kind == "network"]
    assert Counter(boxes) == {"encoder": 3, "generator": 3, "critic": 2, "classifier": 1}
    tags = {(b.label, b.note.rpartition("·")[2], b.players) for b in d.boxes if b.kind == "loss"}
    assert tags == {("realism", "tell apart", ("critic",)), ("cycle", "mse", ("autoencoder",)),
                    ("rebuild", "mse", ("autoencoder",)), ("realism", "fool", ("autoencoder",)),
                    ("chunks", "binary cross entropy", ("autoencoder",))}
    assert {b.players for b in d.boxes if b.label == "encoder"} == {("autoencoder",)}


def test_constants_averages_and_whole_networks_are_shown() -> None:
    d = diagram("translation")
    slow = next(b for b in d.boxes if b.label == "slow")
    assert slow.resting
    assert slow.note == "average of inner"
    assert any(b.kind == "mention" and b.label == "critic1" for b in d.boxes)
    assert any(a.detached and a.name == "z2" for a in d.arrows)
    halves = next(b for b in d.boxes if b.label == "halves")
    assert halves.outputs == ["kind", "rest"]
    assert "2 turns a step" in d.players[0].notes


@EXAMPLES
def test_the_svg_stands_alone_and_speaks(name: str, tmp_path: Path) -> None:
    path = draw_figure(recipe(name), tmp_path / "figure.svg")
    root = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.findtext(f"{space}title") == recipe(name).title
    description = root.findtext(f"{space}desc") or ""
    for player, rules in recipe(name).players.items():
        assert player in description
        assert all(term in description for term in rules.minimizes)
    references = [value for e in root.iter() for key, value in e.attrib.items() if key.endswith("href")]
    assert all(r.startswith("#") for r in references)
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize(("expression", "shown"), [
    ("-discrete * infogan.information(q, c)", "−discrete·infogan.information(q, c)"), ("-(a + b)", "−(a + b)"),
    ("2 * -a", "2·(−a)"), ("a - b * 3", "a − b·3"), ("(a + b) * 3", "(a + b)·3"), ("-0.5 * a", "-0.5·a")])
def test_expressions_are_written_as_in_a_formula(expression: str, shown: str) -> None:
    assert written(Expression(expression).tree) == shown


def test_a_term_that_is_maximised_has_a_sign() -> None:
    tag = next(b for b in diagram("infogan-sprites").boxes if b.kind == "loss" and b.label == "c1")
    assert tag.note == "−discrete·information"


def test_it_is_always_the_same(tmp_path: Path) -> None:
    first, second = (draw_figure(recipe("translation"), tmp_path / f"{n}.svg").read_bytes() for n in "ab")
    assert first == second


def test_as_an_image() -> None:
    image = figure_image(recipe("beta-vae-shapes"))
    assert image.shape[0] == 3
    assert min(image.shape[1:]) > 200
    assert float(image.min()) >= 0
    assert float(image.max()) == 1


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"can't draw a figure as 'a\.gif'"):
        draw_figure(recipe("beta-vae-shapes"), tmp_path / "a.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(FigureError, match="can't write"):
        draw_figure(recipe("beta-vae-shapes"), tmp_path / "file" / "a.svg")


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 5), st.floats(0, 20)), min_size=1, max_size=8))
def test_rows_keep_their_order_and_gaps(rows: list[tuple[float, float, float]]) -> None:
    wishes, weights, gaps = zip(*rows, strict=True)
    found = apart(wishes, weights, gaps[1:])
    assert all(b - a >= gap - 1e-6 for (a, b), gap in zip(itertools.pairwise(found), gaps[1:], strict=True))
    centre = sum(w * (f - wish) for w, f, wish in zip(weights, found, wishes, strict=True))
    assert abs(centre) < 1e-6                      # least squares: the forces on all of them balance


def test_crossings_are_undone() -> None:
    columns, arrows = [[0, 1, 2], [3, 4, 5]], [(0, 5), (1, 4), (2, 3)]
    after = {0: [5], 1: [4], 2: [3], 3: [], 4: [], 5: []}
    assert crossings(columns, after) == 3
    assert crossings(ordered(columns, arrows), after) == 0
