"""The catalogue of everything that is installed: recipes, components with their options, commands with theirs."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click

from unbraid.cli import foreign_commands
from unbraid_configs import all_recipes, title_of
from unbraid_configs.checking import words
from unbraid_plugins.tools.lookup import kept
from unbraid_registry import KINDS, Component, Option, Registry, called_function, inputs_of, registry

Entry = dict[str, Any]


def catalogue(plain: bool = True) -> dict[str, Any]:
    """Return the catalogue: the kept one if it is up to date, else a new one, which is kept.

    plain: whether the plugins are those of every process; otherwise (`--plugin`, `--no-plugin`) nothing is kept.
    """
    if plain and (found := kept.read()) is not None:
        return found
    loaded = registry()
    made = {"entries": list(entries(loaded)), "problems": [str(p) for p in loaded.problems],
            "installed": installed(loaded), "shown": {}}
    if plain:
        keep(made, loaded)
    return made


def keep_shown(name: str, text: str) -> None:
    """Keep a recipe as it is shown, beside what the catalogue has already."""
    if (found := kept.read()) is not None:
        made = {part: found[part] for part in ("entries", "problems", "installed")}
        keep({**made, "shown": {**found["shown"], name: text}}, registry())


def installed(loaded: Registry) -> dict[str, Any]:
    """Return the plugins, their problems, and the commands of those that are not bundled."""
    return {"plugins": [attrs.asdict(p) for p in loaded.plugins],
            "problems": [{k: v for k, v in attrs.asdict(p).items() if k != "traceback"} for p in loaded.problems],
            "commands": sorted(foreign())}


def foreign() -> dict[str, click.Command]:
    """Return the commands of plugins that are not bundled, which are asked for once in a command line."""
    context = click.get_current_context(silent=True)
    if context is None:
        return {}
    if (meta := context.meta).get(__name__) is None:
        meta[__name__] = foreign_commands(context)
    return meta[__name__]


def keep(made: dict[str, Any], loaded: Registry) -> None:
    """Write the catalogue into the user's cache folder, whole or not at all; where that fails, it is made each time."""
    file = kept.place()
    if file is None:
        return
    content = {"state": kept.state(), "files": kept.stamps(files_of(loaded)), **made, "commands": commands()}
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=os.path.dirname(file), prefix=".catalogue-")      # the user's alone
        try:
            with open(handle, "w", encoding="utf-8") as opened:
                json.dump(content, opened)
            os.replace(scratch, file)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise


def files_of(loaded: Registry) -> set[str]:
    """Return the files that the catalogue is made of: recipes, their folders, and the modules of all plugins."""
    recipes = all_recipes(loaded).values()
    roots = {str(Path(p.path).parent) for p in loaded.plugins if p.path.endswith("__init__.py") and not p.bundled}
    own = tuple(f"{root}{os.sep}" for root in roots)
    single = {p.path for p in loaded.plugins if p.path.endswith(".py")}
    modules = {m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
    ours = {str(file) for file in modules if str(file).startswith(own) or (".dist-info" not in str(file)
            and f"{os.sep}unbraid_" in str(file))}
    return {*map(str, recipes), *(str(r.parent) for r in recipes), *single, *ours, *roots}


def commands() -> dict[str, list[str]]:
    """Return every command with its options."""
    context, found = click.get_current_context(silent=True), dict[str, list[str]]()
    root = context.find_root() if context else None
    if root is not None and isinstance(root.command, click.Group):
        for name in root.command.list_commands(root):
            own = root.command.get_command(root, name)
            found[name] = [option for p in (own.params if own else ()) for option in (*p.opts, *p.secondary_opts)
                           if isinstance(p, click.Option)]
    for name, command in foreign().items():
        found.setdefault(name, [o for p in command.params for o in p.opts])
    return found


def entries(loaded: Registry) -> Iterator[Entry]:
    """Yield an entry for every recipe and every component."""
    for name, file in sorted(all_recipes(loaded).items()):
        plugin, dot, _ = name.partition(".")
        yield {"kind": "recipe", "name": name, "plugin": plugin if dot else "unbraid", "summary": title_of(file),
               "location": str(file)}
    everything = loaded.catalog.all()
    bare = [c.name for c in everything if c.bundled]
    for kind in KINDS:
        for c in loaded.catalog.all(kind):
            yield entry(c, c.name if c.bundled and bare.count(c.name) == 1 else c.full_name)


def entry(c: Component, name: str) -> Entry:
    """Return all that is to be known of a component, as texts."""
    return {"kind": c.kind, "name": name, "plugin": c.plugin, "summary": c.summary, "location": c.location,
            "full_name": c.full_name, "origin": f"{c.distribution} {c.version}".strip() or "a file",
            "doc": inspect.getdoc(c.target) or "", "options": [_option(o) for o in c.options], "takes": takes(c),
            "gives": gives(c), "renamed": dict(c.renamed), "formerly": list(c.formerly), "better": c.better}


def _option(o: Option) -> dict[str, str]:
    factory = getattr(o.default, "factory", None)
    try:
        default = "" if o.required else repr(factory() if factory else o.default)
    except Exception as error:                     # of a plugin's code; whoever uses the option is told then
        default = f"({type(error).__name__})"
    return {"name": o.name, "type": words(o.type), "default": default}


PROMISES = {
    "encoder": ("images (B, C, H, W) in [0, 1]", "a code (B, D), a Gaussian over it, or a record of several"),
    "generator": ("codes (B, D)", "images (B, C, H, W) in [0, 1], or logits where it says so"),
    "critic": ("images, pairs or codes", "scores (B, n), unbounded; high is real"),
    "renderer": ("a scene and a view", "images (B, C, H, W) in [0, 1]"),
    "source": ("", "images and their fields"),
}


def takes(c: Component) -> str:
    """Return what a component is called with."""
    if c.kind in PROMISES or c.kind == "network":
        inputs = list(inspect.signature(c.target.build).parameters)[2:] if hasattr(c.target, "build") else []
        return PROMISES.get(c.kind, ("",))[0] or ", ".join(inputs)
    return ", ".join(f"{p.name}: {_name(p.annotation)}" if p.annotation is not p.empty else p.name
                     for p in inputs_of(c))


def gives(c: Component) -> str:
    """Return what a component gives."""
    if c.kind in PROMISES:
        return PROMISES[c.kind][1]
    if c.kind == "loss":
        return "a scalar, the mean over the batch"
    found = inspect.signature(called_function(c)).return_annotation if hasattr(c.target, "__call__") else ""  # noqa: B004
    return "" if found in (inspect.Signature.empty, "") else _name(found)


def _name(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return annotation.__name__ if inspect.isclass(annotation) and not attrs.has(annotation) and not getattr(
        annotation, "__args__", None) else getattr(annotation, "__name__", str(annotation))
