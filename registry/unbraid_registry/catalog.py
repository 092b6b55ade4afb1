"""The catalog of components, found by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from unbraid_registry.component import NETWORK_KINDS, Component
from unbraid_registry.errors import UnbraidError, nearest
from unbraid_registry.problems import PluginInfo, PluginProblem

Kind = str | tuple[str, ...] | None


class UnknownComponent(UnbraidError):
    """The error for a name that fits no component of a kind, or several.

    closest: the most similar name, or "".  plugin: the plugin that the name belongs to, where that is not loaded.
    """

    def __init__(self, message: str, *, hint: str = "", name: str, kind: Kind = None, closest: str = "",
                 plugin: str = "") -> None:
        super().__init__(message, hint=hint)
        self.name = name
        self.kind = kind
        self.closest = closest
        self.plugin = plugin


class Catalog:
    """The components of all loaded plugins.

    plugins, problems: the loader's results; with them errors explain why a component is missing.
    known: plugins that could be installed, name -> package.
    """

    def __init__(self, plugins: Sequence[PluginInfo] = (), problems: Sequence[PluginProblem] = (),
                 known: Mapping[str, str] | None = None) -> None:
        self._components: dict[str, Component] = {}
        self._plugins = plugins
        self._problems = problems
        self._known = known or {}

    def add(self, *components: Component) -> None:
        """Add components, all or none.  Raises UnbraidError where a full name is taken."""
        new: dict[str, Component] = {}
        for c in components:
            other = self._components.get(c.full_name) or new.get(c.full_name)
            if other:
                raise UnbraidError(f"component {c.full_name!r} is contributed by {_origin(other)} and by {_origin(c)}",
                                   hint="Give one of them another name.")
            new[c.full_name] = c
        self._components |= new

    def all(self, kind: Kind = None) -> list[Component]:
        """Return all components (of one kind, or of several), by full name."""
        return [c for _, c in sorted(self._components.items()) if _is(c, kind)]

    def find(self, name: str, kind: Kind = None) -> Component:
        """Return the component called `name` (bundled) or `plugin.name` (any), also by a former name.

        Raises UnknownComponent.
        """
        if "." in name:
            found = [c for c in (self._components.get(name),) if c]
        else:
            found = [c for c in self.all() if c.bundled and c.name == name]
        found = found or self._formerly(name)
        fitting = [c for c in found if _is(c, kind)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = [c.full_name for c in fitting]
            raise UnknownComponent(f"{name!r} is the name of {len(names)} components: {', '.join(names)}",
                                   hint=f"Write which one: {' or '.join(names)}", name=name, kind=kind,
                                   closest=names[0])
        if found:
            c = found[0]
            closest = _closest(name, self._callable_names(kind))
            raise UnknownComponent(f"{c.full_name!r} is {_a(c.kind)}; expected {_a(_words(kind))}",
                                   hint=_suggestion(closest, kind), name=name, kind=kind, closest=closest)
        raise self._unknown(name, kind)

    def _formerly(self, name: str) -> list[Component]:
        plugin, dot, own = name.rpartition(".")
        return [c for c in self.all() if own in c.formerly and (c.plugin == plugin if dot else c.bundled)]

    def _unknown(self, name: str, kind: Kind) -> UnknownComponent:
        plugin, dot, own = name.rpartition(".")
        loaded = {p.name for p in self._plugins if p.status == "loaded"} | {c.plugin for c in self._components.values()}
        if plugin.isidentifier() and own.isidentifier() and plugin not in loaded:
            message, hint, near = self._missing_plugin(name, plugin, kind, loaded)
            return UnknownComponent(message, hint=hint, name=name, kind=kind, closest=near, plugin=plugin)
        foreign = [c.full_name for c in self.all(kind) if c.name == name]
        if not dot and foreign:
            return UnknownComponent(
                f"no bundled {_words(kind)} is named {name!r}; {' and '.join(foreign)} comes from another distribution",
                hint=f"Write {foreign[0]}", name=name, kind=kind, closest=foreign[0])
        closest = _closest(name, self._callable_names(kind))
        hint = _suggestion(closest, kind)
        if not dot:
            failed = [p.name for p in self._plugins if p.bundled and p.status != "loaded"]
            if failed:
                hint += f"  Bundled but not loaded: {', '.join(failed)} (see unbraid doctor)."
        return UnknownComponent(f"no {_words(kind)} named {name!r}", hint=hint, name=name, kind=kind, closest=closest)

    def _missing_plugin(self, name: str, plugin: str, kind: Kind, loaded: Iterable[str]) -> tuple[str, str, str]:
        """Return why a plugin is not there, what to do, and the closest name where the plugin's may be misspelt."""
        belongs = f"{name!r} belongs to plugin {plugin!r}"
        for info in self._plugins:
            if info.name == plugin and info.status == "blocked":
                return f"{belongs}, which is blocked by {info.reason}", "Remove it from there to use the plugin.", ""
        for problem in self._problems:
            if problem.plugin == plugin:
                version = f" {problem.version}" if problem.version else ""
                why = problem.message.partition("is not loaded: ")[2] or problem.message
                return (f"{belongs}{version}, which is not loaded: {why}",
                        f"{problem.remedy}  Details: unbraid doctor {plugin}".strip(), "")
        if plugin in self._known:
            return f"no plugin {plugin!r} is installed", f"pip install {self._known[plugin]}", ""
        names = self._callable_names(kind)
        near = _closest(name, names) if nearest(plugin, loaded, 0.75) or nearest(name, names, 0.8) else ""
        remedy = "Install the package that brings it (its author tells the name), or give its file: --plugin FILE"
        return f"no plugin {plugin!r} is installed", f"Closest: {near}" if near else remedy, near

    def _callable_names(self, kind: Kind) -> list[str]:
        """Return every name that `find` accepts."""
        components = self.all(kind)
        bare = [c.name for c in components if c.bundled]
        return [b for b in dict.fromkeys(bare) if bare.count(b) == 1] + [c.full_name for c in components]


def _is(component: Component, kind: Kind) -> bool:
    return kind is None or component.kind in ((kind,) if isinstance(kind, str) else kind)


def _origin(component: Component) -> str:
    return f"{component.distribution} {component.version}".strip() or f"plugin {component.plugin!r}"


def _words(kind: Kind) -> str:
    if kind is None:
        return "component"
    kinds = (kind,) if isinstance(kind, str) else kind
    return "network" if set(kinds) == set(NETWORK_KINDS) else " or ".join(kinds)


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _closest(name: str, names: Iterable[str]) -> str:
    names = list(names)
    bare = {n.rpartition(".")[2]: n for n in names}      # the bare name may be right, or nearly, and the plugin wrong
    return nearest(name, names) or bare.get(nearest(name.rpartition(".")[2], bare), "")


def _suggestion(closest: str, kind: Kind) -> str:
    what = f" {kind}" if isinstance(kind, str) else ""
    return f"{f'Closest: {closest}.  ' if closest else ''}All: unbraid list{what}"
