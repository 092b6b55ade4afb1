"""Settings that select the plugins to load: options, and environment variables where an option is not given."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from unbraid_registry.errors import UnbraidError

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def normalized(distribution: str) -> str:
    """Return a distribution's name as installers compare it: `Acme_TV` and `acme-tv` are the same."""
    return distribution.lower().replace("_", "-").replace(".", "-")


@attrs.frozen(kw_only=True)
class Settings:
    """The plugins to load.  block: name of a plugin or distribution -> the option or variable that blocks it."""

    files: tuple[Path, ...] = ()
    block: Mapping[str, str] = attrs.Factory(dict)
    strict: bool = False
    bundled_only: bool = False

    @classmethod
    def read(cls, *, files: Iterable[str | Path] = (), block: Iterable[str] = (), strict: bool | None = None,
             bundled_only: bool | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from options, then from the environment.

        UNBRAID_PLUGINS_BLOCK adds to `block`. UNBRAID_PLUGINS_STRICT and UNBRAID_PLUGINS replace options that are None.

        Raises UnbraidError for a variable with an invalid value.
        """
        environ = os.environ if environ is None else environ
        from_environment = (name.strip() for name in environ.get("UNBRAID_PLUGINS_BLOCK", "").split(","))
        blocked = {name: "UNBRAID_PLUGINS_BLOCK" for name in from_environment if name}
        blocked |= {name: f"--no-plugin {name}" for name in block}
        if strict is None:
            strict = _switch("UNBRAID_PLUGINS_STRICT", environ)
        if bundled_only is None:
            bundled_only = _core_only(environ)
        return cls(files=tuple(dict.fromkeys(Path(f).expanduser().resolve() for f in files)), block=blocked,
                   strict=strict, bundled_only=bundled_only)

    def blocks(self, plugin: str, distribution: str, bundled: bool) -> str:
        """Return the option or variable that blocks this plugin, or an empty text."""
        for name, reason in self.block.items():
            if name == plugin or (distribution and normalized(name) == normalized(distribution)):
                return reason
        return "UNBRAID_PLUGINS=core" if self.bundled_only and distribution and not bundled else ""


def _switch(variable: str, environ: Mapping[str, str]) -> bool:
    value = environ.get(variable, "").strip().lower()
    if value not in _TRUE + _FALSE:
        raise UnbraidError(f"{variable} is {value!r}; expected 1 or 0", hint=f"Set {variable}=1, or unset it.")
    return value in _TRUE


def _core_only(environ: Mapping[str, str]) -> bool:
    value = environ.get("UNBRAID_PLUGINS", "").strip().lower()
    if value not in ("", "core"):
        raise UnbraidError(f"UNBRAID_PLUGINS is {value!r}; the only value that it knows is core (bundled plugins only)",
                           hint="To leave out single plugins: UNBRAID_PLUGINS_BLOCK=a,b")
    return value == "core"
