"""The registry of this process: loaded when it is first asked for, and never by an import."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from unbraid_registry.errors import UnbraidError
from unbraid_registry.loader import load_with
from unbraid_registry.plugins import Registry
from unbraid_registry.settings import Settings

_lock = threading.RLock()
_options: dict[str, object] = {}
_loaded: Registry | None = None
_loading = False


def configure(files: Iterable[str | Path] = (), block: Iterable[str] = (), strict: bool | None = None,
              bundled_only: bool | None = None) -> None:
    """Say which plugins `registry()` loads (see `load_registry`).

    To be called before the first use. Called later with other options, it makes the next use load anew.
    """
    global _loaded, _options
    options: dict[str, object] = {"files": tuple(files), "block": tuple(block), "strict": strict,
                                  "bundled_only": bundled_only}
    with _lock:
        if options != _options:
            _loaded, _options = None, options


def registry() -> Registry:
    """The plugins of this process.  Raises UnbraidError when a plugin asks while it is itself being loaded."""
    global _loaded, _loading
    with _lock:
        if _loading:
            raise UnbraidError("the registry was asked for while plugins are being loaded",
                               hint="A plugin must not use registry() when it is imported; use it in a function.")
        if _loaded is None:
            _loading = True
            try:
                _loaded = load_with(Settings.read(**_options))  # type: ignore[arg-type]
            finally:
                _loading = False
        return _loaded
