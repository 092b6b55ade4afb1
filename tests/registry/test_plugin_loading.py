"""Plugins load each by itself, in an order that does not depend on the disk."""

from __future__ import annotations

import gc
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from fake_site import Site, contributes, names, status

from unbraid_registry import load_registry


def test_bundled_and_foreign_load_alike(site: Site) -> None:
    site.add("unbraid", "0.3", losses=contributes("mse"))
    site.add("acme-tv", "2.1", tv=contributes("total_variation"))
    r = site.load()
    assert r.problems == []
    assert names(r) == ["losses.mse", "tv.total_variation"]
    bundled, foreign = r.plugins
    assert (bundled.name, bundled.bundled, bundled.status, bundled.components) == ("losses", True, "loaded", 1)
    assert (foreign.name, foreign.distribution, foreign.version, foreign.bundled) == ("tv", "acme-tv", "2.1", False)
    assert foreign.path == str(site.folder / "acme_tv_tv.py")
    component = r.catalog.find("tv.total_variation")
    assert (component.plugin, component.distribution, component.version) == ("tv", "acme-tv", "2.1")
    assert r.manager.has_plugin("tv")


def test_real_search_path_is_the_default(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("acme", alone=contributes("one"))
    r = load_registry(environ={}, block=["unbraid"])
    assert "alone.one" in names(r)


@pytest.mark.parametrize("reverse", [False, True])
def test_order_does_not_depend_on_the_disk(site: Site, monkeypatch: pytest.MonkeyPatch, reverse: bool) -> None:
    site.add("zebra", a=contributes("one"))
    site.add("unbraid", z=contributes("one"), m=contributes("one"))
    site.add("ant", y=contributes("one"), b=contributes("one"))
    found = metadata.distributions

    def shuffled(**where: Any) -> list[metadata.Distribution]:
        return sorted(found(**where), key=lambda d: d.name, reverse=reverse)

    monkeypatch.setattr(metadata, "distributions", shuffled)
    assert [p.name for p in site.load().plugins] == ["m", "z", "b", "y", "a"]


def test_a_distribution_counts_once(site: Site, tmp_path: Path) -> None:
    site.add("acme", "1.9", x=contributes("one"))
    site.add("Acme", "1.10", entry_points="[unbraid]\nx = acme_x\n")           # left over from an upgrade
    later = tmp_path / "later"
    site.add("acme", "3.0", entry_points="[unbraid]\nx = acme_x\nold = gone\n", folder=later)
    r = load_registry(path=[str(site.folder), str(later)], environ={})
    assert [(p.name, p.version) for p in r.plugins] == [("x", "1.10")]
    assert r.problems == []


def test_a_shadowed_distribution_is_not_searched(site: Site, tmp_path: Path) -> None:
    site.add("acme", "2.0", entry_points="[console_scripts]\n")
    later = tmp_path / "later"
    site.add("acme", "1.0", x=contributes("one"), folder=later)
    assert load_registry(path=[str(site.folder), str(later)], environ={}).plugins == []


def test_broken_metadata_of_others_is_ignored_and_of_plugins_reported(site: Site) -> None:
    site.add("acme", x=contributes("one"))
    (site.folder / "rubbish-1.0.dist-info").mkdir()
    (site.folder / "binary-1.0.dist-info").mkdir()
    (site.folder / "binary-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe\x00[unbraid]")
    assert status(site.load()) == {"x (acme)": "loaded"}
    site.add("garbled", entry_points="[unbraid]\nno equals sign\n")
    r = site.load()
    assert status(r)["x (acme)"] == "loaded"
    assert [(p.stage, p.distribution) for p in r.problems] == [("metadata", "garbled")]


def test_hooks_are_called_on_loaded_plugins(site: Site) -> None:
    site.add("acme", x="@hookimpl\ndef unbraid_evaluate(step):\n    return {'seen': step}\n")
    assert site.load().hook.unbraid_evaluate(run=None, step=7) == [{"seen": 7}]


def test_recipes_are_found_by_name(site: Site) -> None:
    folder = site.folder / "recipes"
    folder.mkdir()
    (folder / "faces.yaml").write_text("title: Faces\n")
    (folder / "notes.txt").write_text("")
    source = f"@hookimpl\ndef unbraid_recipes():\n    return {str(folder)!r}\n"
    mapping = f"@hookimpl\ndef unbraid_recipes():\n    return {{'my_faces': {str(folder / 'faces.yaml')!r}}}\n"
    site.add("acme", x=source)
    site.add("unbraid", y=mapping)
    assert site.load().recipes == {"x.faces": folder / "faces.yaml", "my_faces": folder / "faces.yaml"}


def test_importing_the_package_loads_nothing(site: Site) -> None:
    site.add("acme", x="raise RuntimeError('imported')\n")
    code = ("import sys, unbraid_registry\n"
            "print('torch' in sys.modules, any(m.startswith(('unbraid_plugins', 'acme')) for m in sys.modules))\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(site.folder)})
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr == ""


@pytest.mark.parametrize("collecting", [True, False])
@pytest.mark.parametrize("fault", ["", "raise RuntimeError('no')\n"], ids=["whole", "broken"])
def test_no_garbage_is_looked_for_while_plugins_load(site: Site, collecting: bool, fault: str) -> None:
    site.add("acme", x=f"import gc, sys\nsys.unbraid_test_collects = gc.isenabled()\n{fault}{contributes('one')}")
    frozen, before = gc.get_freeze_count(), gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        site.load()
        assert gc.isenabled() == collecting
        assert gc.get_freeze_count() == frozen
    finally:
        (gc.enable if before else gc.disable)()
    assert vars(sys).pop("unbraid_test_collects") is False
