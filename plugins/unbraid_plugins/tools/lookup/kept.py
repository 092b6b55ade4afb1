"""The catalogue that is kept between processes, and answers for the shell's completion.

It is a JSON file in the user's cache folder: reading it runs nothing. It is thrown away when a distribution, a file of
a plugin or a recipe changes. This module imports the standard library alone, since a shell runs it at every tabulator:

    python -P kept.py WORD WORD ... LAST
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zlib
from collections.abc import Iterable
from typing import Any

FORMAT = 2
LARGEST = 32 << 20                                 # bytes
NO_WAIT = getattr(os, "O_NONBLOCK", 0)             # for the other end of a pipe; Windows has no such files
SETTINGS = ("UNBRAID_PLUGINS", "UNBRAID_PLUGINS_BLOCK", "UNBRAID_PLUGINS_STRICT")
RUNS = ("edit", "translate", "sample", "traverse", "evaluate", "probe", "export", "compare", "call", "view", "pack")
RECIPES = ("train", "check", "show", "draw", "train-seeds", "sweep", "profile", "compare")


def place() -> str | None:
    """Return the catalogue's file; None without a home folder."""
    own = os.environ.get("UNBRAID_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME", "")
    folder = os.path.expanduser(own) if own else os.path.join(
        shared if os.path.isabs(shared) else os.path.expanduser("~/.cache"), "unbraid")
    own_to = zlib.crc32(f"{sys.executable} {os.environ.get('PYTHONPATH', '')}".encode())     # one for each environment
    return os.path.join(folder, f"catalogue-{FORMAT}-{own_to:08x}.json") if os.path.isabs(folder) else None


def state() -> list[Any]:
    """Return what the set of plugins depends on: this Python, its path with its distributions, the variables."""
    found: list[Any] = [FORMAT, sys.executable, sys.version, {name: os.environ.get(name, "") for name in SETTINGS}]
    there = {folder: _distributions(folder) for folder in sys.path if folder}
    return [*found, *([folder, names] for folder, names in there.items() if names)]


def _distributions(folder: str) -> list[list[Any]]:
    try:
        with os.scandir(folder) as entries:
            return sorted([e.name, e.stat().st_mtime_ns] for e in entries
                          if e.name.endswith((".dist-info", ".egg-info", ".pth", ".egg-link")))
    except OSError:
        return []


def stamps(files: Iterable[str]) -> list[list[Any]]:
    """Return the time and the size of files and folders, by path; None for those that are not there."""
    return [[file, *_stamp(file)] for file in sorted(set(files))]


def _stamp(file: str) -> list[int | None]:
    try:
        found = os.stat(file)
    except OSError:
        return [None, None]
    return [found.st_mtime_ns, 0 if stat.S_ISDIR(found.st_mode) else found.st_size]


def read() -> dict[str, Any] | None:
    """Return the kept catalogue, or None where it is missing, not the user's own, damaged, or out of date."""
    file = place()
    try:
        with open(file or "", encoding="utf-8") as opened:
            facts = os.fstat(opened.fileno())
            others = os.name == "posix" and (facts.st_uid != os.getuid() or facts.st_mode & 0o022)
            if others or facts.st_size > LARGEST:
                return None
            kept = json.load(opened)
        fresh = kept["state"] == state() and kept["files"] == stamps(file for file, *_ in kept["files"])
        whole = isinstance(kept["entries"], list) and all(isinstance(kept[name], dict)
                                                          for name in ("commands", "installed", "shown"))
        return kept if fresh and whole else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def answers(words: list[str]) -> list[str]:
    """Return what may stand in place of the last word of a command line."""
    *before, last = words or [""]
    kept = read()
    if kept is None:
        _renew()
        kept = {"entries": [], "commands": {}}
    names: list[str] = list(kept["commands"]) if not before else _arguments(before[0], before[1:], last, kept)
    return [name for name in dict.fromkeys(names) if name.startswith(last)]


def _arguments(command: str, given: list[str], last: str, kept: dict[str, Any]) -> list[str]:
    if last.startswith("-"):
        return list(kept["commands"].get(command, []))
    if given and given[-1] in ("--factor", "--factors"):
        return _factors(given)
    recipes = [e["name"] for e in kept["entries"] if e["kind"] == "recipe"]
    if command == "list":
        return [*dict.fromkeys(e["kind"] for e in kept["entries"]), *(e["name"] for e in kept["entries"])]
    if command == "doctor":
        return list(dict.fromkeys(e["plugin"] for e in kept["entries"]))
    positional = [word for word in given if not word.startswith("-")]
    if command in RUNS and (not positional or command in ("evaluate", "probe", "compare")):
        return _runs(last)
    return recipes if command in RECIPES and not positional else []


def _runs(last: str) -> list[str]:
    """Return the run folders that begin with a text, in the working folder and below `runs`."""
    folder = os.path.dirname(last)
    found = []
    for place_ in dict.fromkeys([folder or ".", "runs"]):
        try:
            names = sorted(os.listdir(place_))
        except OSError:
            continue
        paths = [os.path.normpath(os.path.join(place_, name)) for name in names]
        found += [path for path in paths if os.path.isfile(os.path.join(path, "run.json"))]
    return found


def _factors(words: list[str]) -> list[str]:
    """Return the factors of the run that a command line names, from its recipe's section `code:`."""
    for word in words:
        try:
            pipes_too = os.open(os.path.join(word, "recipe.yaml"), os.O_RDONLY | NO_WAIT)
            with open(pipes_too, encoding="utf-8", errors="replace") as opened:
                lines = opened.read(1 << 18).splitlines()
        except (OSError, ValueError):
            continue
        start = lines.index("code:") + 1 if "code:" in lines else len(lines)
        found = []
        for line in lines[start:]:
            if not line.startswith("  "):
                break
            name, _, size = line.strip().partition(":")
            count = size.strip().strip("'\"").partition(" x ")[0]
            parts = min(int(count), 100) if " x " in size and count.isdecimal() and len(count) < 9 else 0
            found += [name, *(f"{name}{i + 1}" for i in range(parts))] if name.isidentifier() else []
        return found
    return []


def _renew() -> None:
    """Make the catalogue anew, in a process that the shell does not wait for."""
    quiet = subprocess.DEVNULL
    subprocess.Popen([sys.executable, "-P", "-m", "unbraid", "list"], stdin=quiet, stdout=quiet,
                     stderr=quiet, start_new_session=True)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if os.path.abspath(folder or ".") != os.path.dirname(
        os.path.abspath(__file__))]
    print("\n".join(word for word in answers(sys.argv[1:]) if word.isprintable()))     # a terminal obeys no name
