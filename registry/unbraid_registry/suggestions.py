"""Plugins that exist but may not be installed: the name of a plugin -> the package that brings it.

The list is shipped with Unbraid (`known_plugins.json`) and read offline. A package is added when it is published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources


def known_plugins(text: str | None = None) -> Mapping[str, str]:
    """Return plugin name -> package name.  text: other JSON than the shipped file.  Raises ValueError for bad content.

    >>> known_plugins('{"format": 1, "plugins": {"munit": "unbraid-munit"}}')
    {'munit': 'unbraid-munit'}
    """
    if text is None:
        text = resources.files("unbraid_registry").joinpath("known_plugins.json").read_text("utf-8")
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != 1 or not isinstance(content.get("plugins"), dict):
        raise ValueError("known plugins: expected {'format': 1, 'plugins': {name: package}}")
    for name, package in content["plugins"].items():
        if not name.isidentifier() or not isinstance(package, str) or not package:
            raise ValueError(f"known plugins: {name!r}: {package!r} is not a plugin's name and a package")
    return dict(content["plugins"])
