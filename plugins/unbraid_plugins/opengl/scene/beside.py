"""Files that a mesh names, from its own folder, and from one that the caller names."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import attrs

from unbraid import UnbraidError, read_whole

INSTEAD = "read it without its materials (--shape-alone; in Python materials=False)"


@attrs.frozen
class Beside:
    """Files of one folder and the folders below it.

    most: bytes of a file.
    textures: one more folder, or None.
    notes: what was noticed.
    """

    folder: Path
    most: int
    textures: Path | None = None
    notes: list[str] = attrs.field(factory=list)

    def __call__(self, name: str) -> bytes:
        """Return the content of a file, found by its path or by its name alone.

        Raises UnbraidError where it is not there, or lies outside of the folders.
        """
        name = name.strip()
        path = name.replace("\\", "/")
        outside = False
        folders = [self.folder] if self.textures is None else [self.folder, self.textures]
        inside = [folder.resolve() for folder in folders]
        for folder in folders:
            for candidate in dict.fromkeys((path, path.rsplit("/", 1)[-1])):
                if not candidate or "\0" in candidate:
                    continue
                file = folder / candidate
                try:
                    if not file.is_file() and (folder / candidate).resolve().is_relative_to(folder.resolve()):
                        file = self._alike(folder, candidate)
                    if not any(file.resolve().is_relative_to(own) for own in inside):
                        outside = True
                    elif file.is_file():
                        return read_whole(file, self.most)
                except OSError as error:
                    raise UnbraidError(f"{name!r:.120}, which it names, can't be read: {error.strerror}",
                                       hint=INSTEAD) from None
        if "://" in path:
            raise UnbraidError(f"{name!r:.120}, which it names, is no file of its folder",
                               hint=f"nothing is read from elsewhere: put it into the mesh's folder, or {INSTEAD}")
        why = "lies outside of its folder" if outside else "is not there"
        raise UnbraidError(f"{name!r:.120}, which it names, {why}",
                           hint="put it into the mesh's folder, name its folder (--textures FOLDER; in Python "
                           f"textures=), or {INSTEAD}")

    def _alike(self, folder: Path, name: str) -> Path:
        """Return the only file whose path differs in capitals or the form of its accents, or else the path itself."""
        file = folder
        for part in Path(name).parts:
            there = file / part
            if not there.exists() and part != "..":
                alike = [f for f in file.iterdir() if _plain(f.name) == _plain(part)]
                there = alike[0] if len(alike) == 1 else there
            file = there
            if not file.exists():
                return folder / name
        if file != folder / name:
            self.notes.append(f"{str(file.relative_to(folder))!r} is read for {name!r:.120}")
        return file


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
