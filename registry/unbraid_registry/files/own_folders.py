"""Folders of the user's own, which nobody else can write into."""

from __future__ import annotations

import os
from pathlib import Path


def own_cache() -> Path:
    """Return $UNBRAID_CACHE, else `unbraid` in $XDG_CACHE_HOME, else ~/.cache/unbraid.

    Raises RuntimeError without a home folder.
    """
    if own := os.environ.get("UNBRAID_CACHE"):
        return Path(own).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "unbraid"
