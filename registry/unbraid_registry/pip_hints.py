"""Lines to paste that install a distribution which a file names: nothing in them says more to a shell."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")         # as PEP 508 has it
VERSION = re.compile(r"[A-Za-z0-9.+_-]{1,60}")
RANGE = re.compile(r"[A-Za-z0-9.+_<>=~!*, -]{0,200}")


def pip_install(distribution: str, versions: str = "") -> str:
    """Return the line that installs a distribution; nothing where that is no name of one.  versions: `==0.2`, `>=1`."""
    if not NAME.fullmatch(distribution) or not RANGE.fullmatch(versions):
        return ""
    quote = "'" if "!" in versions else '"'        # a shell looks commands up that stand after !
    return f"pip install {quote}{distribution}{versions}{quote}"
