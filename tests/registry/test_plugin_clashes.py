"""Two plugins of one name: decided before import, naming both distributions."""

from __future__ import annotations

import pytest
from fake_site import Site, contributes, names, status

from unbraid_registry import PluginError

CRASH = "raise RuntimeError('a plugin that clashes must not be imported')\n"


def test_a_bundled_plugin_cannot_be_displaced(site: Site) -> None:
    site.add("acme-unit", "1.0", unit=CRASH, other=contributes("kept"))
    site.add("unbraid", "0.3", unit=contributes("cycle"))
    r = site.load()
    assert names(r) == ["other.kept", "unit.cycle"]
    assert r.catalog.find("unit.cycle").distribution == "unbraid"
    assert status(r) == {"unit (unbraid)": "loaded", "other (acme-unit)": "loaded", "unit (acme-unit)": "failed"}
    (problem,) = r.problems
    assert problem.stage == "clash"
    assert problem.message == ("plugin name 'unit' is claimed by unbraid 0.3 (unbraid_unit, bundled, kept) and "
                               "acme-unit 1.0 (acme_unit_unit, not loaded)")
    assert "UNBRAID_PLUGINS_BLOCK=acme-unit" in problem.remedy


def test_of_two_foreign_ones_neither_loads(site: Site) -> None:
    site.add("acme", "1.0", mesh=CRASH)
    site.add("zeta", "2.0", mesh=CRASH)
    site.add("fine", x=contributes("one"))
    r = site.load()
    assert names(r) == ["x.one"]
    assert status(r) == {"mesh (acme)": "failed", "mesh (zeta)": "failed", "x (fine)": "loaded"}
    (problem,) = r.problems
    assert "acme 1.0 (acme_mesh, not loaded) and zeta 2.0 (zeta_mesh, not loaded)" in problem.message
    assert not r.manager.has_plugin("mesh")


def test_blocking_one_settles_it(site: Site) -> None:
    site.add("acme", mesh=CRASH)
    site.add("zeta", mesh=contributes("soft"))
    r = site.load({"UNBRAID_PLUGINS_BLOCK": "acme"})
    assert r.problems == []
    assert names(r) == ["mesh.soft"]
    assert status(r) == {"mesh (acme)": "blocked", "mesh (zeta)": "loaded"}


def test_twice_in_one_distribution(site: Site) -> None:
    site.add("acme", entry_points="[unbraid]\nx = one_module\nx = other_module\n")
    (problem,) = site.load().problems
    assert problem.stage == "clash"
    assert "one_module" in problem.message
    assert "other_module" in problem.message


def test_strict_raises(site: Site) -> None:
    site.add("acme", mesh=CRASH)
    site.add("zeta", mesh=CRASH)
    with pytest.raises(PluginError, match=r"acme 1\.0"):
        site.load(strict=True)
