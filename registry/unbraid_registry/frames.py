"""Lines of plugins' code in tracebacks."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

import attrs

from unbraid_registry.problems import PluginInfo


@attrs.frozen
class Owner:
    """The place of a plugin's code: a file, or a folder that ends in a separator."""

    place: str
    info: PluginInfo

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"the plugin {self.info.name!r}" + (f" ({self.info.origin})" if not self.info.bundled else "")

    def has(self, file: str) -> bool:
        """Whether a file is its code."""
        return file == self.place or (self.place.endswith(os.sep) and file.startswith(self.place))


def failed_in(error: BaseException, plugins: Iterable[PluginInfo]) -> tuple[Owner | None, str]:
    """Return which of these plugins' code raised an exception, and the line: `networks.py:42 in forward`.

    The innermost frame that lies in a plugin or in Unbraid decides. Frames of other libraries are skipped.
    """
    owners = _owners(plugins)
    own = tuple(str(Path(sys.modules[name].__file__ or "").parent) + os.sep
                for name in ("unbraid", "unbraid_registry", "unbraid_configs") if name in sys.modules)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        owner = next((o for o in owners if o.has(frame.filename)), None)
        if owner is not None:
            return owner, f"{_short(frame.filename)}:{frame.lineno} in {frame.name}"
        if frame.filename.startswith(own):
            break
    return None, ""


def _short(file: str) -> str:
    """Return a path as one would type it here: relative where it lies below the working folder."""
    relative = os.path.relpath(file)
    return file if relative.startswith(os.pardir) else relative


def _owners(plugins: Iterable[PluginInfo]) -> list[Owner]:
    """Return the places of the loaded ones of these plugins, longest paths first."""
    found = []
    for info in plugins:
        if info.status == "loaded" and info.path:
            path = Path(info.path)
            folder = path.parent
            if not info.bundled and (folder / "__init__.py").is_file():     # a plugin's code is its whole package
                while (folder.parent / "__init__.py").is_file():
                    folder = folder.parent
                found.append(Owner(str(folder) + os.sep, info))
            else:
                found.append(Owner(str(folder) + os.sep if path.name in ("__init__.py", "hooks.py") else str(path),
                                    info))
    return sorted(found, key=lambda o: -len(o.place))
