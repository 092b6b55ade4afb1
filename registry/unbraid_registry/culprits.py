"""The owner of code that failed: a plugin, or Unbraid itself."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from unbraid_registry.default import loaded_so_far


def culprit(error: BaseException) -> str:
    """Return the plugin whose code raised an exception, as messages name it, or "unbraid".

    The innermost frame that lies in a plugin or in Unbraid decides. Frames of other libraries are skipped.
    """
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
    """Return the file of every loaded plugin (a package's folder) and its name in messages, longest paths first."""
    loaded, found = loaded_so_far(), []
    for info in loaded.plugins if loaded else ():
        if info.status == "loaded" and info.path:
            path = Path(info.path)
            place = str(path.parent) + os.sep if path.name in ("__init__.py", "hooks.py") else str(path)
            found.append((place, f"the plugin {info.name!r}" + (f" ({info.origin})" if not info.bundled else "")))
    return sorted(found, key=lambda f: -len(f[0]))
