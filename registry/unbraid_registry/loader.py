"""The loader of plugins: each is loaded alone, so that a failing one causes one warning and stops no other plugin.

It replaces pluggy's own loader, which stops at the first plugin that fails and silently drops the second of two
plugins with the same name.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Literal

import attrs

from unbraid_registry.ambient import defaults_kept
from unbraid_registry.catalog import Catalog
from unbraid_registry.discovery import Candidate, installed, name_fault, single_file, suggested_name
from unbraid_registry.errors import UnbraidError, nearest, one_line
from unbraid_registry.loaded import Registry
from unbraid_registry.name_clashes import refuse_file_clash, without_clashes
from unbraid_registry.plugin_checks import (
    check_hooks,
    check_level,
    collect_components,
    collect_recipes,
    fresh_manager,
    module_path,
)
from unbraid_registry.problems import PluginInfo, PluginProblem, Stage, traceback_text
from unbraid_registry.settings import Settings, normalized
from unbraid_registry.suggestions import known_plugins


def load_registry(*, files: Iterable[str | Path] = (), block: Iterable[str] = (), strict: bool | None = None,
                  bundled_only: bool | None = None, path: Sequence[str] | None = None,
                  environ: Mapping[str, str] | None = None, known: Mapping[str, str] | None = None) -> Registry:
    """Find and load all plugins.

    files: single-file plugins.
    block: names of plugins or distributions to leave out.
    strict: raise at the first problem.
    bundled_only: leave out foreign distributions.
    path: folders of distributions instead of `sys.path`.
    environ: environment variables instead of the process's.
    known: plugins that could be installed, name -> package.

    Raises UnbraidError for a file that cannot be a plugin, and PluginError in strict mode.
    """
    settings = Settings.read(files=files, block=block, strict=strict, bundled_only=bundled_only, environ=environ)
    return Loader.find(settings, path=path, known=known).load()


@attrs.define
class Loader:
    """The plugins that were found, and are loaded on demand.

    registry: the registry with the loaded plugins.
    waiting: the plugins that are not loaded yet.
    order: the names of all plugins.
    """

    registry: Registry
    waiting: list[Candidate]
    order: list[str]

    @classmethod
    def find(cls, settings: Settings, *, path: Sequence[str] | None = None, known: Mapping[str, str] | None = None
             ) -> Loader:
        """Find all plugins, and import none of them.  Raises UnbraidError for a file that cannot be a plugin."""
        plugins: list[PluginInfo] = []
        problems: list[PluginProblem] = []
        catalog = Catalog(plugins, problems, known_plugins() if known is None else known)
        registry = Registry(manager=fresh_manager(), catalog=catalog, plugins=plugins, problems=problems,
                            strict=settings.strict)
        found, unreadable = installed(path)
        for problem in unreadable:
            registry.report(problem)
        given = [single_file(file) for file in settings.files]
        _report_useless_blocks(registry, settings, [*found, *given])
        waiting = _unclashed(registry, _unblocked(registry, settings, found), _unblocked(registry, settings, given))
        return cls(registry, waiting, [c.name for c in (*found, *given)])

    def load(self, wanted: Callable[[Candidate], bool] = lambda _: True) -> Registry:
        """Load the wanted plugins that are not loaded yet, and return the registry."""
        now = [c for c in self.waiting if wanted(c)]
        self.waiting = [c for c in self.waiting if c not in now]
        with _uncollected():
            for candidate in now:
                _load(self.registry, candidate)
        self.registry.plugins.sort(key=lambda p: self.order.index(p.name))
        return self.registry


@contextmanager
def _uncollected() -> Iterator[None]:
    """Switch off garbage collection inside the block.

    Imports make many objects and hardly any garbage; searching for it takes a tenth of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()                          # both together: all objects are old now, and seldom searched
        gc.enable()


def _unblocked(registry: Registry, settings: Settings, candidates: Sequence[Candidate]) -> list[Candidate]:
    wanted = []
    for c in candidates:
        reason = settings.blocks(c.name, c.distribution, c.bundled)
        if reason:
            _list(registry, c, "blocked", reason=reason)
        else:
            wanted.append(c)
    return wanted


def _unclashed(registry: Registry, found: Sequence[Candidate], files: Sequence[Candidate]) -> list[Candidate]:
    kept, rejected, clashes = without_clashes(found)
    for c in rejected:
        _list(registry, c, "failed")
    for problem in clashes:
        registry.report(problem)
    for i, file in enumerate(files):
        refuse_file_clash(file, [*found, *files[:i]])
    return [*kept, *files]


def _report_useless_blocks(registry: Registry, settings: Settings, candidates: Sequence[Candidate]) -> None:
    """Report options that block nothing: they are typing errors.

    A name in UNBRAID_PLUGINS_BLOCK is not reported, since the variable may be set for other environments too.
    """
    names = list(dict.fromkeys(n for c in candidates for n in (c.name, c.distribution) if n))
    for name, reason in settings.block.items():
        if name in names or normalized(name) in map(normalized, names) or reason == "UNBRAID_PLUGINS_BLOCK":
            continue
        near = nearest(name, names)
        registry.report(PluginProblem(
            plugin=name, stage="block", message=f"{reason}: there is no plugin or distribution {name!r} to block",
            remedy=f"Did you mean {near}?" if near else "All: unbraid plugins"))


def _load(registry: Registry, candidate: Candidate) -> None:
    """Import and check one plugin, and register it only after all checks; record a problem where a check fails."""
    stage: Stage = "name"
    began = time.perf_counter()
    try:
        if fault := name_fault(candidate.name):
            raise UnbraidError(fault, hint=f"Rename its entry point: {suggested_name(candidate.name)}")
        with waiting_for(candidate):
            stage = "import"
            with defaults_kept(candidate.name):
                plugin = candidate.load()
            stage = "api"
            check_level(plugin)
            stage = "hooks"
            _refuse_second_name(registry, plugin)
            staged = check_hooks(plugin, candidate.name)
            stage = "components"
            components = collect_components(staged, candidate)
            stage = "recipes"
            recipes = collect_recipes(staged)
    except KeyboardInterrupt:                      # from the user
        raise
    except BaseException as error:                 # sys.exit, and whatever else a plugin may raise
        _list(registry, candidate, "failed", seconds=time.perf_counter() - began)
        registry.report(_problem(candidate, stage, error), error)
        return
    registry.manager.register(plugin, candidate.name)
    registry.catalog.add(*components)
    for name, file in recipes.items():
        registry.recipes[name if candidate.bundled else f"{candidate.name}.{name}"] = file
    _list(registry, candidate, "loaded", components=len(components), path=module_path(plugin),
          seconds=time.perf_counter() - began)


def _refuse_second_name(registry: Registry, plugin: object) -> None:
    name = next((n for n, p in registry.manager.list_name_plugin() if p is plugin), None)
    if name is not None:
        raise UnbraidError(f"it is the same module as plugin {name!r}",
                           hint="One module is one plugin: remove one of the two entry points.")


def _problem(candidate: Candidate, stage: Stage, error: BaseException) -> PluginProblem:
    if isinstance(error, UnbraidError):
        remedy = error.hint
    elif stage == "import" and isinstance(error, ModuleNotFoundError) and error.name and candidate.distribution:
        own = candidate.origin.partition(":")[0].split(".")[0] == error.name.split(".")[0]
        remedy = (f"Reinstall {candidate.distribution}: its entry point names a module that is not there" if own else
                  f"Install what it needs (the module {error.name})")
    elif "Can't freeze a class with a custom __setattr__" in str(error):       # @attrs.frozen over @value
        remedy = "Write @unbraid.value alone: it makes the attrs class."
    else:
        remedy = f"Leave it out: UNBRAID_PLUGINS_BLOCK={candidate.name}"
    version = f" ({candidate})" if candidate.distribution else ""
    return PluginProblem(plugin=candidate.name, distribution=candidate.distribution, version=candidate.version,
                         stage=stage, message=f"plugin {candidate.name!r}{version} is not loaded: {one_line(error)}",
                         remedy=remedy, traceback=traceback_text(error))


def _list(registry: Registry, candidate: Candidate, status: Literal["loaded", "blocked", "failed"], *,
          components: int = 0, path: str = "", reason: str = "", seconds: float = 0.0) -> None:
    registry.plugins.append(PluginInfo(
        name=candidate.name, distribution=candidate.distribution, version=candidate.version, bundled=candidate.bundled,
        status=status, components=components, path=path or candidate.origin, reason=reason,
        seconds=round(seconds, 3)))


SLOW = 3.0                                         # seconds after which a warning names the plugin that is being loaded
LOG = logging.getLogger("unbraid.plugins")


@contextmanager
def waiting_for(candidate: Candidate) -> Iterator[None]:
    """Send prints to stderr while a plugin is loaded, and log one line where that takes longer than SLOW seconds.

    No line is logged for a bundled plugin: there it is the import of torch that takes long.
    """
    version = f" ({candidate})" if candidate.distribution else ""
    block = f"--no-plugin {candidate.name} leaves it out" if candidate.distribution else "it was given by --plugin"
    timer = threading.Timer(SLOW, LOG.warning, ("still loading plugin %r%s; %s", candidate.name, version, block))
    timer.daemon = True
    if not candidate.bundled:
        timer.start()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
