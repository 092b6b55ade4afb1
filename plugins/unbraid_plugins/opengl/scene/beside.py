"""Files that a mesh names, from its own folder, and from one that the caller names."""

from __future__ import annotations

from pathlib import Path

import attrs

from unbraid import UnbraidError, read_whole

INSTEAD = "read it without its materials (--shape-alone; in Python materials=False)"


@attrs.frozen
class Beside:
    """Files of one folder and the folders below it.

    most: bytes of a file.
    textures: one more folder, or None.
    """

    folder: Path
    most: int
    textures: Path | None = None

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
                    if not any(file.resolve().is_relative_to(own) for own in inside):
                        outside = True
                    elif file.is_file():
                        return read_whole(file, self.most)
                except OSError as error:
                    raise UnbraidError(f"{name!r:.120}, which it names, can't be read: {error.strerror}",
                                       hint=INSTEAD) from None
        why = "lies outside of its folder" if outside else "is not there"
        raise UnbraidError(f"{name!r:.120}, which it names, {why}",
                           hint="put it into the mesh's folder, name its folder (--textures FOLDER; in Python "
                           f"textures=), or {INSTEAD}")
