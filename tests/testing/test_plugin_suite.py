"""The suite for plugins, and the suites as an author uses them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from suite_runs import failures, outcome

from unbraid.model import Model
from unbraid.testing import PluginSuite

pytest_plugins = ["pytester"]

GOOD = '''
import attrs
from unbraid import encoder, hookimpl, loss

@loss
def distance(a, b):
    """Mean squared difference."""
    if a.shape != b.shape:
        raise ValueError("shapes differ")
    return (a - b).square().mean()

@encoder
@attrs.frozen(kw_only=True)
class Box:
    """A box."""

    width: int = attrs.field(default=4, validator=attrs.validators.ge(1))

    def build(self, context, image):
        """Nothing."""

@hookimpl
def unbraid_components():
    return [distance, Box]
'''


def file(folder: Path, *changes: tuple[str, str]) -> Path:
    path = folder / "acme.py"
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_a_good_plugin_passes(tmp_path: Path) -> None:
    assert outcome(PluginSuite, file=file(tmp_path)) == ({"test_is_installed", "test_recipes_are_valid"}, {})


@pytest.mark.parametrize(("change", "test", "message"), [
    (("@hookimpl", ""), "test_loads", "not marked as a hook"),
    (('    """Mean squared difference."""\n', ""), "test_loads", "no docstring"),
    (("default=4", "default=0"), "test_defaults_are_valid", "'width' must be >= 1"),
    (("[distance, Box]", "[distance, loss(name='d')(lambda: 0)]"), "test_loads", "no docstring"),
    (("@loss\n", "import unbraid.model\nunbraid.model.Model.layout = None\n@loss\n"),
     "test_changes_nothing_of_unbraid", "unbraid.model.model.Model.layout"),
])
def test_faults_are_found(tmp_path: Path, change: tuple[str, str], test: str, message: str,
                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "layout", Model.layout)          # put back after a plugin that changes it
    assert message in failures(PluginSuite, file=file(tmp_path, change))[test]


def test_components_made_at_every_call(tmp_path: Path) -> None:
    anew = "    @loss\n    def fresh(x):\n        'New.'\n    return [fresh]"
    failed = failures(PluginSuite, file=file(tmp_path, ("    return [distance, Box]", anew)))
    assert set(failed) == {"test_gives_the_same_twice"}


RECIPE = """
data: {source: {type: sprites}, draw: {x: {}}}
code: {z: 4}
networks:
  e: {type: acme.box}
  g: {type: conv_generator}
flow: {f: e(x)}
players:
  a: {trains: [e, g], minimizes: {rebuild: "acme.distance(g(f), x)"}}
"""


def test_recipes_must_be_valid(tmp_path: Path) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    hook = f"@hookimpl\ndef unbraid_recipes():\n    return {str(folder)!r}\n@hookimpl\ndef unbraid_components"
    path = file(tmp_path, ("@hookimpl\ndef unbraid_components", hook))
    (folder / "box.yaml").write_text(RECIPE)
    assert outcome(PluginSuite, file=path) == ({"test_is_installed"}, {})
    (folder / "box.yaml").write_text(RECIPE.replace("acme.box", "acme.bxo"))
    failed = failures(PluginSuite, file=path)
    assert set(failed) == {"test_recipes_are_valid"}
    assert "acme.box" in failed["test_recipes_are_valid"]


def test_a_plugin_must_be_installed_where_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    file(tmp_path).rename(tmp_path / "acme_suite_plugin.py")
    failed = failures(PluginSuite, module="acme_suite_plugin", name="acme_suite")
    assert "no entry point 'acme_suite'" in failed["test_is_installed"]
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[unbraid]\nacme_suite = acme_suite_plugin\n")
    assert failures(PluginSuite, module="acme_suite_plugin", name="acme_suite") == {}


def test_as_an_author_uses_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(acme=GOOD, test_acme=textwrap.dedent("""
        from acme import distance
        from unbraid.testing import LossSuite, PluginSuite, numbers

        class TestDistance(LossSuite):
            component = distance

        class TestCodes(LossSuite):
            component = distance

            def inputs(self):
                return numbers(3, 5), numbers(3, 5, seed=1)

        class TestPlugin(PluginSuite):
            module = "acme"
    """))
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    counts = result.parseoutcomes()
    assert counts["passed"] >= 20
    assert counts["skipped"] == 2                  # not installed, no recipes
    assert "failed" not in counts
    assert "errors" not in counts
