"""Which plugins are loaded: blocking, bundled ones only, single files."""

from __future__ import annotations

import sys

import pytest
from fake_site import Site, contributes, names, status

from unbraid_registry import UnbraidError

CRASH = "raise RuntimeError('imported')\n"


@pytest.fixture
def three(site: Site) -> Site:
    site.add("unbraid", losses=contributes("mse"))
    site.add("acme-tv", tv=CRASH, fine=contributes("one"))
    site.add("zeta", z=contributes("two"))
    return site


@pytest.mark.parametrize("how", ["variable", "option"])
def test_block_a_plugin(three: Site, how: str) -> None:
    r = three.load({"UNBRAID_PLUGINS_BLOCK": "tv, z"}) if how == "variable" else three.load(block=["tv", "z"])
    assert r.problems == []
    assert status(r) == {"losses (unbraid)": "loaded", "fine (acme-tv)": "loaded", "tv (acme-tv)": "blocked",
                         "z (zeta)": "blocked"}
    assert names(r) == ["fine.one", "losses.mse"]
    reasons = {p.name: p.reason for p in r.plugins}
    assert reasons["tv"] == ("UNBRAID_PLUGINS_BLOCK" if how == "variable" else "--no-plugin tv")
    assert reasons["fine"] == ""


@pytest.mark.parametrize("spelling", ["acme-tv", "Acme_TV"])
def test_block_a_distribution(three: Site, spelling: str) -> None:
    r = three.load({"UNBRAID_PLUGINS_BLOCK": spelling})
    assert [p.name for p in r.plugins if p.status == "blocked"] == ["fine", "tv"]
    assert names(r) == ["losses.mse", "z.two"]


def test_variable_and_option_add_up(three: Site) -> None:
    r = three.load({"UNBRAID_PLUGINS_BLOCK": "tv"}, block=["z"])
    assert [p.name for p in r.plugins if p.status == "blocked"] == ["tv", "z"]


def test_an_option_that_blocks_nothing_is_reported(three: Site) -> None:
    r = three.load({"UNBRAID_PLUGINS_BLOCK": "not_here"}, block=["tv", "zetta"])
    (problem,) = r.problems
    assert problem.stage == "block"
    assert "zetta" in problem.message
    assert problem.remedy == "Did you mean zeta?"


@pytest.mark.parametrize("how", ["variable", "option"])
def test_bundled_only(three: Site, how: str) -> None:
    file = three.file("mine.py", contributes("asked_for"))
    if how == "variable":
        r = three.load({"UNBRAID_PLUGINS": "core"}, files=[file])
    else:
        r = three.load(bundled_only=True, files=[file])
    assert names(r) == ["losses.mse", "mine.asked_for"]
    assert {p.name for p in r.plugins if p.status == "blocked"} == {"tv", "fine", "z"}


def test_variables_with_nonsense(three: Site) -> None:
    with pytest.raises(UnbraidError, match="UNBRAID_PLUGINS is 'all'"):
        three.load({"UNBRAID_PLUGINS": "all"})
    with pytest.raises(UnbraidError, match="UNBRAID_PLUGINS_STRICT is 'maybe'"):
        three.load({"UNBRAID_PLUGINS_STRICT": "maybe"})


def test_a_single_file(site: Site) -> None:
    path = site.file("my_loss.py", contributes("tv"))
    r = site.load(files=[str(path), path])                                     # given twice: once is enough
    assert r.problems == []
    (info,) = r.plugins
    assert (info.name, info.distribution, info.path, info.status) == ("my_loss", "", str(path), "loaded")
    component = r.catalog.find("my_loss.tv")
    assert not component.bundled
    assert component.location.startswith(str(path))


def test_a_single_file_does_not_hide_a_module(site: Site) -> None:
    import random
    r = site.load(files=[site.file("random.py", contributes("tv"))])
    assert names(r) == ["random.tv"]
    assert sys.modules["random"] is random


def test_a_failing_file_is_one_problem(site: Site) -> None:
    site.add("acme", x=contributes("one"))
    r = site.load(files=[site.file("bad.py", "1 / 0\n"), site.file("good.py", contributes("two"))])
    assert names(r) == ["good.two", "x.one"]
    (problem,) = r.problems
    assert (problem.plugin, problem.distribution, problem.stage) == ("bad", "", "import")
    assert "ZeroDivisionError" in problem.message
    assert "bad.py" in problem.traceback
    assert not any(name.endswith("plugin_bad") for name in sys.modules)


def test_wrong_files_are_errors(site: Site) -> None:
    path = site.file("my_loss.py", contributes("tv"))
    with pytest.raises(UnbraidError, match=r"my_los\.py: no such file") as caught:
        site.load(files=[path.with_name("my_los.py")])
    assert "my_loss.py" in caught.value.hint
    with pytest.raises(UnbraidError, match="this is a folder"):
        site.load(files=[path.parent])
    with pytest.raises(UnbraidError, match=r"expected a Python file"):
        site.load(files=[site.file("notes.txt", "")])
    with pytest.raises(UnbraidError, match="Python identifier") as caught:
        site.load(files=[site.file("my-loss.py", "")])
    assert "my_loss.py" in caught.value.hint


def test_the_name_of_a_file_is_taken(site: Site) -> None:
    site.add("unbraid", "0.3", losses=contributes("mse"))
    site.add("acme", "1.5", mesh=contributes("soft"))
    with pytest.raises(UnbraidError, match=r"'losses' belongs to the bundled plugin of unbraid 0\.3"):
        site.load(files=[site.file("losses.py", CRASH)])
    mesh = site.file("mesh.py", contributes("mine"))
    with pytest.raises(UnbraidError, match=r"'mesh' belongs to a plugin of acme 1\.5"):
        site.load(files=[mesh])
    assert names(site.load(files=[mesh], block=["acme"])) == ["losses.mse", "mesh.mine"]
    first = site.file("first.py", CRASH)
    second = first.parent / "more" / "first.py"
    second.parent.mkdir()
    second.write_text(CRASH)
    with pytest.raises(UnbraidError, match=r"belongs to .*first\.py"):
        site.load(files=[first, second])
