"""Hook specifications, the plugin loader and the catalog of components.

Importing this package loads no plugin; the first use of `registry()` does.
"""

from __future__ import annotations

from unbraid_registry.catalog import Catalog, UnknownComponent
from unbraid_registry.component import KINDS, NETWORK_KINDS, Component, Mark, Option
from unbraid_registry.default import configure, load_foreign, load_plugin, loaded_so_far, registry
from unbraid_registry.errors import UnbraidError
from unbraid_registry.hookspecs import API_LEVEL, hookimpl, hookspec
from unbraid_registry.loaded import Registry
from unbraid_registry.loader import load_registry
from unbraid_registry.problems import PluginError, PluginInfo, PluginProblem
from unbraid_registry.suggestions import known_plugins

__all__ = ["API_LEVEL", "KINDS", "NETWORK_KINDS", "Catalog", "Component", "Mark", "Option", "PluginError", "PluginInfo",
           "PluginProblem", "Registry", "UnbraidError", "UnknownComponent", "configure", "hookimpl", "hookspec",
           "known_plugins", "load_foreign", "load_plugin", "load_registry", "loaded_so_far", "registry"]
