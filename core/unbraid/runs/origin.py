"""Where a run's numbers come from: command, versions, commits and machine, for its record."""

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

PACKAGES = ("unbraid", "torch", "torchvision", "numpy", "pluggy", "attrs", "cattrs", "safetensors")
LARGEST = 1 << 20                                  # bytes of a file of git's that is read


def provenance() -> dict[str, Any]:
    """Command, versions, commits and machine, for the record.  No program of the working folder runs for it."""
    return {"command": sys.argv, "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "python": platform.python_version(),
            "platform": platform.platform(), "versions": {n: v for n in PACKAGES if (v := _version(n))},
            "git": {"commit": commit} if (commit := commit_of(Path())) else None, "sources": sources()}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit_of(folder: Path) -> str | None:
    """The commit that a folder's repository is at; None outside git.

    Read from git's files: git itself would run what a repository's configuration names, whoever wrote that.
    """
    for parent in (folder.absolute(), *folder.absolute().parents):
        git = parent / ".git"
        if (text := _line_of(git)) and text.startswith("gitdir: "):    # a worktree's, or a submodule's
            git = parent / text.removeprefix("gitdir: ")
        if head := _line_of(git / "HEAD"):
            return _resolved(git, head)
    return None


def _resolved(git: Path, head: str) -> str | None:
    """The commit of a HEAD, which is one itself or names a branch."""
    if head.startswith("ref: "):
        branch = head.removeprefix("ref: ")
        shared = git / (_line_of(git / "commondir") or "")
        packed = (line.split(" ", 1) for line in _text_of(shared / "packed-refs").splitlines())
        head = _line_of(shared / branch) or next((found[0] for found in packed if found[1:] == [branch]), "")
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else None


def _text_of(file: Path) -> str:
    """A small file's text; nothing where there is none."""
    try:
        if file.is_file() and file.stat().st_size <= LARGEST:
            return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        pass
    return ""


def _line_of(file: Path) -> str:
    return _text_of(file).partition("\n")[0].strip()


def sources() -> dict[str, Any] | None:
    """Where Unbraid runs from a checkout (installed editable): that checkout's commit, and whether it has changes."""
    with suppress(PackageNotFoundError, ValueError, KeyError, OSError, subprocess.SubprocessError):
        origin = json.loads(distribution("unbraid").read_text("direct_url.json") or "{}")
        folder = url2pathname(urlsplit(origin["url"]).path)
        if origin["dir_info"]["editable"]:
            status = subprocess.run(["git", "-C", folder, "status", "--porcelain", "-uno"], capture_output=True,
                                    text=True, timeout=5, check=True).stdout
            return {"commit": commit_of(Path(folder)), "changed": bool(status.strip())}
    return None
