"""The same recipe as YAML, TOML and Python's own objects; environment variables; scalars and expressions."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from marked_recipes import GOOD, changed, load, mistakes
from recipe_standins import Plugins, Pool

from unbraid_configs import Draw, Expression, RecipeError, dump_recipe, load_recipe, make_recipe, show_recipe

MAPPING = {
    "data": {"source": {"type": "sprites"}, "draw": {"x1": {}, "x2": {"same": "identity", "as": "x1"}}},
    "code": {"pose": 4, "chunk": "2 x 3"},
    "weights": {"beta": 4},
    "networks": {
        "encoder": {"type": "conv_encoder"},
        "generator": {"type": "conv_generator"},
        "critic": {"type": "conv_critic"},
    },
    "flow": {"f": "encoder(x1)", "y": "generator(f)", ("p", "q"): "halves(critic(y))"},
    "players": {
        "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x1), critic(y))"}},
        "autoencoder": {"trains": ("encoder", "generator"), "minimizes": {"rebuild": "10 * mse(y, x1)"}},
    },
    "functions": {"encode(x)": Expression("encoder(x)")},
    "train": {"steps": 10, "optimizer": {"lr": 1e-3}},
}

TOML = """
[data]
source = {type = "sprites"}
draw.x1 = {}
draw.x2 = {same = "identity", as = "x1"}
[code]
pose = 4
chunk = "2 x 3"
[weights]
beta = 4
[networks]
encoder.type = "conv_encoder"
generator.type = "conv_generator"
critic.type = "conv_critic"
[flow]
f = "encoder(x1)"
y = "generator(f)"
"p, q" = "halves(critic(y))"
[players.critic]
trains = "critic"
minimizes.realism = "gan.tell_apart(critic(x1), critic(y))"
[players.autoencoder]
trains = ["encoder", "generator"]
minimizes.rebuild = "10 * mse(y, x1)"
[functions]
"encode(x)" = "encoder(x)"
[train]
steps = 10
optimizer.lr = 1e-3
"""


def test_yaml_toml_and_python_give_one_recipe(tmp_path: Path) -> None:
    recipe = load(tmp_path, GOOD)
    assert make_recipe(MAPPING, plugins=Plugins()) == recipe
    assert load(tmp_path, TOML, name="recipe.toml") == recipe


def test_python_objects_of_many_kinds(tmp_path: Path) -> None:
    mapping = OrderedDict(
        MAPPING,
        train={"steps": np.int64(3), "optimizer": {"lr": np.float32(0.5), "betas": (0, 0.9)}},
        data={**MAPPING["data"], "source": {"type": "folder", "path": tmp_path}},
    )
    recipe = make_recipe(mapping | {"players": {}}, ["train.seed=4"], plugins=Plugins())
    assert (recipe.train.steps, recipe.train.seed, recipe.train.optimizer.lr.text) == (3, 4, "0.5")
    assert recipe.train.optimizer.betas == (0.0, 0.9)
    assert recipe.data.sources["source"].value.path == tmp_path


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"train": {"steps": object()}}, "a object cannot stand"),
        ({"train": {"steps": float("nan")}}, "not a finite number"),
        ({1: 2}, "the key 1 is not text"),
        ({"train": {"stps": 3}}, "<recipe>  train.stps: unknown key"),
        ({"title": b"x"}, "cannot stand"),
        ({"title": "\ud800"}, "is not text"),
    ],
)
def test_wrong_python_objects(change: dict, phrase: str) -> None:
    with pytest.raises(RecipeError, match=phrase):
        make_recipe(MAPPING | change, plugins=Plugins())


def test_python_objects_with_a_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parent.yaml").write_text(GOOD)
    assert make_recipe({"base": "parent.yaml", "train": {"steps": 2}}, plugins=Plugins()).train.steps == 2


def test_toml_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(mistakes(tmp_path, "a = 1\nb = = 2", name="r.toml")[0]).startswith(
        "r.toml:2:5  is not TOML"
    )
    assert "cannot stand in a recipe" in str(mistakes(tmp_path, "a = 2026-11-22", name="r.toml")[0])
    assert "not a finite number" in str(mistakes(tmp_path, "a = nan", name="r.toml")[0])
    wrong = mistakes(tmp_path, TOML.replace("steps = 10", "steps = 10.5"), name="r.toml")
    assert str(wrong[0]) == "r.toml  train.steps: expected a whole number, got 10.5"


def test_a_missing_draw_is_one_image_called_x(tmp_path: Path) -> None:
    recipe = load(tmp_path, "data: {source: {type: sprites}}")
    assert recipe.data.draw == {"x": Draw()}


def test_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_TEST_HOME", "/pictures")
    monkeypatch.setenv("UNBRAID_TEST_EMPTY", "")
    text = changed(
        "sprites}",
        "folder, path: '${UNBRAID_TEST_HOME}/a', rename: {c: '$${UNBRAID_TEST_HOME}'}}",
    )
    recipe = load(tmp_path, text)
    folder = recipe.data.sources["source"].value
    assert folder.path == Path("/pictures/a")
    assert folder.rename == {"c": "${UNBRAID_TEST_HOME}"}
    assert load(tmp_path, dump_recipe(recipe)) == recipe
    for written, path in (("${UNBRAID_TEST_NONE:-b}/c", "b/c"), ("d${UNBRAID_TEST_EMPTY}/e", "d/e"),
                          ("${UNBRAID_TEST_EMPTY:-f}", "f"), ("$${UNBRAID_TEST_HOME}", "${UNBRAID_TEST_HOME}")):
        assert load(tmp_path, text, f"data.source.path='{written}'").data.sources["source"].value.path == Path(path)


def test_values_of_environment_variables_stay_out_of_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                     ) -> None:
    monkeypatch.setenv("UNBRAID_TEST_HOME", "/pictures")
    recipe = load(tmp_path, changed("sprites}", "folder, path: '${UNBRAID_TEST_HOME}/a'}"), "title=by ${USER} in $${X}")
    assert recipe.title == "by ${USER} in ${X}"
    for written in dump_recipe(recipe), show_recipe(recipe):
        assert "${UNBRAID_TEST_HOME}/a" in written
        assert "/pictures" not in written
    monkeypatch.delenv("UNBRAID_TEST_HOME")
    (tmp_path / "written.yaml").write_text(dump_recipe(recipe))
    assert load_recipe(tmp_path / "written.yaml", plugins=Plugins(), keep_unset=True).title == recipe.title


@pytest.mark.parametrize("name", ["USER", "HOME", "GITHUB_TOKEN", "xUNBRAID_X"])
def test_other_environment_variables_are_read_where_the_user_allows_them(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "value")
    text = changed("sprites}", f"folder, path: '/a/${{{name}:-x}}/b'}}")
    assert "does not begin with UNBRAID_" in str(mistakes(tmp_path, text)[0])
    monkeypatch.setenv("UNBRAID_ENV", f"OTHER,{name}")
    assert load(tmp_path, text).data.sources["source"].value.path == Path("/a/value/b")


@pytest.mark.parametrize(
    ("written", "text", "column"),
    [
        ("10 * mse(y, x1)", "10 * mse(y, x1)", 16),
        ("'10 * mse(y, x1)'", "10 * mse(y, x1)", 17),
        ('"10 * mse(y, x1)"  # why', "10 * mse(y, x1)", 17),
        ("'mse(y, x1, of=''b'')'", "mse(y, x1, of='b')", 17),
        (r'"mse(y, x1, of=\"b\")"', 'mse(y, x1, of="b")', 17),
        ("mse(y,\n          x1)", "mse(y,\n          x1)", 16),
        ("30_000", "30_000", 16),
        ("1e-4", "1e-4", 16),
        ("mse(y, x1)#2", "mse(y, x1)#2", 16),
        ("mse(y, x1) #2", "mse(y, x1)", 16),
        ("-1 * y", "-1 * y", 16),
        ("0", "0", 16),
        ('"mse(y,\n          x1)"', "mse(y,\n          x1)", 17),
    ],
)
def test_expressions_are_the_slice_of_the_file(tmp_path: Path, written: str, text: str, column: int) -> None:
    recipe = load(tmp_path, changed("10 * mse(y, x1)", written))
    expression = recipe.players["autoencoder"].minimizes["rebuild"]
    assert expression.text == text
    assert (expression.place.line, expression.place.column) == (24, column)
    assert load(tmp_path, dump_recipe(recipe)) == recipe
    assert load(tmp_path, show_recipe(recipe)) == recipe


def test_words_that_yaml_has_for_true_are_names_in_expressions(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no value named 'on'"):
        load(tmp_path, changed("10 * mse(y, x1)", "on"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("width: 30_000", 30_000),
        ("width: 0x10", 16),
        ("dropout: 0", 0.0),
        ("norm: none", "none"),
        ("name: no", "no"),
        ("name: '3'", "3"),
        ("gaussian: pose", "pose"),
        ("gaussian: true", True),
        ("gaussian: [pose]", ("pose",)),
        ("layers: 8", (8,)),
        ("layers: []", ()),
        ("kernel: [3, 5]", (3, 5)),
        ("pool: max", Pool.MAX),
        ("limit: null", None),
        ("limit: 3", 3.0),
        ("width: null", 32),
        ("scales: {a: 1}", {"a": 1.0}),
        ("skips: false", False),
    ],
)
def test_options_of_every_type(tmp_path: Path, option: str, value: object) -> None:
    recipe = load(tmp_path, changed("conv_encoder}", f"conv_encoder, {option}}}"))
    found = getattr(recipe.networks["encoder"].spec.value, option.partition(":")[0])
    assert found == value
    assert type(found) is type(value)
    assert load(tmp_path, dump_recipe(recipe)) == recipe


def test_networks_from_elsewhere(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        changed("{type: conv_critic}", "{type: conv_critic, from: run#critic, freeze: true}").replace(
            "trains: critic", "trains: generator").replace(
            "networks:\n",
            "networks:\n  teacher: {type: average, of: encoder, decay: 0.9}\n  old: {from: 'runs/a#encoder'}\n",
        ),
    )
    assert (recipe.networks["critic"].from_, recipe.networks["critic"].freeze) == ("run#critic", True)
    assert (recipe.networks["teacher"].average_of, recipe.networks["teacher"].decay) == ("encoder", 0.9)
    assert (recipe.networks["old"].spec, recipe.networks["old"].from_) == (None, "runs/a#encoder")
    assert load(tmp_path, dump_recipe(recipe)) == recipe


def test_requires_that_are_met(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD + "requires: {attrs: '>=20', cattrs: '*'}").requires == {"attrs": ">=20", "cattrs": "*"}


def test_a_large_recipe_of_a_run_loads(tmp_path: Path) -> None:
    flow = "".join(f"  v{i}: generator(f, {i})\n" for i in range(3000))
    recipe = load(tmp_path, changed("flow:\n", f"flow:\n{flow}"))
    assert load(tmp_path, dump_recipe(recipe)) == recipe


def test_load_recipe_takes_names_paths_and_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yml").write_text(GOOD)
    assert load_recipe("mine.yml", plugins=Plugins()) == load_recipe(Path("mine.yml"), plugins=Plugins())
    Path("plain").write_text(GOOD)
    assert load_recipe("plain", plugins=Plugins()).train.steps == 10
    with pytest.raises(RecipeError, match=r"no recipe is called 'mine'; for the file write \./mine\.yml"):
        load_recipe("mine", plugins=Plugins())
