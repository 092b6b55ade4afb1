"""The registry of this process: plugins are found at the first use, and each is loaded when it is needed."""

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
    """Set which plugins `registry()` loads (see `load_registry`).

    Call it before the first use. A later call with other options makes the next use load all plugins again.
    """
    global _loader, _options
    options: dict[str, object] = {"files": tuple(files), "block": tuple(block), "strict": strict,
                                  "bundled_only": bundled_only}
    with _lock:
        if options != _options:
            _loader, _options = None, options


def registry() -> Registry:
    """Load all plugins of this process and return the registry.

    Raises UnbraidError where a plugin calls this while plugins are being loaded.
    """
    return _load(lambda _: True)


def load_plugin(name: str) -> Registry:
    """Load the bundled plugin of this name, unless it is blocked, and return the registry with all loaded plugins."""
    return _load(lambda candidate: candidate.bundled and candidate.name == name)


def load_foreign() -> Registry:
    """Load all plugins that are not bundled, and return the registry with all loaded plugins."""
    return _load(lambda candidate: not candidate.bundled)


def loaded_so_far() -> Registry | None:
    """Return the registry with the plugins that are loaded until now, or None before the first use."""
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
