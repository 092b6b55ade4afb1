"""What can go wrong in an export, and the packages that its formats need."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from unbraid_registry.errors import UnbraidError

NEEDS = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "parquet": ("pyarrow",)}


class ExportError(UnbraidError):
    """Something that can't be exported, or not in this way."""


def need(format: str) -> None:
    """Raise ExportError with the pip line where packages that a format needs are absent."""
    missing = [name for name in NEEDS.get(format, ()) if find_spec(name) is None]
    if missing:
        raise ExportError(f"an export as {format} needs {listed(missing)}, which {is_or_are(missing)} not installed",
                          hint="pip install 'unbraid[export]'")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def is_or_are(names: Sequence[str]) -> str:
    """The verb for so many names."""
    return "is" if len(names) == 1 else "are"
