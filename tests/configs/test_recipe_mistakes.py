"""Every wrong recipe is told at its exact place, with what was expected and the remedy.  `§` marks the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_recipes import GOOD, changed, load, mark, mistakes

from unbraid_configs import RecipeError

SYNTAX = [
    # a value that YAML cuts, or takes for something else
    ("a: {x: §f(a, b)}", "commas inside { }", "in quotes"),
    ("a: {§f(a, b): x}", "commas inside { }", "on its own line"),
    ("a: {§p, q: halves(x)}", "no value", "without { }"),
    ("a: [§f(a, b)]", "commas inside [ ]", "in quotes"),
    ("flow:\n  a: §- mse(x, y)", "`- `", "list"),
    ("flow:\n  a: §*x", "begin with *", "alias"),
    ("flow:\n  a: §*x + y", "begin with *", "quotes"),
    ("flow:\n  a: §&x + y", "begin with &", "anchor"),
    ("flow:\n  a: §!x y", "begin with !", "tag"),
    ("flow:\n  a: §%x", "begin with %", "directives"),
    ("flow:\n  a: §@x", "begin with @", "quotes"),
    ("flow:\n  a: §`x`", "begin with `", "quotes"),
    ("flow:\n  a: §? x", "`? `", "key"),
    ('flow:\n  a: §"x" + y', "closing quote", "whole value"),
    ("flow:\n  a: §{x} + y", "closing bracket", "whole value"),
    ("flow:\n  a: §}", "no { is open", ""),
    ("flow:\n  a: f(form§: 1)", "a colon followed by a blank", "quotes"),
    ('flow:\n  a: f(k="a§: b")', "a colon followed by a blank", "quotes"),
    ("flow:\n  a: f(x,  §# the first\n       y)\n  b: x", "a comment inside an expression", "above"),
    ("flow:\n  a: f(x,\n       §# the second\n       y)\n  b: x", "a comment inside an expression", "above"),
    ("flow:\n  a: f(x)\n    §# and\n    + g(y)", "a comment inside an expression", "above"),
    ("a: §017", "begins with a zero", "write 17"),
    ("a: §2026-11-22", "a date", "quotes"),
    ("a: §.nan", "not a finite number", "quotes"),
    ("a: §-.inf", "not a finite number", "quotes"),
    ("a: §1e999", "too large", ""),
    # the same key twice, keys that are none
    ("a: 1\nb: 2\n§a: 3", "'a' stands here a second time", "line 1"),
    ("§<<: {a: 1}", "`<<`", "base:"),
    ("? §[a, b]\n: c", "a name cannot be a list", ""),
    # layout
    ("a:\n§\tb: 1", "a tab", "blanks"),
    ("a: §{b: 1\nc: 2", "not closed before line 2", "close it"),
    ("a: §[1, 2", "[ that opens here is not closed", ""),
    ('a: §"b', "never closed", ""),
    ('a: "\\§q"', "unknown escape", "single quotes"),
    ("a: 1\n  b§: 2", "indented differently", "indentation"),
    ("a:\n    b: 1\n  §c: 2", "does not fit the block", "equally"),
    ("a: 1\n§b c\nd: 2", "no colon", "name: value"),
    ("a: 1\n§---\nb: 2", "a second document", "one document"),
    ("a: §\x07", "a control character (U+0007)", "remove it"),
    ("a: " + "[" * 50 + "§[" + "[" * 9, "more than 50 levels", ""),
]

STRUCTURE = [
    # top level
    (f"§stps: 3\n{GOOD}", "unknown key 'stps'", "there is title"),
    (f"§steps: 3\n{GOOD}", "unknown key 'steps'", "it belongs to `train`"),
    (f"§batch: 3\n{GOOD}", "unknown key 'batch'", "it belongs to `data`"),
    (changed("networks:", "§netwrks:"), "unknown key 'netwrks'", "did you mean 'networks'?"),
    ("title: §3\n" + GOOD, "expected text, got 3", "in quotes"),
    ("§flow: {}", "'data' is missing", "source"),
    ("§- a", "a recipe is a map", "got a list"),
    ("§hello", "a recipe is a map", "'hello'"),
    # data
    (changed("source: {type: sprites}", "§sorce: {type: sprites}"), "'source' is missing", "'sorce' meant"),
    (changed("sprites", "§sprits"), "no source named 'sprits'", "sprites"),
    (changed("sprites", "§mse"), "is a loss", "expected a source"),
    (changed("sprites}", "sprites, §colour: 4}"), "unknown option 'colour' of sources.sprites", "'colours'"),
    (changed("as: x1", "as: §x3"), "no draw 'x3'", "x1"),
    (changed("as: x1", "as: §x2"), "cannot share with itself", "another"),
    (changed("same: identity, as", "§as"), "what is shared", "same"),
    (changed(", as: x1", "").replace("{same", "{§same"), "not with which draw", "as:"),
    (changed("x1: {}", "x1: {same: a, as: §x2}"), "drawn as 'x2', and that as 'x1'", "first"),
    (changed("x1: {}", "x1: {from: §day}"), "no source 'day'", "source"),
    (changed("x1: {}", "x1: {count: §0}"), ">= 1", "0"),
    (changed("x1: {}", "x1: {count: 2, §frames: 3}"), "exclude", "consecutive"),
    (changed("same: identity,", "same: [identity, pose], different: §pose,"), "same and different at once", "pose"),
    (changed("same: identity,", "same: identity, §next: 1,"), "already says which image", "drop `same`"),
    (changed("same: identity,", "next: 1, §count: 2,"), "`next` is one frame", "frames"),
    (changed("x1: {}", "x1: {§smae: a}"), "unknown key 'smae'", "did you mean 'same'?"),
    (changed("  x1: {}", "  §x1:"), "has no value", "x1: {}"),
    (changed("x1: {}", "x1: {}\n    §x1, z: {}"), "'x1' is defined a second time", "4:5"),
    (changed("  draw:", "  §sources: {day: {type: sprites}}\n  draw:"), "exclude each other", "sources"),
    (changed("code:", "  splits: {train: §1.5}\ncode:"), "> 0 and <= 1", "1.5"),
    (changed("code:", "  splits: {§train: 0.9, test: 0.2}\ncode:"), "1.1", "more than 1"),
    (changed("code:", "  batch: §0\ncode:"), "must be >= 1", "got 0"),
    # code
    (changed("pose: 4", "pose: §0"), "at least 1", ""),
    (changed("pose: 4", "pose: §four"), "expected the size of a factor", "8 x 64"),
    (changed("pose: 4", "pose: §4 class"), "'class'", "did you mean 'classes'?"),
    (changed("pose: 4", "pose: §4 unifrom"), "'unifrom'", "did you mean 'uniform'?"),
    (changed("pose: 4", "pose: §4.5"), "expected the size of a factor", "4.5"),
    (changed("pose: 4", "chunk1: 4").replace("chunk: ", "§chunk: "), "two parts", "'chunk1'"),
    (changed("{pose: 4, chunk: 2 x 3}", "§64"), "expected a map", "name each factor"),
    # names
    (changed("  y: gen", "  §class: gen"), "keyword", "rename: {class: kind}"),
    (changed("  y: gen", "  §1y: gen"), "'1y' cannot be a name", "digit"),
    (changed("  y: gen", "  §a-b: gen"), "'a-b' cannot be a name", "letters"),
    (changed("beta: 4", "beta: 4, §in: 3"), "keyword", "inside"),
    (changed("  p, q:", "  p, §from:"), "keyword", "source"),
    (changed("  p, q:", "  p,§ :"), "a name is missing", "commas"),
    (changed("  p, q:", "  p, §y:"), "'y' is defined a second time", "14:3"),
    (changed("  p, q:", "  q, p: f(x1)\n  §p, q:"), "'p' is defined a second time", "15:6"),
    (changed("  y: gen", "  §critic: gen"), "'critic' is a value and a network", "11:3"),
    (changed("  y: gen", "  §x2: gen"), "'x2' is a value and a draw", "5:5"),
    (changed("  encoder: {", "  §beta: {"), "'beta' is a network and a weight", "different names"),
    (changed("encode(x)", "§encode"), "the parameters are missing", "encode(x)"),
    (changed("encode(x)", "encode(x, §x)"), "'x' stands here twice", ""),
    (changed("encode(x)", "encode(§lambda)"), "keyword", "scale"),
    (changed("encode(x)", "encode(§x=3)"), "not a plain parameter", "plain names"),
    (changed("encode(x)", "§encode(x))"), "not the head of a function", "decode(f)"),
    (
        changed("  encode(x): encoder(x)", "  encode(x): encoder(x)\n  §encode(x, y): y"),
        "'encode' is defined a second time",
        "26:3",
    ),
    # networks
    (changed("conv_encoder", "§conv_encodr"), "no network named 'conv_encodr'", "conv_encoder"),
    (changed("conv_encoder", "§mse"), "is a loss", "expected a network"),
    (changed("conv_encoder", "§unit.front"), "no plugin 'unit' is installed", ""),
    (changed("{type: conv_encoder}", "§conv_encoder"), "expected a map with the `type`", "{type: conv_encoder}"),
    (changed("{type: conv_encoder}", "{§tpye: conv_encoder}"), "'type' is missing", "'tpye' meant"),
    (changed("  encoder: {type: conv_encoder}", "  §encoder: {}"), "'type' is missing", "unbraid list network"),
    (changed("conv_encoder}", "conv_encoder, §wdth: 3}"), "unknown option 'wdth' of convnets.conv_encoder", "'width'"),
    (changed("conv_encoder}", "conv_encoder, width: §0}"), "must be >= 1", "got 0"),
    (changed("conv_encoder}", "conv_encoder, width: §'8'}"), "expected a whole number", "without quotes"),
    (changed("conv_encoder}", "conv_encoder, width: §8.0}"), "expected a whole number, got 8.0", "write 8"),
    (changed("conv_encoder}", "conv_encoder, width: §[8]}"), "expected a whole number, got a list", ""),
    (changed("conv_encoder}", "conv_encoder, §width: }"), "no value", ""),
    (changed("conv_encoder}", "conv_encoder, dropout: §1.0}"), "must be < 1", "got 1.0"),
    (changed("conv_encoder}", "conv_encoder, norm: §bacth}"), "expected 'none', 'batch' or 'instance'", "'batch'?"),
    (changed("conv_encoder}", "conv_encoder, skips: §yes}"), "expected true or false", "write true"),
    (changed("conv_encoder}", "conv_encoder, skips: §1}"), "expected true or false", "got 1"),
    (changed("conv_encoder}", "conv_encoder, layers: [1, §x]}"), "layers[1]", "expected a whole number"),
    (changed("conv_encoder}", "conv_encoder, kernel: §[3]}"), "a list of 2", "got a list of 1"),
    (changed("conv_encoder}", "conv_encoder, pool: §most}"), "'mean' or 'max'", ""),
    (changed("conv_encoder}", "conv_encoder, limit: §big}"), "expected a number", "'big'"),
    (changed("conv_encoder}", "conv_encoder, gaussian: §3}"), "expected true or false or text or a list", "got 3"),
    (changed("conv_encoder}", "conv_encoder, scales: {a: §b}}"), "networks.encoder.scales.a", "expected a number"),
    (changed("  encoder: {type: conv_encoder}", "  §encoder: {type: mlp, low: 2}"), "low must be below high", ""),
    (changed("  encoder: {type: conv_encoder}", "  §encoder: {type: label_head}"), "needs the option 'of'", ""),
    (changed("conv_encoder}", "conv_encoder, code: §poes}"), "no factor 'poes'", "did you mean 'pose'?"),
    (changed("conv_encoder}", "conv_encoder, code: [pose, §chunk3]}"), "no factor 'chunk3'", "did you mean 'chunk'?"),
    (changed("conv_encoder}", "conv_encoder, image: §x9}"), "no draw 'x9'", "x1"),
    (changed("{type: conv_encoder}", "{from: run, §width: 3}"), "unknown key 'width'", "give its `type`"),
    (changed("{type: conv_critic}", "{type: average, of: §encodr}"), "no network 'encodr'", "'encoder'?"),
    (changed("{type: conv_critic}", "{type: average, of: §critic}"), "EMA of itself", ""),
    (changed("{type: conv_critic}", "{type: average, of: encoder, decay: §1.0}"), "less than 1", "1.0"),
    (changed("{type: conv_critic}", "{type: average, of: encoder, §dcay: 0.9}"), "unknown key 'dcay'", "'decay'?"),
    (changed("  critic: {type: conv_critic}", "  §critic: {type: average}"), "'of' is missing", "averaged"),
    # players
    (changed("trains: critic", "trains: §critc"), "no network 'critc'", "did you mean 'critic'?"),
    (changed("trains: [encoder, ", "trains: [encoder, §encoder, "), "stands here twice", ""),
    (changed("{type: conv_critic}", "{type: conv_critic, freeze: true}").replace("trains: critic", "trains: §critic"),
     "'critic' is frozen", "freeze"),
    # expressions
    (changed("encoder(x1)", "encoder(§x11)"), "no value named 'x11'", "did you mean 'x1'?"),
    (changed("mse(y, x1)", "§mes(y, x1)"), "no loss or operation or metric named 'mes'", "did you mean 'mse'?"),
    (changed("mse(y, x1)", "§y(x1)"), "'y' is a value and can't be called", "functions"),
    (changed("mse(y, x1)", "mse(y, §encode)"), "'encode' is a function", "encode(x)"),
    (changed("mse(y, x1)", "§gan.tel_apart(y, x1)"), "'gan.tel_apart'", ""),
    (changed("generator(f)", "generator(f§]"), "can't read the expression", "does not match"),
    (changed("generator(f)", "§generator(f) < 2"), "in `when` alone", ""),
    (changed("beta: 4", "beta: 2 * §gamma"), "'gamma' is no weight", "names from `weights:`"),
    (changed("beta: 4", "beta: §rmap(over=3)"), "'rmap' is no weight", "did you mean 'ramp'?"),
    (changed("lr: 1.0e-3", "lr: 1.0e-3 * §bta"), "'bta' is no weight", "did you mean 'beta'?"),
    (changed("encoder(x)", "encoder(§z)"), "no value named 'z'", "the flow has x, x1"),
    (changed("trains: critic", "trains: §[]"), "names no network", ""),
    (changed("  critic:\n    trains: critic\n", "  §critic:\n"), "'trains' is missing", ""),
    (
        changed("    trains: critic\n", "    trains: critic\n    §minimises: {a: b}\n"),
        "unknown key 'minimises'",
        "minimizes",
    ),
    (changed("    trains: critic\n", "    trains: critic\n    turns: §0\n"), "must be >= 1", ""),
    (
        changed("    trains: critic\n", "    trains: critic\n    from_step: 5\n    until_step: §5\n"),
        "must be > 5",
        "got 5",
    ),
    (changed("    trains: critic\n", "    trains: critic\n    clip: §0\n"), "must be > 0", ""),
    (changed("    trains: critic\n", "    trains: critic\n    optimizer: {weight_decay: §-1}\n"), "must be >= 0", "-1"),
    (changed("    trains: critic\n", "    trains: critic\n    optimizer: {betas: §[0.9, 1]}\n"), "must be < 1", ""),
    (changed("    trains: critic\n", "    trains: critic\n    when: §true\n"), "expected an expression, got true", ""),
    (changed("    trains: critic\n", "    trains: critic\n    §when:\n"), "nothing stands after the colon", ""),
    (changed("10 * mse(y, x1)", "§>-\n        10 * mse(y, x1)"), "block text (>)", "plainly"),
    (changed("10 * mse(y, x1)", "§|\n        10 * mse(y, x1)"), "block text (|)", "quotes"),
    (
        changed("rebuild: 10 * mse(y, x1)", "rebuild:\n        §- mse(y, x1)"),
        "expected an expression, got a list",
        "`- `",
    ),
    (changed("10 * mse(y, x1)", "§''"), "an expression is missing", ""),
    (changed("      rebuild: 10 * mse(y, x1)", "      §rebuild:"), "the term 'rebuild' has no value", "colon"),
    (
        changed("    minimizes:\n      rebuild: 10 * mse(y, x1)", "    §minimizes: {}"),
        "has no terms",
        "autoencoder: null",
    ),
    (changed("rebuild: 10", "§a b: 10"), "'a b' cannot be a name", ""),
    # train
    (changed("steps: 10", "steps: §1e3"), "expected a whole number, got 1e3", "write 1000"),
    (changed("steps: 10", "§stpes: 10"), "unknown key 'stpes'", "did you mean 'steps'?"),
    (changed("steps: 10", "moves: §togehter"), "'in turn' or 'together'", "did you mean 'together'?"),
    (changed("steps: 10", "compile: §no"), "expected true or false", "write false"),
    (changed("steps: 10", "device: §3"), "expected text", "in quotes"),
    (changed("lr: 1.0e-3", "type: §adma"), "expected 'adam'", "did you mean 'adam'?"),
    (changed("lr: 1.0e-3", "betas: §0.9"), "a list of 2", "got 0.9"),
    (changed("steps: 10", "§steps: "), "no value", ""),
    (
        changed("    trains: critic\n", "    trains: critic\n    turns: §2\n").replace("steps: 10", "moves: together"),
        "must be 1",
        "together",
    ),
    # overall
    (GOOD + "requires: {nonsense-of-mine: §'>=1'}", "not installed", "pip install"),
    (GOOD + "requires: {attrs: §'>=999'}", "installed is", ">=999"),
    (GOOD + "requires: {attrs: §'new'}", "no range of versions", ">=0.2"),
    ("base: §nowhere.yaml", "no file", "relative"),
    ("base: §nowhere", "no recipe is called 'nowhere'", ""),
    ("base: §recipe.yaml", "circle", "recipe.yaml -> "),
    (changed("networks:\n", "networks:\n  §helper: null\n"), "null removes a network of the base", "no 'helper'"),
    (changed("sprites", "folder, path: §'${UNBRAID_NOT_SET}/a'"), "UNBRAID_NOT_SET is not set", ":-default"),
    (changed("sprites", "folder, path: §'${a b}'"), "no environment variable", "$${"),
    (changed("sprites", "folder, path: §'/x/${SECRET_TOKEN}'"), "does not begin with UNBRAID_", "UNBRAID_ENV"),
    (changed("sprites", "folder, path: a, rename: {a: §'${UNBRAID_X}'}"), "where no environment variable", "$${"),
]


@pytest.mark.parametrize(("marked", "phrase", "remedy"), SYNTAX)
def test_yaml_traps_are_explained(tmp_path: Path, marked: str, phrase: str, remedy: str) -> None:
    text, place = mark(marked)
    found = mistakes(tmp_path, text)
    told = [m for m in found if f"{m.place.line}:{m.place.column}" == place]
    assert told, [str(m) for m in found]
    assert phrase in str(told[0])
    assert remedy in str(told[0])


@pytest.mark.parametrize(("marked", "phrase", "remedy"), STRUCTURE)
def test_wrong_recipes_are_told_at_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marked: str, phrase: str, remedy: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text, place = mark(marked)
    found = mistakes(tmp_path, text)
    assert found, "nothing was found wrong"
    told = [m for m in found if f"recipe.yaml:{place}" == str(m.place)]
    assert told, [str(m) for m in found]
    line = " ".join(map(str, told))
    assert phrase in line
    assert remedy in line


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        GOOD.replace("pose: 4", "pose: none")
        .replace("conv_encoder", "conv_encodr")
        .replace("as: x1", "as: x7")
        .replace("trains: critic", "trains: crtic")
        .replace("steps: 10", "steps: ten")
    )
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, text)
    assert [(m.path, m.place.line) for m in caught.value.mistakes] == [
        ("data.draw.x2.as", 5),
        ("code.pose", 6),
        ("networks.encoder.type", 9),
        ("players.critic.trains", 18),
        ("train.steps", 27),
    ]
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert lines[4] == ("recipe.yaml:27:16  train.steps: expected a whole number or the name of a weight, "
                        "got the text 'ten'")


def test_a_wrong_key_a_parenthesis_and_an_unknown_name_are_told_at_once(tmp_path: Path) -> None:
    text = changed("steps: 10", "stps: 10").replace("generator(f)", "generator(f").replace("mse(y, x1)", "mse(y, x3)")
    assert [(m.path, m.place.line, m.place.column) for m in mistakes(tmp_path, text)] == [
        ("flow.y", 14, 6), ("players.autoencoder.minimizes.rebuild", 24, 28), ("train.stps", 27, 9)]


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    for text in (
        changed("sprites", "sprits"),
        changed("x1: {}", "x1: {from: day}"),
        changed("encode(x)", "encode"),
        changed("conv_encoder}", "conv_encoder, gaussian: f(a, b)}"),
        changed("as: x1", "as: *x1"),
        changed("source: {", "sorce: {"),
        changed("steps: 10", "steps: 010"),
    ):
        assert len(mistakes(tmp_path, text)) == 1, [str(m) for m in mistakes(tmp_path, text)]


def test_the_good_recipe_is_good(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).train.steps == 10


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"title: \xff\xfe", "not UTF-8"),
        (b"\x00\x01\x02", "binary"),
        (b"a: " + b"x" * 1_000_001, "256 kB"),
        (b"", "'data' is missing"),
        (b"\xef\xbb\xbf# only a comment\n", "'data' is missing"),
    ],
)
def test_files_that_are_no_recipes(tmp_path: Path, content: bytes, phrase: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(content)
    with pytest.raises(RecipeError, match=phrase):
        load_bytes(file)


def load_bytes(file: Path) -> None:
    from recipe_standins import Plugins

    from unbraid_configs import load_recipe

    load_recipe(file, plugins=Plugins())


def test_not_utf8_tells_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes("title: é\npaper: ".encode() + b"\xe9")
    with pytest.raises(RecipeError, match=r"recipe\.yaml:2:8  is not UTF-8"):
        load_bytes(file)


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is a folder"):
        load_bytes(tmp_path)
    (tmp_path / "recipe.yaml").write_text(GOOD)
    with pytest.raises(RecipeError, match=r"give the file: .*recipe\.yaml"):
        load_bytes(tmp_path)
    with pytest.raises(RecipeError, match="no such file"):
        load_bytes(tmp_path / "none.yaml")


@pytest.mark.parametrize("damage", range(60))
def test_damaged_recipes_give_our_error_or_load(tmp_path: Path, damage: int) -> None:
    import random

    chance = random.Random(damage)
    text = list(GOOD)
    for _ in range(3):
        index = chance.randrange(len(text))
        text[index : index + chance.randrange(3)] = chance.choice(
            ["{", "}", ":", "\t", "- ", "'", '"', "#", "[", "*", "\n", "é"]
        )
    mistakes(tmp_path, "".join(text))
