"""Checks of a plugin before it is registered: its API level, its hooks, its components and its recipes.

Every check raises UnbraidError with a remedy; nothing here changes the registry.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pluggy

from unbraid_registry import hookspecs as hooks
from unbraid_registry.component import Component
from unbraid_registry.component_checks import make_component, title_of
from unbraid_registry.discovery import Candidate
from unbraid_registry.errors import UnbraidError, nearest


def fresh_manager() -> pluggy.PluginManager:
    """Return a plugin manager that knows our hooks and no plugin."""
    manager = pluggy.PluginManager("unbraid")
    manager.add_hookspecs(hooks)
    return manager


HOOKS = tuple(sorted(name for name in dir(hooks) if name.startswith("unbraid_")))


def check_level(plugin: Any) -> None:
    """Check that this version supports the plugin's API level, `UNBRAID_API`."""
    level = getattr(plugin, "UNBRAID_API", 1)
    if not isinstance(level, int) or isinstance(level, bool) or level < 1:
        raise UnbraidError(f"UNBRAID_API is {level!r}; expected a whole number from 1 on",
                           hint=f"Write UNBRAID_API = {hooks.API_LEVEL}")
    if level > hooks.API_LEVEL:
        raise UnbraidError(f"it needs a newer unbraid: it is written for API level {level}, this one has "
                           f"{hooks.API_LEVEL}", hint="pip install --upgrade unbraid, or an older version of it")


def check_hooks(plugin: Any, name: str) -> pluggy.PluginManager:
    """Check that all hooks of a plugin exist and fit, and return a new manager with this plugin alone."""
    manager = fresh_manager()
    for attribute in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is None:
            _refuse_unmarked(plugin, attribute)
        elif not options.get("optionalhook"):
            _check_hook(options.get("specname") or attribute, getattr(plugin, attribute), options)
    manager.register(plugin, name)
    if not manager.get_hookcallers(plugin):
        raise UnbraidError("it implements no hook, so it contributes nothing",
                           hint="Add: @hookimpl def unbraid_components(): return [...]")
    return manager


def _refuse_unmarked(plugin: Any, attribute: str) -> None:
    function = getattr(plugin, attribute, None) if attribute.startswith("unbraid_") else None
    if not inspect.isfunction(function) or function.__module__ != getattr(plugin, "__name__", None):
        return
    if attribute in HOOKS:
        raise UnbraidError(f"the function {attribute} is not marked as a hook",
                           hint="Write @hookimpl above it (from unbraid import hookimpl).")
    _refuse_unknown(attribute)


def _refuse_unknown(hook: str) -> None:
    near = nearest(hook, HOOKS, 0.4)
    raise UnbraidError(f"there is no hook {hook}" + (f"; did you mean {near}?" if near else ""),
                       hint=f"The hooks are {', '.join(HOOKS)}.")


def _check_hook(hook: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    if hook not in HOOKS:
        _refuse_unknown(hook)
    if options.get("wrapper") or options.get("hookwrapper"):
        raise UnbraidError(f"{hook} is a hook wrapper; a plugin here cannot wrap the hooks of others",
                           hint="Remove wrapper=True.")
    if inspect.iscoroutinefunction(function):
        raise UnbraidError(f"{hook} is a coroutine (async def), which nobody would await", hint="Write it with def.")
    offered = list(inspect.signature(getattr(hooks, hook)).parameters)
    for p in inspect.signature(function).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.KEYWORD_ONLY):
            raise UnbraidError(f"{hook} has the parameter {p}; hooks have plain parameters only",
                               hint=f"It may have: {', '.join(offered) or 'none'}.")
        if p.name in offered and p.default is not p.empty:
            raise UnbraidError(f"{hook}: the argument {p.name} has a default, so it would never be given its value",
                               hint=f"Write {p.name} without a default.")
        if p.name not in offered:
            near = nearest(p.name, offered, 0.5)
            raise UnbraidError(f"{hook} has no argument {p.name!r}" + (f"; did you mean {near}?" if near else ""),
                               hint=f"It may have: {', '.join(offered) or 'none'}.")


def collect_components(manager: pluggy.PluginManager, origin: Candidate) -> list[Component]:
    """Check and return the components of the one plugin in this manager."""
    components: dict[str, Component] = {}
    for returned in manager.hook.unbraid_components():
        if isinstance(returned, str | Mapping) or not isinstance(returned, Iterable):
            raise UnbraidError(f"unbraid_components returned {type(returned).__name__}; expected a list of functions "
                               "and classes", hint="return [my_loss, MyEncoder]")
        for target in returned:
            component = make_component(target, origin)
            if component.name in components:
                raise UnbraidError(f"two components are called {component.name!r}: "
                                   f"{title_of(components[component.name].target)} and {title_of(target)}",
                                   hint=f'Give one another name: @{component.kind}(name="...")')
            components[component.name] = component
    _check_former_names(components)
    return list(components.values())


def _check_former_names(components: Mapping[str, Component]) -> None:
    taken: dict[str, str] = {name: name for name in components}
    for component in components.values():
        for old in component.formerly:
            if old in taken:
                raise UnbraidError(f"{component.name!r} was formerly {old!r}, which is also a name of {taken[old]!r}",
                                   hint="One name means one component: remove it from `formerly`.")
            taken[old] = component.name


def collect_recipes(manager: pluggy.PluginManager) -> dict[str, Path]:
    """Return the recipes of the one plugin in this manager, name -> existing YAML file."""
    recipes: dict[str, Path] = {}
    for returned in manager.hook.unbraid_recipes():
        if isinstance(returned, Mapping):
            found = {str(name): Path(path) for name, path in returned.items()}
        elif isinstance(returned, str | Path):
            folder = Path(returned)
            if not folder.is_dir():
                raise UnbraidError(f"unbraid_recipes: there is no folder {folder}",
                                   hint="Are the YAML files part of the package?")
            found = {p.stem: p for p in sorted(folder.iterdir()) if p.suffix in (".yaml", ".yml")}
        else:
            raise UnbraidError(f"unbraid_recipes returned {type(returned).__name__}; expected a folder or name -> file",
                               hint='return Path(__file__).parent / "recipes"')
        for name, path in found.items():
            if not path.is_file():
                raise UnbraidError(f"unbraid_recipes: recipe {name!r}: there is no file {path}",
                                   hint="Are the YAML files part of the package?")
            if not name or "." in name or "/" in name:
                raise UnbraidError(f"unbraid_recipes: {name!r} cannot be a recipe's name",
                                   hint="Leave out dots and slashes.")
        recipes |= found
    return recipes


def module_path(plugin: Any) -> str:
    """Return the file of a plugin's module, or an empty text."""
    module = plugin if inspect.ismodule(plugin) else inspect.getmodule(plugin)
    return getattr(module, "__file__", None) or ""
