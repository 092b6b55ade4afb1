"""The format of an export, by what was asked for or by the name of the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unbraid.export.faults import ExportError, listed

PROGRAMS = ("onnx", "torch")
TABLES = ("npz", "parquet", "projector")
SUFFIXES = {".onnx": "onnx", ".pt2": "torch", ".npz": "npz", ".parquet": "parquet", ".pq": "parquet"}


def format_of(path: str, asked: str | None = None, possible: Sequence[str] = (*PROGRAMS, *TABLES)) -> str:
    """The format of a file; a folder (no suffix, or a slash behind) is for the projector.  Raises ExportError.

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
