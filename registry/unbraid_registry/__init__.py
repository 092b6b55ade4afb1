"""Hook specifications, the plugin loader and the catalog of components.

Importing this package loads no plugin; the first use of `registry()` does.
"""

from __future__ import annotations

from unbraid_registry.catalog import Catalog, UnknownComponent
from unbraid_registry.component import KINDS, NETWORK_KINDS, Component, Mark, Option
from unbraid_registry.errors import UnbraidError
from unbraid_registry.hooks import API_LEVEL, hookimpl, hookspec
from unbraid_registry.known import known_plugins
from unbraid_registry.loader import load_registry
from unbraid_registry.plugins import Registry
from unbraid_registry.problems import PluginError, PluginInfo, PluginProblem
from unbraid_registry.process import configure, registry

__all__ = ["API_LEVEL", "KINDS", "NETWORK_KINDS", "Catalog", "Component", "Mark", "Option", "PluginError", "PluginInfo",
           "PluginProblem", "Registry", "UnbraidError", "UnknownComponent", "configure", "hookimpl", "hookspec",
           "known_plugins", "load_registry", "registry"]
