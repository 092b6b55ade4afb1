"""What is written reads back as the same, for any text; the schema; what importing costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from marked_recipes import GOOD, changed, load, mistakes
from recipe_standins import Plugins, typed_catalog

from unbraid_configs import Node, RecipeError, dump_recipe, make_recipe, recipe_schema, show_recipe
from unbraid_configs.reading import write_expression, write_number, write_scalar
from unbraid_configs.reading.yaml_reader import read_yaml
from unbraid_registry.terminal import shown

TEXT = st.text(st.characters(exclude_categories=["Cs"]).filter(lambda c: shown(c) == c), max_size=30) | st.text(
    "ab:#-? {}[],'\"\\\n|>&*!%@`${}0.e_1", max_size=12
)
LINE = TEXT.filter(lambda text: not any(ord(c) < 32 for c in text))
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
PLUGINS = Plugins()


@given(SCALAR, st.booleans())
@settings(max_examples=300, deadline=None)
def test_scalars_read_back(value: Any, inside: bool) -> None:
    written = write_scalar(value, inside_list=inside)
    document = f"a: [{written}, 1]\n" if inside else f"a: {written}\n"
    mistakes: list = []
    read = read_yaml(document, "f", mistakes).plain()["a"]
    read = read[0] if inside else read
    assert mistakes == []
    assert read == value
    assert type(read) is type(value)


@given(TEXT.filter(lambda t: t.strip()))
@settings(max_examples=200, deadline=None)
def test_expressions_read_back(text: str) -> None:
    mistakes: list = []
    node = read_yaml(f"a: {write_expression(text)}\n", "f", mistakes).value["a"]
    assert mistakes == []
    assert node.text == text


@given(st.text(alphabet="${}Xa:- ", max_size=12))
@settings(max_examples=300, deadline=None)
def test_escaped_text_is_not_expanded(text: str) -> None:
    from unbraid_configs.resolving import check_variables
    from unbraid_configs.variables import escape

    mistakes: list = []
    assert check_variables(Node(escape(text)), mistakes, ("data", "source", "rename")).value == text
    assert mistakes == []


@given(
    title=LINE,
    lr=st.floats(1e-12, 1e12),
    width=st.integers(1, 10**9),
    rename=st.dictionaries(LINE, TEXT, max_size=3),
    terms=st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), TEXT.filter(str.strip), min_size=1, max_size=4),
    where=st.dictionaries(LINE, st.lists(SCALAR, max_size=3) | SCALAR, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_recipes_read_back(
    title: str, lr: float, terms: dict, rename: dict, width: int, where: dict, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import keyword

    from unbraid_configs.variables import escape

    recipe = make_recipe(
        {
            "title": escape(title),
            "data": {
                "source": {"type": "folder", "rename": {k: escape(v) for k, v in rename.items()}},
                "draw": {"x": {"where": _escaped(where)}},
            },
            "networks": {"encoder": {"type": "conv_encoder", "width": width}},
            "players": {
                "a": {
                    "trains": "encoder",
                    "minimizes": {f"{k}_" if keyword.iskeyword(k) else k: f"mse(x, x, note={t!r})"
                                  for k, t in terms.items()},
                }
            },
            "train": {"optimizer": {"lr": lr}},
        },
        plugins=PLUGINS,
    )
    assert recipe.title == title
    folder = tmp_path_factory.getbasetemp()
    assert load(folder, dump_recipe(recipe)) == recipe
    assert load(folder, show_recipe(recipe)) == recipe


def _escaped(value: Any) -> Any:
    from unbraid_configs.variables import escape

    if isinstance(value, dict):
        return {k: _escaped(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_escaped(v) for v in value]
    return escape(value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e-4, "1.0e-4"),
        (0.0, "0.0"),
        (-0.0012, "-1.2e-3"),
        (1e-5, "1.0e-5"),
        (2.5e-7, "2.5e-7"),
        (1e22, "1.0e+22"),
        (3.0, "3.0"),
        (7, "7"),
        (-1e-9, "-1.0e-9"),
    ],
)
def test_numbers_are_numbers_to_every_reader(number: float, text: str) -> None:
    assert write_number(number) == text
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(text) == number
    assert type(yaml.safe_load(text)) is type(number)


def test_the_dump_is_whole_and_has_full_names(tmp_path: Path) -> None:
    text = dump_recipe(load(tmp_path, GOOD, "networks.encoder.norm=batch"))
    assert "    type: convnets.conv_encoder\n    width: 32\n" in text
    assert "    norm: batch\n" in text
    assert "    type: sources.sprites\n    colours: 3\n" in text
    assert "#" not in text
    assert "  p, q: halves(critic(y))\n" in text
    assert "    eps: 1.0e-8\n" in text
    assert dump_recipe(load(tmp_path, GOOD, "networks.encoder.norm=batch")) == text


def test_shown_origins_stand_in_one_column_with_parent_and_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parent.yaml").write_text(GOOD)
    recipe = load(tmp_path, "base: parent.yaml\nweights: {beta: 9}\n", "data.source.colours=4", name="child.yaml")
    lines = show_recipe(recipe).splitlines()
    origins = {line.partition("  #")[0].strip(): line.partition("  # ")[2] for line in lines}
    assert origins["beta: 9"] == "child.yaml:2"
    assert origins["f: encoder(x1)"] == "parent.yaml:13"
    assert origins["encode(x): encoder(x)"] == "parent.yaml:26"
    assert origins["colours: 4"] == "override"
    assert origins["seed: 0"] == "default"
    assert origins["pose: 4"] == "parent.yaml:6"
    assert len({line.index("  #") for line in lines if "  #" in line}) == 1
    assert (
        show_recipe(make_recipe({"data": {"source": {"type": "sprites"}}}, plugins=PLUGINS))
        .splitlines()[2]
        .endswith("# <recipe>")
    )


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    schema = recipe_schema(typed_catalog())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize(
    "wrong",
    [
        changed("steps: 10", "stps: 10"),
        changed("steps: 10", "steps: ten"),
        changed("conv_encoder", "conv_encodr"),
        changed("conv_encoder}", "conv_encoder, wdth: 3}"),
        changed("conv_encoder}", "conv_encoder, norm: bach}"),
        changed("conv_encoder}", "conv_encoder, width: wide}"),
        changed("conv_encoder}", "conv_encoder, kernel: [1]}"),
        changed("sprites", "mse"),
        changed("steps: 10", "moves: apart"),
        changed("pose: 4", "pose: four"),
        changed("  y: gen", "  1y: gen"),
        changed("encode(x)", "encode(x"),
        changed("f: encoder(x1)", "f: [a]"),
        "title: without data",
        changed("  p, q:", "  p q:"),
        changed("trains: critic", "trains: 3"),
    ],
)
def test_the_schema_refuses(validator: Any, wrong: str) -> None:
    assert list(validator.iter_errors(read_yaml(wrong, "f", []).plain()))


@pytest.mark.parametrize(
    "right",
    [
        GOOD,
        "base: other\nnetworks: {encoder: {width: 3}, critic: null}",
        changed("steps: 10", "steps: 30_000"),
        changed("{type: conv_critic}", "{type: average, of: encoder}"),
        changed("conv_encoder}", "convnets.conv_encoder}"),
        changed("conv_encoder}", "conv_encoder, gaussian: pose, code: pose, freeze: true}"),
    ],
)
def test_the_schema_accepts(validator: Any, right: str) -> None:
    assert list(validator.iter_errors(read_yaml(right, "f", []).plain())) == []


def test_the_schema_describes_components_and_their_defaults() -> None:
    network = recipe_schema(typed_catalog())["$defs"]["network"]
    assert {"conv_encoder", "convnets.conv_encoder", "average"} <= set(network["properties"]["type"]["enum"])
    encoder = next(c["then"] for c in network["allOf"] if "conv_encoder" in c["if"]["properties"]["type"]["enum"])
    assert encoder["description"] == "A stand-in for convolutions."
    assert encoder["properties"]["width"]["default"] == 32


def test_tags_are_refused(tmp_path: Path) -> None:
    told = mistakes(tmp_path, "title: !!python/object/apply:os.system [touch x]\n" + GOOD)
    assert [m.message for m in told] == ["a value cannot begin with ! (YAML takes it for a tag)"]


def test_importing_and_loading_never_imports_torch(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(GOOD)
    code = (
        "import sys, unbraid_configs\n"
        "assert 'ruamel.yaml' not in sys.modules and 'cattrs' not in sys.modules\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from recipe_standins import Plugins\n"
        "unbraid_configs.load_recipe(sys.argv[2], plugins=Plugins())\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "recipe.yaml")], check=True)


def test_loading_runs_nothing_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="only a name can be called"):
        load(tmp_path, changed("10 * mse(y, x1)", "__import__('os').system('touch x')"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["recipe.yaml"]


def test_everything_public_is_there() -> None:
    import unbraid_configs

    for name in unbraid_configs.__all__:
        assert getattr(unbraid_configs, name)
    with pytest.raises(AttributeError):
        unbraid_configs.load_recipes  # noqa: B018


def test_a_recipe_that_could_not_be_read_again_is_not_written():
    recipe = make_recipe({"base": "mixing-sprites", "title": "x" * 300_000})
    with pytest.raises(RecipeError, match="at most 256 kB"):
        dump_recipe(recipe)
