"""A plugin that fails costs one problem, leaves no trace and never takes another one with it."""

from __future__ import annotations

import logging
import sys

import pytest
from fake_site import Site, contributes, names, status

from unbraid_registry import PluginError

NO_DOC = "@loss\ndef bare(x):\n    return x\n"
DOC = '    """What it is."""\n'
RETURN = "@hookimpl\ndef unbraid_components():\n    return {}\n"
ONE = f"@loss\ndef one(x):\n{DOC}    return x\n"


def plugin(definition: str, returned: str) -> str:
    """A plugin with a fine component and another one."""
    return ONE + definition + RETURN.format(f"[one, {returned}]")


def spec(kind: str, body: str, decorator: str = "@attrs.frozen(kw_only=True)") -> str:
    """A plugin with a class component."""
    return plugin(f"@{kind}\n{decorator}\nclass Box:\n{DOC}{body}\n", "Box")


BROKEN = {
    "raises": ("raise RuntimeError('boom')", "import", "RuntimeError: boom"),
    "exits": ("import sys; sys.exit(3)", "import", "SystemExit: 3"),
    "syntax": ("def broken(:\n", "import", "SyntaxError"),
    "needs": ("import not_there_at_all", "import", "No module named 'not_there_at_all'"),
    "newer": ("UNBRAID_API = 99\n" + contributes("one"), "api", "needs a newer unbraid"),
    "level": ("UNBRAID_API = '1'\n" + contributes("one"), "api", "UNBRAID_API is '1'"),
    "empty": ("", "hooks", "implements no hook"),
    "unknown": ("@hookimpl\ndef unbraid_stepend(run):\n    pass\n", "hooks", "did you mean unbraid_step_end?"),
    "unknown2": (contributes("one") + "def unbraid_recipe():\n    return '.'\n", "hooks",
                 "did you mean unbraid_recipes?"),
    "foreign": ("@hookimpl\ndef pytest_configure(config):\n    pass\n", "hooks", "there is no hook pytest_configure"),
    "unmarked": ("def unbraid_components():\n    return []\n", "hooks", "unbraid_components is not marked"),
    "argument": ("@hookimpl\ndef unbraid_step_end(run, stepp):\n    pass\n", "hooks", "did you mean step?"),
    "default": ("@hookimpl\ndef unbraid_step_end(run, step=0):\n    pass\n", "hooks", "step has a default"),
    "stars": ("@hookimpl\ndef unbraid_step_end(**rest):\n    pass\n", "hooks", "has the parameter **rest"),
    "wrapper": ("@hookimpl(wrapper=True)\ndef unbraid_step_end():\n    yield\n", "hooks", "wrapper"),
    "coroutine": ("@hookimpl\nasync def unbraid_run_start(run):\n    pass\n", "hooks", "coroutine"),
    "hookraises": ("@hookimpl\ndef unbraid_components():\n    raise KeyError('lost')\n", "components",
                   "KeyError: 'lost'"),
    "hookexits": ("@hookimpl\ndef unbraid_components():\n    raise SystemExit\n", "components", "SystemExit"),
    "nolist": ("@hookimpl\ndef unbraid_components():\n    return 3\n", "components", "returned int"),
    "mapping": (RETURN.format("{}"), "components", "returned dict"),
    "plain": (plugin("def plain(x):\n" + DOC, "plain"), "components", "plain is not marked"),
    "inherited": (plugin(f"@encoder\n@attrs.frozen\nclass A:\n{DOC}    def build(self, c): pass\n"
                         f"class B(A):\n{DOC}", "A, B"), "components", "B is not marked"),
    "object": (plugin("", "'text'"), "components", "'text' is neither"),
    "nodoc": (plugin(NO_DOC, "bare"), "components", "bare has no docstring"),
    "nodocclass": (plugin("@encoder\n@attrs.frozen\nclass A:\n    def build(self, context): pass\n", "A"),
                   "components", "A has no docstring"),
    "dot": (plugin(f"@loss(name='a.b')\ndef two(x):\n{DOC}", "two"), "components", "is called 'a.b'"),
    "twice": (plugin(f"@operation(name='one')\ndef two(x):\n{DOC}", "two"), "components",
              "two components are called 'one': one and two"),
    "noattrs": (spec("encoder", "    def build(self, context): pass", "# plain"), "components", "not an attrs class"),
    "nobuild": (spec("encoder", "    width: int = 3"), "components", "no method build"),
    "nocontext": (spec("generator", "    def build(self): pass"), "components", "without a context"),
    "noopen": (spec("source", "    folder: str"), "components", "no method open"),
    "nocall": (spec("loss", "    weight: float = 1.0"), "components", "no method __call__"),
    "netfunction": (plugin(f"@encoder\ndef net(x):\n{DOC}", "net"), "components", "expected an attrs class"),
    "positional": (plugin(f"@loss\ndef two(x, weight=1.0):\n{DOC}", "two"), "components",
                   "positional hyper-parameter 'weight'"),
    "anykeyword": (plugin(f"@loss\ndef two(x, **options):\n{DOC}", "two"), "components", "any keyword"),
    "annotation": (plugin(f"@loss\ndef two(x: 'Gaussian'):\n{DOC}", "two"), "components", "'Gaussian' is not defined"),
    "norecipes": ("@hookimpl\ndef unbraid_recipes():\n    return '/no/such/folder'\n", "recipes", "no folder"),
    "norecipe": ("@hookimpl\ndef unbraid_recipes():\n    return {'a': '/no/such.yaml'}\n", "recipes",
                 "no file /no/such.yaml"),
    "recipetype": (contributes("one") + "@hookimpl\ndef unbraid_recipes():\n    return 3\n", "recipes", "returned int"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_problem_and_no_trace(site: Site, name: str) -> None:
    source, stage, text = BROKEN[name]
    site.add("broken", "0.7", **{name: source})  # type: ignore[arg-type]
    site.add("acme", fine=contributes("fine"))
    site.add("zed", last=contributes("last"))
    r = site.load()
    assert status(r) == {"fine (acme)": "loaded", f"{name} (broken)": "failed", "last (zed)": "loaded"}
    assert names(r) == ["fine.fine", "last.last"]
    (problem,) = r.problems
    assert (problem.plugin, problem.distribution, problem.version) == (name, "broken", "0.7")
    assert problem.stage == stage
    assert text in problem.message
    assert "\n" not in str(problem)
    assert problem.remedy
    assert "Traceback" in problem.traceback
    assert not r.manager.has_plugin(name)
    assert {n for n, _ in r.manager.list_name_plugin()} == {"fine", "last"}
    assert all(i.plugin_name != name for i in r.hook.unbraid_components.get_hookimpls())
    assert not hasattr(r.hook, "unbraid_stepend")
    assert r.recipes == {}


@pytest.mark.parametrize("name", BROKEN)
def test_strict_raises(site: Site, name: str) -> None:
    source, stage, text = BROKEN[name]
    site.add("broken", **{name: source})  # type: ignore[arg-type]
    with pytest.raises(PluginError) as caught:
        site.load(strict=True)
    assert caught.value.problem.stage == stage
    assert text in caught.value.message
    assert caught.value.__cause__ is not None
    with pytest.raises(PluginError):
        site.load({"UNBRAID_PLUGINS_STRICT": "1"})
    site.load({"UNBRAID_PLUGINS_STRICT": "1"}, strict=False)


def test_an_interrupt_is_not_contained(site: Site) -> None:
    site.add("broken", x="raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        site.load()


def test_one_line_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.add("broken", x="raise RuntimeError('first line\\nsecond line')\n")
    with caplog.at_level(logging.WARNING):
        site.load()
    (record,) = caplog.records
    line = record.getMessage()
    assert line == ("plugin 'x' (broken 1.0) is not loaded: RuntimeError: first line second line.  "
                    "Leave it out: UNBRAID_PLUGINS_BLOCK=x")


def test_remedy_names_the_missing_module(site: Site) -> None:
    site.add("needs", x="import moderngl_that_is_missing\n")
    site.add("moved", entry_points="[unbraid]\ny = moved_elsewhere\n")
    remedies = {p.plugin: p.remedy for p in site.load().problems}
    assert "moderngl_that_is_missing" in remedies["x"]
    assert "Reinstall moved" in remedies["y"]


def test_remedy_for_attrs_over_value(site: Site) -> None:
    site.add("acme", boxed="from unbraid import value\n@attrs.frozen\n@value\nclass Box:\n    size: int\n")
    problem, = site.load().problems
    assert "Can't freeze a class with a custom __setattr__" in problem.message
    assert problem.remedy.startswith("Write @unbraid.value alone")


def test_a_name_that_no_recipe_could_write(site: Site) -> None:
    site.add("acme", entry_points="[unbraid]\nacme-tv = never_imported\n")
    (problem,) = site.load().problems
    assert problem.stage == "name"
    assert "acme_tv" in problem.remedy
    assert "never_imported" not in sys.modules


def test_one_module_under_two_names(site: Site) -> None:
    site.add("acme", a=contributes("one"))
    site.add("copy", entry_points="[unbraid]\nb = acme_a\n")
    r = site.load()
    assert status(r) == {"a (acme)": "loaded", "b (copy)": "failed"}
    assert "same module as plugin 'a'" in r.problems[0].message
