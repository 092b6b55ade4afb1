"""The search for pictures in a folder and the folders in it: those found, and notes on files left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import attrs
import numpy as np

from unbraid_plugins.shared.sources.sizes import ENDINGS, HEIC, natural

SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "val": "val", "valid": "val",
          "validation": "val"}
NO_PICTURES = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".html", ".db", ".ini", ".py",
               ".npy", ".npz", ".log")             # files that lie beside pictures and that nobody misses


@attrs.frozen
class Found:
    """The pictures below a folder, sorted by folder and then by name, and notes on what was left out."""

    root: Path
    paths: list[Path]
    notes: list[str] = attrs.Factory(list)

    def left_out(self, what: str, count: int) -> None:
        """Note that something was left out, if anything was."""
        if count:
            self.notes.append(f"{count} {what} left out")

    def splits(self, rows: np.ndarray) -> dict[str, np.ndarray] | None:
        """Return the places in `rows` by split, if all pictures lie in folders named train, test (and val)."""
        tops = [self.paths[row].relative_to(self.root).parts[0].lower() for row in rows]
        names = {SPLITS.get(top, "") for top in tops}
        if "" in names or not {"train", "test"} <= names:
            if "train" in names and names & {"test", "val"}:
                others = sorted({top for top in tops if top not in SPLITS}) or sorted(set(tops))
                self.notes.append(f"its folders are not used as splits: there is {', '.join(others[:3])}; splits are "
                                  "folders train and test (and val), with all pictures in them")
            return None
        of_row = np.asarray([SPLITS[top] for top in tops])
        return {name: np.flatnonzero(of_row == name) for name in sorted(names, key=list(SPLITS.values()).index)}


def find_pictures(root: Path) -> Found:
    """Return all pictures below a folder, without hidden files and folders.

    Links to folders are followed; a folder that several ways lead to is read once, by a way without links if it has
    one.
    """
    search = _Search((*ENDINGS, *HEIC) if find_spec("pillow_heif") else ENDINGS, os.path.realpath(root))
    search.walk(root)
    while search.links:
        search.walk(search.links.pop(0))
    others, closed = search.others, search.closed
    folders = {folder: natural(Path(folder)) for folder in {os.path.dirname(path) for path in map(str, search.paths)}}
    found = Found(root, sorted(search.paths, key=lambda p: (folders[str(p.parent)], natural(Path(p.name)))))
    named = ", ".join(f"{count} {ending or 'without an ending'}" for ending, count in others.most_common(5))
    found.left_out(f"files of kinds that are not read ({named})", others.total())
    if others.keys() & {*HEIC}:
        found.notes.append("HEIC pictures are read after: pip install 'unbraid[heic]'")
    if search.outside:
        named = ", ".join(os.path.relpath(link, root) for link in search.outside[:3])
        found.notes.append(f"links that lead out of this folder are followed: {len(search.outside)} ({named})")
    found.left_out("linked folders that are read already", search.again)
    found.left_out(f"folders that can't be read ({', '.join(closed[:3])})", len(closed))
    return found


@attrs.define
class _Search:
    """Files found until now, and links to folders that are still to be followed."""

    endings: tuple[str, ...]
    root: str = ""
    paths: list[Path] = attrs.Factory(list)
    others: Counter[str] = attrs.Factory(Counter)
    closed: list[str] = attrs.Factory(list)
    links: list[Path] = attrs.Factory(list)
    outside: list[str] = attrs.Factory(list)
    seen: set[str] = attrs.Factory(set)
    again: int = 0

    def walk(self, root: Path) -> None:
        """Add the files below a folder, except those of folders seen before."""
        for folder, folders, files in os.walk(root, onerror=lambda error: self.closed.append(str(error))):
            real = os.path.realpath(folder)
            if real in self.seen:
                self.again += 1
                folders.clear()
                continue
            self.seen.add(real)
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            links = [Path(folder, f) for f in folders if Path(folder, f).is_symlink()]
            self.links += links
            self._note_outside(map(str, links))
            for name in files:
                if not name.startswith("."):
                    self._file(Path(folder, name))

    def _file(self, path: Path) -> None:
        if path.name.lower().endswith(self.endings):
            self.paths.append(path)
            if os.path.islink(path):
                self._note_outside([str(path)])
        elif (ending := path.suffix.lower()) not in NO_PICTURES:
            self.others[ending] += 1

    def _note_outside(self, links: Iterable[str]) -> None:
        """Keep the links that lead out of the folder: a received one would take private pictures into a training."""
        self.outside += [link for link in links if not os.path.realpath(link).startswith(self.root + os.sep)]
