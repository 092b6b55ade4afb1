"""Files that gzip compressed, expanded within bounds."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from pathlib import Path

from unbraid import UnbraidError

MAGIC = b"\x1f\x8b"


def expanded(data: bytes, file: Path, most: int) -> bytes:
    """Return the content of a file that gzip compressed, and every other one as it is.

    most: bytes that come out at most.

    Raises UnbraidError where it is broken, or has more.
    """
    if not data.startswith(MAGIC):
        return data
    try:
        with gzip.open(BytesIO(data)) as packed:
            found = packed.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnbraidError(f"{file} can't be expanded: {str(error)[:80]}", hint="is it whole?") from None
    if len(found) > most:
        raise UnbraidError(f"{file} has more than {most >> 20:,} MiB when it is expanded", hint="make it smaller")
    if not found:
        raise UnbraidError(f"{file} is empty when it is expanded")
    return found
