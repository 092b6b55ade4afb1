"""The plugins that a run was made with: their record, what changed since, and placeholders for missing components."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import attrs

from unbraid_registry.catalog import Catalog, Kind, UnknownComponent
from unbraid_registry.component import NETWORK_KINDS, Component
from unbraid_registry.errors import UnbraidError
from unbraid_registry.loaded import Registry
from unbraid_registry.pip_hints import NAME, VERSION, pip_install

MOST = 1000                                        # plugins that a record may name
FORMS = {"distribution": NAME, "version": VERSION, "sha256": re.compile("[0-9a-f]{64}"),
         "file": re.compile(r"[^\x00-\x1f/]{1,255}")}     # what a record may say of them
PluginRecord = Mapping[str, Mapping[str, str]]     # plugin -> distribution and version, or file and sha256


class MissingPlugin(UnbraidError):
    """Raised where something needs a component that a run used and that is no longer there."""


@attrs.frozen
class PluginChange:
    """A plugin that a run was made with, and that is another one now, or gone.

    then, now: `unbraid-drnet 0.1.0`; now is empty where the plugin is not loaded.
    remedy: how to get back what it was.
    """

    plugin: str
    then: str
    now: str
    remedy: str

    def __str__(self) -> str:
        if not self.now:
            return f"no plugin {self.plugin!r} is installed; this run was made with {self.then}"
        return f"the plugin {self.plugin!r} was {self.then} when this run was made; now it is {self.now}"


def record_plugins(components: Iterable[Component], loaded: Registry) -> dict[str, dict[str, str]]:
    """Return the plugins of components by name: distribution and version, or a single file's name and SHA-256."""
    paths = {p.name: p.path for p in loaded.plugins}
    found: dict[str, dict[str, str]] = {}
    for c in sorted(components, key=lambda c: c.full_name):
        if c.distribution:
            found[c.plugin] = {"distribution": c.distribution, "version": c.version}
        elif path := paths.get(c.plugin, ""):
            found[c.plugin] = {"file": Path(path).name, "sha256": _hash_of(Path(path))}
    return found


def plugins_of(record: Mapping[str, Any]) -> PluginRecord:
    """Return the plugins that a run's record has for its last session; none for a damaged or an older record."""
    sessions = record.get("sessions")
    last = sessions[-1] if isinstance(sessions, list) and sessions else {}
    found = last.get("plugins") if isinstance(last, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: {k: v for k, v in facts.items() if isinstance(v, str) and k in FORMS and FORMS[k].fullmatch(v)}
            for name, facts in list(found.items())[:MOST] if isinstance(facts, Mapping) and name.isidentifier()}


def plugin_changes(recorded: PluginRecord, loaded: Registry) -> list[PluginChange]:
    """Return the plugins of a record that are another version or another file now, or gone; none for bundled ones."""
    now = {p.name: p for p in loaded.plugins if p.status == "loaded"}
    changes = []
    for name, facts in recorded.items():
        info, there = now.get(name), _named(facts)
        if info is not None and info.bundled:
            continue
        if info is None:
            here = ""
        elif info.distribution:
            here = f"{info.distribution} {info.version}".rstrip()
        else:
            here = _named({"file": Path(info.path).name, "sha256": _hash_of(Path(info.path))})
        if here != there and there:
            changes.append(PluginChange(name, there, here, remedy_for(facts)))
    return changes


def remedy_for(facts: Mapping[str, str]) -> str:
    """Return the command that brings back a recorded plugin: its pip line, or its file as an option."""
    if facts.get("distribution"):
        version = f"=={facts['version']}" if facts.get("version") else ""
        return pip_install(facts["distribution"], version)
    return f"give its file: --plugin {shlex.quote(facts.get('file', 'FILE'))}"


def refuse_missing(recorded: PluginRecord, loaded: Registry) -> None:
    """Raise MissingPlugin where plugins of a record are not loaded, with the commands that bring them."""
    gone = [c for c in plugin_changes(recorded, loaded) if not c.now]
    if gone:
        raise MissingPlugin("\n".join(map(str, gone)), hint="\n  ".join(dict.fromkeys(c.remedy for c in gone)))


def _named(facts: Mapping[str, str]) -> str:
    if facts.get("distribution"):
        return f"{facts['distribution']} {facts.get('version', '')}".rstrip()
    return f"{facts['file']} ({facts.get('sha256', '')[:12]})" if facts.get("file") else ""


def _hash_of(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


@attrs.frozen
class Absent:
    """The placeholder of a component that is gone: it takes any options, and its use raises `error`."""

    error: MissingPlugin

    def build(self, *_: Any) -> NoReturn:
        """Raise the error: there is no network to build."""
        raise self.error

    def open(self) -> NoReturn:
        """Raise the error: there is no source to open."""
        raise self.error


@attrs.frozen
class FormerPlugins:
    """The plugins as a run knew them: a component that is gone becomes a placeholder, which only its use reports.

    recorded: the run's plugins; they tell which package brings a component back.
    """

    loaded: Registry
    recorded: PluginRecord = attrs.Factory(dict)

    @property
    def changes(self) -> list[PluginChange]:
        """The plugins of the run that are another version now, or gone."""
        return plugin_changes(self.recorded, self.loaded)

    @property
    def catalog(self) -> FormerPlugins:
        """The components; this object finds them itself."""
        return self

    @property
    def recipes(self) -> dict[str, Path]:
        """The recipes of the loaded plugins."""
        return self.loaded.recipes

    def find(self, name: str, kind: Kind = None) -> Component:
        """Return the component, or a placeholder where a `plugin.name` is not there.  Raises UnknownComponent."""
        catalog: Catalog = self.loaded.catalog
        try:
            return catalog.find(name, kind)
        except UnknownComponent as error:
            plugin, dot, own = name.rpartition(".")
            if not dot:
                raise
            why = self._why(error, plugin)
            return Component(kind=_one(kind), name=own, target=_raising(why), plugin=plugin, absent=why)

    def _why(self, error: UnknownComponent, plugin: str) -> str:
        """Return why a component is gone and how to get it back, in two lines."""
        change = next((c for c in self.changes if c.plugin == plugin), None)
        if change is None:
            return f"{error.message}\n{error.hint}"
        if not change.now and "is not loaded" not in error.message and "is blocked" not in error.message:
            return f"{change}\n{change.remedy}"
        if not change.now:
            return f"{error.message}\n{error.hint}"
        return f"{error.message}; {change}\n{change.remedy}"


def missing(component: Component) -> MissingPlugin:
    """Return the error for the use of a placeholder."""
    return _error(component.absent)


def _error(why: str) -> MissingPlugin:
    message, _, hint = why.partition("\n")
    return MissingPlugin(message, hint=hint)


def _one(kind: Kind) -> str:
    kinds = (kind,) if isinstance(kind, str) else kind or ("operation",)
    return "network" if set(kinds) == set(NETWORK_KINDS) else "operation" if len(kinds) > 1 else kinds[0]


def _raising(why: str) -> Callable[..., NoReturn]:
    """Return the function of a placeholder: it takes any values and options, and raises MissingPlugin."""
    def used(*values: object, **options: object) -> NoReturn:
        raise _error(why)

    return used
