"""The owner of code that failed, a plugin or Unbraid itself, and the line of its code."""

from __future__ import annotations

from unbraid_registry.component import Component
from unbraid_registry.default import loaded_so_far
from unbraid_registry.errors import UnbraidError
from unbraid_registry.frames import Owner, failed_in

MOST = 1000                                        # characters of an exception's message that are shown


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
    summary = f"{type(error).__name__}: {text}" if text else type(error).__name__
    at = f", at {line}" if line else ""
    return f"{summary}{at}" + (f", of {owner.title}" if owner and foreign else "")


def _found(error: BaseException) -> tuple[Owner | None, str]:
    loaded = loaded_so_far()
    return failed_in(error, loaded.plugins if loaded else ())
