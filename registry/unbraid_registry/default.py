"""The plugins of this process: found when they are first asked for, and each loaded when it is wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from unbraid_registry.discovery import Candidate
from unbraid_registry.errors import UnbraidError
from unbraid_registry.loaded import Registry
from unbraid_registry.loader import Loader
from unbraid_registry.settings import Settings

_lock = threading.RLock()
_options: dict[str, object] = {"files": (), "block": (), "strict": None, "bundled_only": None}
_loader: Loader | None = None
_loading = False


def configure(files: Iterable[str | Path] = (), block: Iterable[str] = (), strict: bool | None = None,
              bundled_only: bool | None = None) -> None:
    """Say which plugins `registry()` loads (see `load_registry`).

    To be called before the first use. Called later with other options, it makes the next use load anew.
    """
    global _loader, _options
    options: dict[str, object] = {"files": tuple(files), "block": tuple(block), "strict": strict,
                                  "bundled_only": bundled_only}
    with _lock:
        if options != _options:
            _loader, _options = None, options


def registry() -> Registry:
    """All plugins of this process.  Raises UnbraidError when a plugin asks while it is itself being loaded."""
    return _load(lambda _: True)


def load_plugin(name: str) -> Registry:
    """The registry with the bundled plugin of this name, if it is not blocked, and those that were loaded before."""
    return _load(lambda candidate: candidate.bundled and candidate.name == name)


def load_foreign() -> Registry:
    """The registry with all plugins that are not bundled, and those that were loaded before."""
    return _load(lambda candidate: not candidate.bundled)


def loaded_so_far() -> Registry | None:
    """The registry with the plugins that were wanted so far; None where nobody has asked yet."""
    return None if _loader is None else _loader.registry


def _load(wanted: Callable[[Candidate], bool]) -> Registry:
    global _loader, _loading
    with _lock:
        if _loading:
            raise UnbraidError("the registry was asked for while plugins are being loaded",
                               hint="A plugin must not use registry() when it is imported; use it in a function.")
        if _loader is None:
            _loader = Loader.find(Settings.read(**_options))  # type: ignore[arg-type]
        _loading = True
        try:
            return _loader.load(wanted)
        except BaseException:
            _loader = None                         # in strict mode: the next use finds the same problem
            raise
        finally:
            _loading = False
