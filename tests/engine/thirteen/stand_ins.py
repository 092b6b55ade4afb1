"""The registry of these tests: the shared bundled plugins, and small stand-ins for the papers' own components."""

from __future__ import annotations

from pathlib import Path

import attrs
from stand_in_networks import NETWORKS
from stand_in_sources import SOURCES
from stand_in_terms import TERMS

from unbraid_plugins.papers import mixing
from unbraid_plugins.shared import convnets, losses, operations
from unbraid_plugins.shared.losses import gan, wgan
from unbraid_registry import Catalog, Component

BUNDLED = {"convnets": convnets, "losses": losses, "gan": gan, "wgan": wgan, "operations": operations, "mixing": mixing}


def component(target: object, plugin: str) -> Component:
    """A bundled component of a plugin."""
    mark = target.__unbraid__  # type: ignore[attr-defined]
    return Component(kind=mark.kind, name=mark.name, target=target, plugin=plugin, bundled=True,  # type: ignore[arg-type]
                     remembers=mark.remembers, sets=mark.sets)


def make_catalog() -> Catalog:
    """Bundled components and stand-ins."""
    catalog = Catalog()
    for plugin, module in BUNDLED.items():
        catalog.add(*(component(target, plugin) for target in module.unbraid_components()))
    for stand_ins in (NETWORKS, TERMS, SOURCES):
        for plugin, targets in stand_ins.items():
            catalog.add(*(component(target, plugin) for target in targets))
    return catalog


@attrs.define
class Plugins:
    """What loading a recipe needs of a registry."""

    catalog: Catalog = attrs.Factory(make_catalog)
    recipes: dict[str, Path] = attrs.Factory(dict)


PLUGINS = Plugins()
