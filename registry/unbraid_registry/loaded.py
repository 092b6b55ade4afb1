"""The registry: loaded plugins with their components, hooks and recipes, and the problems of plugins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pluggy

from unbraid_registry.catalog import Catalog
from unbraid_registry.errors import UnbraidError, one_line
from unbraid_registry.frames import failed_in
from unbraid_registry.problems import PluginError, PluginInfo, PluginProblem, traceback_text

LOG = logging.getLogger("unbraid.plugins")


@attrs.define(kw_only=True)
class Registry:
    """The loaded plugins of one process (or of one test)."""

    manager: pluggy.PluginManager
    catalog: Catalog
    plugins: list[PluginInfo]
    problems: list[PluginProblem]
    recipes: dict[str, Path] = attrs.Factory(dict)
    strict: bool = False

    @property
    def hook(self) -> Any:
        """Pluggy's hooks, which let the errors of plugins through; a run uses `call` instead."""
        return self.manager.hook

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook of every plugin and return the results, without the Nones.

        A plugin that raises does not stop the others. Its problem is recorded, and one warning is logged for each
        plugin.  Raises PluginError in strict mode.
        """
        return [result for _, result in self._results(hook, arguments)]

    def call_by_plugin(self, hook: str, *, check: Callable[[Any], Any] | None = None, **arguments: Any
                       ) -> dict[str, Any]:
        """Call a hook as `call` does, and return the results by the name of the plugin.

        check: converts a result; an error in it counts as an error of the hook.
        """
        return dict(self._results(hook, arguments, check))

    def call_one(self, plugin: str, hook: str, **arguments: Any) -> Any:
        """Call the hook of one plugin as `call` does; return None where it has no such hook, or failed."""
        return next((result for _, result in self._results(hook, arguments, only=plugin)), None)

    def hooks_of(self, plugin: str) -> list[str]:
        """Return the names of the hooks that a plugin implements."""
        found = self.manager.get_hookcallers(self.manager.get_plugin(plugin)) if self.manager.has_plugin(plugin) else ()
        return sorted(caller.name for caller in found or ())

    def _results(self, hook: str, arguments: dict[str, Any], check: Callable[[Any], Any] | None = None,
                 only: str | None = None) -> Iterator[tuple[str, Any]]:
        for implementation in reversed(getattr(self.hook, hook).get_hookimpls()):
            if only is not None and implementation.plugin_name != only:
                continue
            values = [arguments[name] for name in implementation.argnames]
            try:
                result = implementation.function(*values)
                if result is not None and check is not None:
                    result = check(result)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._contain(implementation.plugin_name, hook, error)
            else:
                if result is not None:
                    yield implementation.plugin_name, result

    def _contain(self, plugin: str, hook: str, error: BaseException) -> None:
        earlier = [p for p in self.problems if p.plugin == plugin and p.stage == "run"]
        start = f"plugin {plugin!r}: its hook {hook} failed: "
        if not self.strict and any(p.message.startswith(start) for p in earlier):
            return                                 # a hook that fails at every step is one problem
        info = next((p for p in self.plugins if p.name == plugin), None)
        line = failed_in(error, [info])[1] if info and not isinstance(error, UnbraidError) else ""
        problem = PluginProblem(
            plugin=plugin, distribution=info.distribution if info else "", version=info.version if info else "",
            stage="run", message=start + one_line(error) + f", at {line}" * bool(line), traceback=traceback_text(error),
            remedy=f"The run goes on without it.  Leave the plugin out: UNBRAID_PLUGINS_BLOCK={plugin}")
        self.report(problem, error, loudly=not earlier)

    def report(self, problem: PluginProblem, cause: BaseException | None = None, *, loudly: bool = True) -> None:
        """Record a problem and log it in one line (if `loudly`).  Raises PluginError in strict mode."""
        if self.strict:
            raise PluginError(problem) from cause
        self.problems.append(problem)
        if loudly:
            LOG.warning("%s", problem)
