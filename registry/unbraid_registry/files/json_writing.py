"""JSON as the standard has it: no NaN, no infinity; and no longer than its readers read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unbraid_registry.errors import UnbraidError
from unbraid_registry.files.reading import size_text
from unbraid_registry.files.writing import FileError, write_whole


def to_json(value: Any, *, indent: int | None = None, ensure_ascii: bool = True) -> str:
    """Return a value as JSON; numbers that are not finite become null, and things that JSON does not know their texts.

    >>> to_json({"loss": math.nan, "step": 3})
    '{"loss": null, "step": 3}'
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, default=str, allow_nan=False)
    except ValueError:                             # it has such numbers
        return json.dumps(_finite(value), indent=indent, ensure_ascii=ensure_ascii, default=str, allow_nan=False)


def write_json(path: Path, value: Any, most: int, *, error: type[UnbraidError] = FileError,
               hint: str = "or choose another --out") -> Path:
    """Write a JSON file whole or not at all, and return its path.  most: bytes that its readers read.

    Raises `error`, also where it would be larger: then what was there stays.
    """
    text = to_json(value, indent=1) + "\n"
    if len(text.encode()) > most:
        raise error(f"{path} would be larger than {size_text(most)}, and could not be read again",
                    hint="use data with fewer fields and classes, or shorter names of them")
    return write_whole(path, text, error=error, hint=hint)


def _finite(v: Any) -> Any:
    if isinstance(v, float):
        return v if math.isfinite(v) else None
    if isinstance(v, Mapping):
        return {key: _finite(x) for key, x in v.items()}
    return [_finite(x) for x in v] if isinstance(v, list | tuple) else v
