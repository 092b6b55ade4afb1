"""The registry of a process."""

from __future__ import annotations

import pytest
from fake_site import Site, contributes, names

from unbraid_registry import configure, default as process, registry


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("UNBRAID_PLUGINS", "UNBRAID_PLUGINS_BLOCK", "UNBRAID_PLUGINS_STRICT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(process, "_loader", None)
    monkeypatch.setattr(process, "_options", {})


def test_loaded_once(site: Site) -> None:
    site.add("acme", x=contributes("one"))
    configure(block=["unbraid"])
    r = registry()
    assert names(r) == ["x.one"]
    assert registry() is r
    configure(block=["unbraid"])
    assert registry() is r


def test_configure(site: Site) -> None:
    site.add("acme", x=contributes("one"))
    configure(files=[site.file("mine.py", contributes("two"))], block=["unbraid", "acme"])
    assert names(registry()) == ["mine.two"]
    configure(block=["unbraid"])                   # other options load anew
    assert names(registry()) == ["x.one"]


def test_a_plugin_that_asks_for_the_registry_on_import(site: Site) -> None:
    site.add("acme", x="from unbraid_registry import registry\nregistry()\n", y=contributes("one"))
    configure(block=["unbraid"])
    r = registry()
    assert names(r) == ["y.one"]
    assert "asked for while plugins are being loaded" in r.problems[0].message
    assert registry() is r
