"""The formats of exports, and the choice of one by an option or by the name of the file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from unbraid_registry import UnbraidError

PROGRAMS = ("onnx", "torch")
TABLES = ("npz", "parquet", "projector")
SUFFIXES = {".onnx": "onnx", ".pt2": "torch", ".npz": "npz", ".parquet": "parquet", ".pq": "parquet"}


def format_of(path: str, asked: str | None = None, possible: Sequence[str] = (*PROGRAMS, *TABLES)) -> str:
    """Return the format of a file; a folder (no suffix, or a final slash) is for the projector.

    asked: the format that the user chose; it overrides the suffix.
    possible: the formats that are allowed.

    Raises ExportError.

    >>> format_of("encode.onnx"), format_of("codes.pq"), format_of("a.b/")
    ('onnx', 'parquet', 'projector')
    """
    suffix = Path(path).suffix.lower()
    found = asked or ("projector" if path.endswith("/") or not suffix else SUFFIXES.get(suffix))
    if found is None:
        raise ExportError(f"the suffix {suffix} tells no format",
                          hint=f"there is {listed(list(SUFFIXES))}, and a folder for the projector; or give --format")
    if found not in possible:
        raise ExportError(f"{path} would be written as {found}; possible here is {listed(list(possible))}")
    return found


NEEDS = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "parquet": ("pyarrow",)}


class ExportError(UnbraidError):
    """An export that is not possible."""


def need(format: str) -> None:
    """Raise ExportError, with the pip command as its hint, if packages that a format needs are missing."""
    missing = [name for name in NEEDS.get(format, ()) if find_spec(name) is None]
    if missing:
        raise ExportError(f"an export as {format} needs {listed(missing)}, which {is_or_are(missing)} not installed",
                          hint="pip install 'unbraid[export]'")


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def is_or_are(names: Sequence[str]) -> str:
    """Return the verb for this many names: is or are."""
    return "is" if len(names) == 1 else "are"
