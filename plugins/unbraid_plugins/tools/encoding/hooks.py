"""The hooks of this plugin: the source `encoded`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the source."""
    from unbraid_plugins.tools.encoding.codes import Encoded

    return [Encoded]
