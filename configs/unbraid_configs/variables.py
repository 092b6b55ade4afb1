"""Environment variables in a recipe's paths: kept as they are written, and replaced where a path is used.

Only `${NAME}` whose name begins with UNBRAID_ is replaced, and names that the user lists in UNBRAID_ENV. So a recipe
that somebody sent can't read other variables, and a recipe as it is written and shown never has a value of one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = re.compile(r"(\$?)\$\{([^{}]*)\}")
ALLOWED = "UNBRAID_ENV"
PLACES = ("path", "labels", "root", "folder", "file", "run", "weights", "from")    # keys whose texts are paths


class PathText(str):
    """A path as a recipe has it, with its variables: `${UNBRAID_DATA}/faces`."""

    __slots__ = ()

    def faults(self, environ: Mapping[str, str] | None = None, *, keep_unset: bool = False) -> list[tuple[str, str]]:
        """Return what is wrong with its variables, each as a message and a remedy."""
        found = []
        for escaped, inside in VARIABLE.findall(self):
            name, has_default, _ = inside.partition(":-")
            if escaped:
                continue
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                found.append((f"${{{inside}}} names no environment variable",
                              "write ${NAME}, ${NAME:-default}, or $${...} where the text itself is meant"))
            elif not is_allowed(name, environ):
                found.append((f"the environment variable {name} is not read: its name does not begin with UNBRAID_",
                              f"if this recipe may read it: export {ALLOWED}={name}"))
            elif not keep_unset and not has_default and name not in _of(environ):
                found.append((f"the environment variable {name} is not set", f"set it (export {name}=...), override "
                              f"this value, or write ${{{name}:-default}} for a default"))
        return found

    def replaced(self, environ: Mapping[str, str] | None = None) -> str:
        """Return the path with the values of its variables; those that can't be read stay as they are."""
        def value(found: re.Match[str]) -> str:
            escaped, (name, has_default, default) = found[1], found[2].partition(":-")
            if escaped:
                return found[0][1:]
            own = _of(environ).get(name) if is_allowed(name, environ) else None
            return own or (default if has_default else found[0] if own is None else "")

        return VARIABLE.sub(value, self)


def is_allowed(name: str, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether recipes may read an environment variable."""
    return name.startswith("UNBRAID_") or name in re.split(r"[\s,]+", _of(environ).get(ALLOWED, ""))


def _of(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ


def as_written(message: str, *paths: Any) -> str:
    """Return a message with the variables of paths in place of their values.  paths: other values are ignored."""
    for path in paths:
        if isinstance(path, PathText):
            text, value = path.partition("#")[0], path.replaced().partition("#")[0]      # RUN#network
            for form in {str(Path(value).expanduser().resolve()), str(Path(value).expanduser()), value} - {""}:
                message = message.replace(form, text)
    return message


def escape(text: str) -> str:
    """Escape the variables in a text, so that it is read back as it is."""
    return text if isinstance(text, PathText) else VARIABLE.sub(lambda found: f"${found[0]}", text)
