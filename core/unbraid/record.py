"""A run: the folder with its recipe, record, metrics, checkpoints and pictures."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from contextlib import AbstractContextManager, suppress
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs

from unbraid import checkpoint
from unbraid.disk import remedy
from unbraid.lock import locked
from unbraid_registry.errors import UnbraidError

FORMAT = 1
MAX_RECORD = 16 << 20                              # bytes


class RunError(UnbraidError):
    """A folder that is no run, or can't be one."""


@attrs.frozen
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def at(cls, folder: str | Path) -> Run:
        """The run in a folder.  Raises RunError where there is none."""
        run = cls(Path(folder).expanduser())
        if not run.folder.is_dir():
            raise RunError(f"no run at {folder}: there is no such folder")
        if not run.record_file.is_file():
            raise RunError(f"{folder} is no run: it has no run.json", hint="give the folder that `unbraid train` named")
        return run

    @property
    def recipe_file(self) -> Path:
        """The resolved recipe."""
        return self.folder / "recipe.yaml"

    @property
    def record_file(self) -> Path:
        """Command, versions, device, seed, data, exit reason."""
        return self.folder / "run.json"

    @property
    def metrics_file(self) -> Path:
        """One JSON object per logged step."""
        return self.folder / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def pictures(self) -> Path:
        """The folder of the pictures."""
        return self.folder / "pictures"

    def expect_none(self) -> None:
        """Raises RunError where there is a run already, or what is left of one."""
        if self.record_file.exists():
            raise RunError(f"{self.folder} already has a run", hint="--resume goes on with it; or choose another --out")
        if self.last_checkpoint() is not None:
            raise RunError(f"{self.folder} has checkpoints, but no run.json",
                           hint="put that back and go on with --resume, or choose another --out")

    def last_checkpoint(self) -> Path | None:
        """The newest complete checkpoint."""
        found = checkpoint.steps(self.checkpoints)
        return found[max(found)] if found else None

    def record(self) -> dict[str, Any]:
        """What run.json says.  Raises RunError where it is damaged or from a newer unbraid."""
        try:
            if self.record_file.stat().st_size > MAX_RECORD:
                raise ValueError("it is too large")
            record = json.loads(self.record_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"can't read {self.record_file}: {error}") from None
        if not isinstance(record, dict) or not isinstance(record.get("format"), int):
            raise RunError(f"{self.record_file} is no record of a run")
        if record["format"] > FORMAT:
            raise RunError(f"{self.record_file} has format {record['format']}; this unbraid reads up to {FORMAT}",
                           hint="install a newer unbraid")
        sessions = record.get("sessions", [])
        if not (isinstance(sessions, list) and all(isinstance(s, dict) and isinstance(s.get("versions", {}), dict)
                                                   for s in sessions) and checkpoint.is_best(record.get("best", {}))):
            raise RunError(f"{self.record_file} is no record of a run", hint="its fields are not what they should be; "
                           "the file is damaged")
        return record

    def write_record(self, record: dict[str, Any]) -> None:
        """Write run.json, whole or not at all.  Raises RunError, also where the folder is gone."""
        if not self.folder.is_dir():
            raise RunError(f"can't write {self.record_file}: {self.folder} was moved or removed",
                           hint="put it back and go on with --resume, or train into another --out")
        write_whole(self.record_file, json.dumps({"format": FORMAT, **record}, indent=1, default=str) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """The logged steps; a line that was cut off by a crash, or is damaged, is left out."""
        lines = []
        if self.metrics_file.is_file():
            for line in self.metrics_file.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    logged = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                lines += [logged] if isinstance(logged, dict) else []
        return lines

    def locked(self) -> AbstractContextManager[None]:
        """Held while training into the folder; a run that does not begin leaves none.

        Raises RunError where another process does.
        """
        return locked(self.folder, RunError(f"another training is writing into {self.folder}",
                                            hint="wait for its end, or choose another --out"))


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all.  Raises RunError."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise RunError(f"can't write {path}: {error.strerror}", hint=f"{remedy(error)}, or choose another --out"
                       ) from None


def new_folder(name: str, parent: Path = Path("runs")) -> Path:
    """The first free folder runs/NAME, runs/NAME-2, ..."""
    folder, number = parent / name, 2
    while folder.exists():
        folder, number = parent / f"{name}-{number}", number + 1
    return folder


def surroundings() -> dict[str, Any]:
    """Command, versions, commits and machine, for the record.  No program of the working folder runs for it."""
    names = ("unbraid", "torch", "torchvision", "numpy", "pluggy", "attrs", "cattrs", "safetensors")
    return {"command": sys.argv, "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "python": platform.python_version(),
            "platform": platform.platform(), "versions": {n: v for n in names if (v := _version(n))},
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
        if file.is_file() and file.stat().st_size <= MAX_RECORD:
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
