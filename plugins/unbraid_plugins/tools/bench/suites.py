"""Suites by name: the bundled ones, and those that plugins contribute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unbraid_configs import is_path
from unbraid_plugins.tools.bench.suite import Suite, SuiteError, read_suite
from unbraid_registry import closest, registry


def all_suites() -> dict[str, Path]:
    """Return the files of all plugins' suites by name; of two with one name, the bundled plugin's."""
    found: dict[str, Path] = {}
    for files in registry().call_by_plugin("unbraid_suites", check=_files).values():
        for file in files:
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def find_suite(name: str) -> Suite:
    """Read a suite, given its name or its file.  Raises SuiteError with the nearest name."""
    if is_path(name):
        return read_suite(Path(name).expanduser())
    known = all_suites()
    if name not in known:
        raise SuiteError(f"there is no suite {name!r}", hint=closest(name, known) or f"there is {', '.join(known)}")
    return read_suite(known[name])


def _files(given: Any) -> list[Path]:
    if not isinstance(given, str | Path) or not Path(given).is_dir():
        raise SuiteError(f"unbraid_suites gave {given!r}; expected a folder of YAML files",
                         hint='return Path(__file__).parent / "suites"')
    return sorted(Path(given).glob("*.yaml"))
