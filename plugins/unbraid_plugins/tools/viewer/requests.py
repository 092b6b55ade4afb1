"""Limits and errors of requests. Their file imports no arrays, so that the server begins at once."""

from __future__ import annotations

from unbraid_registry import UnbraidError

MOST_UPLOAD = 8 << 20                              # bytes of a picture file


class ControlError(UnbraidError):
    """Raised for a value that a control can't take."""


class Superseded(Exception):
    """A request that a newer one of the same tab and view has made useless."""
