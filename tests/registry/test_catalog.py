"""Finding components, and what is said when there is none."""

from __future__ import annotations

import pytest
from fake_site import Site, contributes

from unbraid_registry import NETWORK_KINDS, Catalog, Component, UnbraidError, UnknownComponent, known_plugins


def component(full_name: str, kind: str = "loss", bundled: bool = True) -> Component:
    plugin, name = full_name.split(".")
    return Component(kind=kind, name=name, target=len, plugin=plugin, distribution="unbraid" if bundled else "acme",
                     version="1.0", bundled=bundled)


@pytest.fixture
def catalog() -> Catalog:
    c = Catalog()
    c.add(component("losses.mse"), component("losses.cycle"), component("gan.fool"), component("hinge.fool"),
          component("convnets.conv_encoder", "encoder"), component("tv.total_variation", bundled=False),
          component("tv.mse", bundled=False))
    return c


def test_bare_names_are_bundled_ones(catalog: Catalog) -> None:
    assert catalog.find("mse").full_name == "losses.mse"
    assert catalog.find("losses.mse").full_name == "losses.mse"
    assert catalog.find("tv.mse").full_name == "tv.mse"
    assert catalog.find("conv_encoder", kind=NETWORK_KINDS).kind == "encoder"


def test_all(catalog: Catalog) -> None:
    assert [c.full_name for c in catalog.all("encoder")] == ["convnets.conv_encoder"]
    assert len(catalog.all()) == 7
    assert len(catalog.all(("encoder", "loss"))) == 7


@pytest.mark.parametrize(("name", "kind", "message", "hint", "closest"), [
    ("cylce", "loss", "no loss named 'cylce'", "Closest: cycle.  All: unbraid list loss", "cycle"),
    ("losses.cylce", "loss", "no loss named 'losses.cylce'", "Closest: losses.cycle.", "losses.cycle"),
    ("gan.cycle", None, "no component named 'gan.cycle'", "Closest: cycle.", "cycle"),
    ("qqqq", None, "no component named 'qqqq'", "All: unbraid list", ""),
    ("fool", "loss", "2 components: gan.fool, hinge.fool", "Write which one: gan.fool or hinge.fool", "gan.fool"),
    ("total_variation", "loss", "tv.total_variation comes from another distribution", "Write tv.total_variation",
     "tv.total_variation"),
    ("mse", "encoder", "'losses.mse' is a loss; expected an encoder", "unbraid list encoder", ""),
    ("conv_encodr", NETWORK_KINDS, "no network named 'conv_encodr'", "Closest: conv_encoder.", "conv_encoder"),
    ("conv_encoder", ("loss", "operation"), "is an encoder; expected a loss or operation", "unbraid list", ""),
    ("mse.", None, "no component named 'mse.'", "Closest: ", "mse"),
    ("a.b.c", None, "no component named 'a.b.c'", "unbraid list", ""),
])
def test_unknown(catalog: Catalog, name: str, kind: str | None, message: str, hint: str, closest: str) -> None:
    with pytest.raises(UnknownComponent) as caught:
        catalog.find(name, kind)
    e = caught.value
    assert message in e.message
    assert hint in e.hint
    assert (e.name, e.kind, e.closest) == (name, kind, closest)
    assert isinstance(e, UnbraidError)
    assert e.exit_code == 2


def test_a_second_owner_is_refused_and_nothing_is_added(catalog: Catalog) -> None:
    with pytest.raises(UnbraidError, match=r"'losses.mse' is contributed by unbraid 1.0 and by acme 1.0"):
        catalog.add(component("new.one"), component("losses.mse", bundled=False))
    assert len(catalog.all()) == 7
    with pytest.raises(UnbraidError):
        catalog.add(component("new.one"), component("new.one"))


def test_why_a_plugin_is_not_there(site: Site) -> None:
    site.add("acme", "0.2", mesh3d="import moderngl_missing\n", tv=contributes("one"))
    site.add("unbraid", broken="1 / 0\n", losses=contributes("mse"))
    r = site.load({"UNBRAID_PLUGINS_BLOCK": "tv"}, known={"munit": "unbraid-munit"})

    def error(name: str) -> UnknownComponent:
        with pytest.raises(UnknownComponent) as caught:
            r.catalog.find(name)
        return caught.value

    failed = error("mesh3d.soft")
    assert failed.message == ("'mesh3d.soft' belongs to plugin 'mesh3d' 0.2, which is not loaded: "
                              "ModuleNotFoundError: No module named 'moderngl_missing'")
    assert "unbraid doctor mesh3d" in failed.hint
    assert "which is blocked by UNBRAID_PLUGINS_BLOCK" in error("tv.one").message
    missing = error("munit.style")
    assert missing.message == "no plugin 'munit' is installed"
    assert missing.hint == "pip install unbraid-munit"
    assert "Bundled but not loaded: broken (see unbraid doctor)" in error("lost").hint


def test_known_plugins() -> None:
    assert isinstance(known_plugins(), dict)
    assert known_plugins('{"format": 1, "plugins": {"a": "unbraid-a"}}') == {"a": "unbraid-a"}
    for wrong in ('[]', '{"format": 2, "plugins": {}}', '{"format": 1, "plugins": {"a-b": "x"}}',
                  '{"format": 1, "plugins": {"a": 3}}'):
        with pytest.raises(ValueError, match="known plugins"):
            known_plugins(wrong)
