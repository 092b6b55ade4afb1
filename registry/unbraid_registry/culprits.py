"""The owner of code that failed, a plugin or Unbraid itself, and the line of its code."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import attrs

from unbraid_registry.component import Component
from unbraid_registry.default import loaded_so_far
from unbraid_registry.errors import UnbraidError
from unbraid_registry.problems import PluginInfo

MOST = 1000                                        # characters of an exception's message that are shown


@attrs.frozen
class _Owner:
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


def culprit(error: BaseException) -> str:
    """Return the plugin whose code raised an exception, as messages name it, or "unbraid".

    The innermost frame that lies in a plugin or in Unbraid decides. Frames of other libraries are skipped.
    """
    owner = _found(error)[0]
    return owner.title if owner else "unbraid"


def line_of(error: BaseException) -> str:
    """Return the line of a plugin's code that raised an exception: `networks.py:42 in forward`; empty if none did."""
    return _found(error)[1]


def fault_of(error: BaseException, component: Component | None = None) -> str:
    """Return an exception as messages show it: type, whole message, and line of the plugin's code.

    component: the component that was being built or called.

    A ValueError of ours, or an error for users, was written to be read as it is: it gets neither type nor line.
    """
    text = " ".join(str(error.message if isinstance(error, UnbraidError) else error).split())
    text = text if len(text) <= MOST else f"{text[:MOST]} ..."
    owner, line = _found(error)
    if isinstance(error, UnbraidError):
        return text
    foreign = not owner.info.bundled if owner else component is not None and not component.bundled
    if isinstance(error, ValueError | RuntimeError) and text and not foreign:
        return text
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    at = f", at {line}" if line else ""
    return f"{said}{at}" + (f", of {owner.title}" if owner and foreign else "")


def _found(error: BaseException) -> tuple[_Owner | None, str]:
    """Return the plugin whose code failed, and the line: the innermost frame of a plugin or of Unbraid decides."""
    owners = _owners()
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


def _owners() -> list[_Owner]:
    """Return the places of all loaded plugins, longest paths first."""
    loaded, found = loaded_so_far(), []
    for info in loaded.plugins if loaded else ():
        if info.status == "loaded" and info.path:
            path = Path(info.path)
            folder = path.parent
            if not info.bundled and (folder / "__init__.py").is_file():     # a plugin's code is its whole package
                while (folder.parent / "__init__.py").is_file():
                    folder = folder.parent
                found.append(_Owner(str(folder) + os.sep, info))
            else:
                found.append(_Owner(str(folder) + os.sep if path.name in ("__init__.py", "hooks.py") else str(path),
                                    info))
    return sorted(found, key=lambda o: -len(o.place))
