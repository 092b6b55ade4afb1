"""Sources of a folder of pictures, and of folders of frames."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np

from unbraid import BadPicture, DataError, Field, Images, picture_size, read_picture, source
from unbraid_plugins.shared.sources.sizes import ENDINGS, Size, check_size, existing, natural, sides, skipped

DECODE_AT_ONCE = 2 ** 28                           # bytes; up to this size, pictures are decoded when opened


@attrs.frozen(eq=False)
class PictureFiles:
    """Lazy images: files that are decoded when they are read."""

    paths: list[Path]
    size: Size
    channels: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(self.paths), self.channels, *sides(self.size)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read the pictures of these rows, uint8 (len(rows), C, H, W).  Raises DataError for a corrupt one."""
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for i, row in enumerate(rows):
            try:
                images[i] = read_picture(self.paths[row], sides(self.size), self.channels)
            except BadPicture as error:
                raise self._gone_or_bad(self.paths[row], error) from error
        return images

    def _gone_or_bad(self, path: Path, error: BadPicture) -> DataError:
        if not path.exists():
            return DataError(f"{path} is gone", hint="restore the file, then go on with --resume")
        return DataError(f"{path}: {error}", hint="restore or remove the file, or set `check: all` to have such files "
                         "skipped")


@source
@attrs.frozen(kw_only=True)
class Folder:
    """All pictures in a folder and the folders in it: png, jpg, webp, bmp, gif, tif, of any size.

    They are turned upright, scaled to fill size x size (or [height, width]) and cut around the middle. The name of a
    picture's folder is its class in the field `folder`. Corrupt files are skipped, counted and named. Large folders
    are decoded during the training; then only headers are checked at first, unless `check` is "all".
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    channels: int = attrs.field(default=3, validator=attrs.validators.in_((1, 3)))
    check: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "all", "headers")))

    def open(self) -> Images:
        """Return the pictures, with the names of their folders as a field."""
        root = existing(self.path, folder=True)
        paths = find_pictures(root)
        if not paths:
            raise DataError(f"there are no pictures in {root}", hint=f"it reads {', '.join(ENDINGS)}")
        images, good, notes = open_pictures(paths, self.size, self.channels, self.check)
        folders = [paths[i].parent.relative_to(root).as_posix() for i in good]
        names = sorted(set(folders))
        fields = {}
        if len(names) > 1:
            number = {name: i for i, name in enumerate(names)}
            fields["folder"] = Field(np.asarray([number[f] for f in folders]), len(names), tuple(names))
        return Images(images, fields, notes=notes)


@source
@attrs.frozen(kw_only=True)
class Clips:
    """Video clips: a folder with a folder of frames for every clip.

    The frames are the pictures in the order of their names (frame2 before frame10). Fields: `clip` and `frame`; and
    `folder`, the folder that a clip's folder lies in, where there are several.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    channels: int = attrs.field(default=3, validator=attrs.validators.in_((1, 3)))
    check: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "all", "headers")))

    def open(self) -> Images:
        """Return the frames of all clips."""
        root = existing(self.path, folder=True)
        paths = [p for p in find_pictures(root) if p.parent != root]
        if not paths:
            raise DataError(f"there are no folders of frames in {root}",
                            hint="every clip is a folder of pictures; for single pictures use `type: folder`")
        clips = sorted({p.parent for p in paths}, key=natural)
        number = {clip: i for i, clip in enumerate(clips)}
        clip = np.asarray([number[p.parent] for p in paths])
        frame = np.arange(len(paths)) - np.searchsorted(clip, clip)
        images, good, notes = open_pictures(paths, self.size, self.channels, self.check)
        fields = {"clip": Field(clip[good], len(clips), tuple(c.relative_to(root).as_posix() for c in clips)),
                  "frame": Field(frame[good], int(frame.max()) + 1)}
        parents = sorted({c.parent.relative_to(root).as_posix() for c in clips})
        if len(parents) > 1:
            of_clip = np.asarray([parents.index(c.parent.relative_to(root).as_posix()) for c in clips])
            fields["folder"] = Field(of_clip[clip[good]], len(parents), tuple(parents))
        return Images(images, fields, notes=notes)


def find_pictures(root: Path) -> list[Path]:
    """Return all pictures below a folder, sorted by folder and then by name, without hidden files and folders."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [Path(folder, f) for f in files if not f.startswith(".") and f.lower().endswith(ENDINGS)]
    return sorted(found, key=lambda p: (natural(p.parent), natural(Path(p.name))))


def open_pictures(paths: list[Path], size: Size, channels: int,
                  check: str) -> tuple[np.ndarray | PictureFiles, np.ndarray, list[str]]:
    """Return pictures (decoded, or lazy), the indices of their files, and notes on other files.  Raises DataError."""
    lazy = PictureFiles(paths, size, channels)
    small = int(np.prod(lazy.shape)) <= DECODE_AT_ONCE and check != "headers"
    decoded = np.empty(lazy.shape, np.uint8) if small else None

    def look(i: int) -> str:
        if not paths[i].is_file():
            return "it is no file"                 # reading a pipe would block
        try:
            if decoded is not None:
                decoded[i] = read_picture(paths[i], sides(size), channels)
            elif check == "all":
                read_picture(paths[i], sides(size), channels)
            else:
                picture_size(paths[i])
        except BadPicture as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        faults = list(pool.map(look, range(len(paths)), chunksize=16))
    bad = [(path, fault) for path, fault in zip(paths, faults, strict=True) if fault]
    good = np.asarray([i for i, fault in enumerate(faults) if not fault], np.int64)
    if not len(good):
        raise DataError(f"none of the {len(paths)} pictures can be read: {bad[0][0]}: {bad[0][1]}")
    if decoded is not None:
        return decoded if len(good) == len(paths) else decoded[good], good, skipped(bad)
    return PictureFiles([paths[i] for i in good], size, channels), good, skipped(bad)
