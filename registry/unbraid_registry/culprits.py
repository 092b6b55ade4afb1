"""Whose code failed: a plugin's, or our own."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from unbraid_registry.default import loaded_so_far


def culprit(error: BaseException) -> str:
    """Whose fault an exception is: the plugin's in whose file the innermost frame of the project lies, or unbraid's."""
    plugins = _files_of_plugins()
    own = tuple(str(Path(sys.modules[name].__file__ or "").parent) + os.sep
                for name in ("unbraid", "unbraid_registry", "unbraid_configs") if name in sys.modules)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        for place, description in plugins:
            if frame.filename == place or (place.endswith(os.sep) and frame.filename.startswith(place)):
                return description
        if frame.filename.startswith(own):
            break
    return "unbraid"


def _files_of_plugins() -> list[tuple[str, str]]:
    """The file of every loaded plugin (its folder where it is a package), and what to call the plugin."""
    loaded, found = loaded_so_far(), []
    for info in loaded.plugins if loaded else ():
        if info.status == "loaded" and info.path:
            path = Path(info.path)
            place = str(path.parent) + os.sep if path.name in ("__init__.py", "hooks.py") else str(path)
            found.append((place, f"the plugin {info.name!r}" + (f" ({info.origin})" if not info.bundled else "")))
    return sorted(found, key=lambda f: -len(f[0]))
