"""Hook specifications, the plugin loader and the catalog of components.

Importing this package loads no plugin; the first use of `registry()` does.
"""

from __future__ import annotations

from unbraid_registry.calls import called_function, check_call, filled_by, inputs_of, option_value
from unbraid_registry.catalog import Catalog, UnknownComponent
from unbraid_registry.component import CALLED_KINDS, KINDS, NETWORK_KINDS, Component, Mark, Option
from unbraid_registry.culprits import culprit, fault_of, line_of
from unbraid_registry.default import configure, load_foreign, load_plugin, loaded_so_far, registry
from unbraid_registry.errors import UnbraidError, closest, one_line
from unbraid_registry.hookspecs import API_LEVEL, hookimpl, hookspec
from unbraid_registry.loaded import Registry
from unbraid_registry.loader import load_registry
from unbraid_registry.made_with import (
    Absent,
    FormerPlugins,
    MissingPlugin,
    PluginChange,
    missing,
    plugin_changes,
    plugins_of,
    record_plugins,
    refuse_missing,
)
from unbraid_registry.problems import PluginError, PluginInfo, PluginProblem
from unbraid_registry.suggestions import known_plugins

__all__ = ["API_LEVEL", "CALLED_KINDS", "KINDS", "NETWORK_KINDS", "Absent", "Catalog", "Component", "FormerPlugins",
           "Mark", "MissingPlugin", "Option", "PluginChange", "PluginError", "PluginInfo", "PluginProblem", "Registry",
           "UnbraidError", "UnknownComponent", "called_function", "check_call", "closest", "configure", "culprit",
           "fault_of", "filled_by", "hookimpl", "hookspec", "inputs_of", "known_plugins", "line_of", "load_foreign",
           "load_plugin", "load_registry", "loaded_so_far", "missing", "one_line", "option_value", "plugin_changes",
           "plugins_of", "record_plugins", "refuse_missing", "registry"]
