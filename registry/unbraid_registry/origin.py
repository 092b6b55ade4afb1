"""Origin of a run's numbers for its record: command, versions, commits and machine."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from unbraid_registry.files import read_whole

PACKAGES = ("unbraid", "torch", "torchvision", "numpy", "pluggy", "attrs", "cattrs", "safetensors")
LARGEST = 1 << 20                                  # bytes; larger files of git are not read


def provenance() -> dict[str, Any]:
    """Return command, versions, commits and machine for the record; run no program of the working folder."""
    return {"command": sys.argv, "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "python": platform.python_version(),
            "platform": platform.platform(), "versions": {n: v for n in PACKAGES if (v := version_of(n))},
            "git": {"commit": commit} if (commit := commit_of(Path())) else None, "sources": sources()}


def version_of(name: str) -> str | None:
    """Return the version of an installed package; None where it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit_of(folder: Path) -> str | None:
    """Return the commit that a folder's repository is at; None outside git.

    Reads git's files: git itself would run programs named in a repository's configuration, whoever wrote it.
    """
    for parent in (folder.absolute(), *folder.absolute().parents):
        git = parent / ".git"
        if (text := _line_of(git)) and text.startswith("gitdir: "):    # a worktree's, or a submodule's
            git = parent / text.removeprefix("gitdir: ")
        if head := _line_of(git / "HEAD"):
            return _resolved(git, head)
    return None


def _resolved(git: Path, head: str) -> str | None:
    """Return the commit of a HEAD, which holds a commit or names a branch."""
    if head.startswith("ref: "):
        branch = head.removeprefix("ref: ")
        shared = git / (_line_of(git / "commondir") or "")
        packed = (line.split(" ", 1) for line in _text_of(shared / "packed-refs").splitlines())
        head = _line_of(shared / branch) or next((found[0] for found in packed if found[1:] == [branch]), "")
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else None


def _text_of(file: Path) -> str:
    """Return a small file's text; empty if the file is missing, too large or unreadable."""
    try:
        return read_whole(file, LARGEST).decode(errors="replace")
    except OSError:
        return ""


def _line_of(file: Path) -> str:
    return _text_of(file).partition("\n")[0].strip()


def sources() -> dict[str, Any] | None:
    """Return the commit of Unbraid's checkout and whether it has changes; None unless installed editable."""
    with suppress(PackageNotFoundError, ValueError, KeyError, OSError, subprocess.SubprocessError):
        origin = json.loads(distribution("unbraid").read_text("direct_url.json") or "{}")
        folder = url2pathname(urlsplit(origin["url"]).path)
        if origin["dir_info"]["editable"]:
            status = subprocess.run(["git", "-C", folder, "status", "--porcelain", "-uno"], capture_output=True,
                                    text=True, timeout=5, check=True).stdout
            return {"commit": commit_of(Path(folder)), "changed": bool(status.strip())}
    return None
