"""`unbraid doctor`: check versions, devices, folders and plugins, and show the tracebacks of problems."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import columns, indented, one_of
from unbraid_registry.origin import version_of
from unbraid_registry.terminal import echo, style

if TYPE_CHECKING:
    from unbraid_registry import Registry

PACKAGES = ("unbraid", "torch", "torchvision", "numpy", "attrs", "cattrs", "click", "matplotlib", "moderngl", "pluggy",
            "rich", "ruamel.yaml", "safetensors", "scikit-learn", "tensorboardX")
LITTLE = 2 << 30                                   # bytes; less free disk space is yellow
SLOW = 1.0                                         # seconds; a plugin that takes longer to load gets a line


@click.command("doctor")
@click.argument("plugin", required=False, metavar="[PLUGIN]")
def command(plugin: str | None) -> int:
    """Check the installation: versions, devices, OpenGL, plugins.

    With PLUGIN, show what it contributes, or why it is not loaded.  The exit code is 1 if there is a problem.
    """
    from unbraid_registry import registry

    loaded = registry()
    if plugin is not None:
        one_of(plugin, {**{p.name: "" for p in loaded.plugins}, **{p.plugin: "" for p in loaded.problems}}, "plugin")
        return of_plugin(loaded, plugin)
    for title, rows in (("Versions", versions()), ("Devices", devices()), ("Places", places()),
                        ("What plugins found", findings(loaded))):
        echo(style(title, bold=True))
        echo(columns([[*row] for row in rows], indent="  "))
    echo(style("Plugins", bold=True))
    good = [p for p in loaded.plugins if p.status == "loaded"]
    echo(f"  {len(good)} loaded with {sum(p.components for p in good)} components: "
               f"{', '.join(p.name for p in good)}")
    for p in loaded.plugins:
        if p.status == "blocked":
            echo(f"  {p.name} is blocked by {p.reason}")
        elif p.seconds > SLOW and not p.bundled:
            echo(f"  {p.name} took {p.seconds:.1f} s to load ({p.origin})", fg="yellow")
    echo(f"  loaded in {sum(p.seconds for p in loaded.plugins):.1f} s")
    for problem in loaded.problems:
        tell(problem.message, problem.remedy, problem.traceback)
    return 1 if loaded.problems else 0


def of_plugin(loaded: Registry, name: str) -> int:
    """Print everything about one plugin and return the exit code."""
    for p in loaded.plugins:
        if p.name == name:
            echo(f"{p.name}: {p.status}{f' by {p.reason}' if p.reason else ''}, {p.origin}")
            echo(f"  {p.path}")
            if p.seconds:
                echo(f"  loaded in {p.seconds:.2f} s")
    rows = [[c.kind, c.full_name, c.summary] for c in loaded.catalog.all() if c.plugin == name]
    if rows:
        echo(columns(rows, indent="  "))
    commands, hooks = contributed(loaded, name)
    for what, names in (("commands", commands), ("hooks", hooks)):
        if names:
            echo(f"  {what}: {', '.join(names)}")
    problems = [p for p in loaded.problems if p.plugin == name]
    for problem in problems:
        tell(problem.message, problem.remedy, problem.traceback)
    return 1 if problems else 0


def contributed(loaded: Registry, name: str) -> tuple[list[str], list[str]]:
    """Return the names of a plugin's commands, and of the hooks that it implements."""
    commands = loaded.call_one(name, "unbraid_commands") or ()
    return sorted(getattr(c, "name", None) or "?" for c in commands), loaded.hooks_of(name)


def tell(message: str, remedy: str, traceback: str) -> None:
    """Print a problem with its remedy and its traceback."""
    echo(f"  {message}", fg="yellow")
    if remedy:
        echo(f"    {remedy}")
    if traceback:
        echo(style(indented(traceback, "    | "), dim=True))


def versions() -> Iterator[tuple[str, str]]:
    """Yield the versions of Python and of the needed packages."""
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield from ((name, version_of(name) or style("not installed", fg="red")) for name in PACKAGES)


def devices() -> Iterator[tuple[str, str]]:
    """Yield the devices on which networks can run."""
    import torch

    from unbraid.engine import without_bfloat16

    lacking = ", no fast bfloat16" if without_bfloat16(torch.device("cpu")) else ""
    yield "cpu", f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads{lacking}"
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(i)
            yield f"cuda:{i}", f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB"
    else:
        yield "cuda", "none"


def findings(loaded: Registry) -> Iterator[tuple[str, str]]:
    """Yield what the plugins' hooks `unbraid_doctor` found; problems are red."""
    for lines in loaded.call_by_plugin("unbraid_doctor", check=list).values():
        for what, found, well in lines:
            yield str(what), str(found) if well else style(str(found), fg="red")


def places() -> Iterator[tuple[str, str]]:
    """Yield the folders that are written to, with their free space, and whether they can be written."""
    for what, folder in (("working folder", Path.cwd()), ("temporary files", Path(tempfile.gettempdir())),
                         ("torch's cache", Path(os.environ.get("TORCH_HOME", "~/.cache/torch")).expanduser())):
        there = next(p for p in (folder, *folder.parents) if p.exists())
        free = shutil.disk_usage(there).free
        can = os.access(there, os.W_OK)
        words = f"{free / 2**30:.1f} GiB free"
        if not can:
            words = style("can't be written to", fg="red")
        elif free < LITTLE:
            words = style(f"only {words}", fg="yellow")
        yield what, f"{folder}  {words}"
