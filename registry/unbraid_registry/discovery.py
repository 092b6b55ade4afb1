"""Search for plugins without importing them: installed distributions and single files, in a fixed order."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from unbraid_registry.errors import UnbraidError, one_line
from unbraid_registry.problems import PluginProblem, traceback_text
from unbraid_registry.settings import normalized

GROUP = "unbraid"                                  # the entry-point group of all plugins, bundled and foreign
BUNDLED = "unbraid"                                # the distribution whose plugins are bundled
_HEADER = re.compile(r"^\s*\[\s*unbraid\s*\]", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Candidate:
    """A plugin that could be loaded.  origin: the entry point's target, or the path of a file."""

    name: str
    distribution: str = ""
    version: str = ""
    bundled: bool = False
    origin: str
    load: Callable[[], Any] = attrs.field(repr=False, eq=False)

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip() if self.distribution else self.origin


def installed(path: Sequence[str] | None = None) -> tuple[list[Candidate], list[PluginProblem]]:
    """Find the plugins of all distributions: bundled ones first, then by distribution and name.

    path: folders to search instead of `sys.path`.

    Of several copies of a distribution only the one that an import would find counts. Returns plugins and problems.
    """
    candidates: list[Candidate] = []
    problems: list[PluginProblem] = []
    for distribution in _distributions(path):
        name, version = distribution.name, "?"
        try:
            version = distribution.version or "?"
            entry_points = list(distribution.entry_points.select(group=GROUP))
        except Exception as error:
            problems.append(PluginProblem(
                plugin="", distribution=name, version=version, stage="metadata", traceback=traceback_text(error),
                message=f"{name}: its list of plugins cannot be read: {one_line(error)}", remedy=f"Reinstall {name}"))
            continue
        bundled = normalized(name) == BUNDLED
        candidates += [Candidate(name=e.name, distribution=name, version=version, bundled=bundled, origin=e.value,
                                 load=e.load) for e in entry_points]
    candidates.sort(key=lambda c: (not c.bundled, normalized(c.distribution), c.name, c.origin))
    return candidates, problems


def _distributions(path: Sequence[str] | None) -> list[metadata.Distribution]:
    where: dict[str, Any] = {} if path is None else {"path": list(path)}
    names = {normalized(d.name) for d in metadata.distributions(**where) if _lists_plugins(d)}
    found = {name: list(metadata.distributions(name=name, **where)) for name in sorted(names)}
    # a folder that isn't named after its metadata: Python finds it by neither
    odd = [d for d in metadata.distributions(**where) if _lists_plugins(d) and not found[normalized(d.name)]]
    return [_first(same) for same in found.values() if same] + odd


def _lists_plugins(distribution: metadata.Distribution) -> bool:
    try:
        return bool(_HEADER.search(distribution.read_text("entry_points.txt") or "") and distribution.name)
    except Exception:                              # a broken package that is not ours: ignore it
        return False


def _first(same_name: Iterable[metadata.Distribution]) -> metadata.Distribution:
    found = list(same_name)
    folder = str(found[0].locate_file(""))
    return max((d for d in found if str(d.locate_file("")) == folder), key=_version_key)


def _version_key(distribution: metadata.Distribution) -> tuple[tuple[int, ...], str]:
    try:
        version = distribution.version or ""
    except Exception:
        version = ""
    return tuple(int(n) for n in re.findall(r"\d+", version)), version


def single_file(path: Path) -> Candidate:
    """Return the plugin in one Python file, named as the file's stem.  Raises UnbraidError where it cannot be one."""
    if path.is_dir():
        raise UnbraidError(f"plugin {path}: this is a folder; expected one Python file",
                           hint="A folder becomes a plugin as a package with an entry point: unbraid new-plugin NAME")
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.py")) if path.parent.is_dir() else []
        raise UnbraidError(f"plugin {path}: no such file",
                           hint=f"{path.parent} has {', '.join(near[:8])}" if near else "Check the path of --plugin.")
    if path.suffix != ".py":
        raise UnbraidError(f"plugin {path}: expected a Python file (.py)", hint="Check the path of --plugin.")
    if fault := name_fault(path.stem):
        raise UnbraidError(f"plugin {path}: {fault}", hint=f"Rename the file: {suggested_name(path.stem)}.py")
    return Candidate(name=path.stem, origin=str(path), load=lambda: _import_file(path))


def _import_file(path: Path) -> Any:
    module_name = f"unbraid_file_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module              # annotations and pickles look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def name_fault(name: str) -> str:
    """Return why recipes could not write `name.component`, or an empty text."""
    if name.isidentifier() and not keyword.iskeyword(name):
        return ""
    return f"{name!r} cannot be a plugin's name: recipes write name.component, so it must be a Python identifier"


def suggested_name(name: str) -> str:
    """Return a Python identifier that resembles a name.

    >>> suggested_name("3d-faces")
    'p3d_faces'
    """
    word = re.sub(r"\W", "_", name)
    return word if word.isidentifier() and not keyword.iskeyword(word) else f"p{word}"
