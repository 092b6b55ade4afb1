"""Sources of a folder of pictures, and of folders of frames."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np

from unbraid import BadPicture, DataError, Field, Images, open_picture, picture_size, read_picture, source
from unbraid_plugins.shared.sources.picture_keys import key_of_file, keys_of_checksums
from unbraid_plugins.shared.sources.picture_search import find_pictures
from unbraid_plugins.shared.sources.sizes import (
    ENDINGS,
    Size,
    check_size,
    check_white,
    existing,
    natural,
    sides,
    skipped,
)

DECODE_AT_ONCE = 2 ** 28                           # bytes; up to this size, pictures are decoded when opened


@attrs.frozen(eq=False)
class PictureFiles:
    """Lazy images: files that are decoded when they are read."""

    paths: list[Path]
    size: Size
    channels: int
    white: float | None = None
    black: float = 0

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(self.paths), self.channels, *sides(self.size)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read the pictures of these rows, uint8 (len(rows), C, H, W).  Raises DataError for a corrupt one."""
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for i, row in enumerate(rows):
            try:
                images[i] = read_picture(self.paths[row], sides(self.size), self.channels, self.white, self.black)
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
    picture's folder is its class in the field `folder`. Links to folders are followed. Folders `train` and `test`
    (and `val`) are the splits. Files that are left out are counted and named. Large folders are decoded during the
    training; then only headers are checked at first, unless `check` is "all".

    black, white: the ends of the range of grey pictures with more than 8 bits; by default 16 bits, or floats in [0, 1].
    split_folders: whether folders `train` and `test` are the splits.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    channels: int = attrs.field(default=3, validator=attrs.validators.in_((1, 3)))
    check: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "all", "headers")))
    black: float = 0.0
    white: float | None = attrs.field(default=None, validator=check_white)
    split_folders: bool = True

    def open(self) -> Images:
        """Return the pictures, with the names of their folders as a field."""
        root = existing(self.path, folder=True)
        found = find_pictures(root)
        paths = found.paths
        if not paths:
            raise DataError(f"there are no pictures in {root}" + "".join(f"; {note}" for note in found.notes),
                            hint="for .npy files use `type: npz`" if any(root.glob("*.npy")) else
                            f"it reads {', '.join(ENDINGS)}")
        images, good, keys, notes = open_pictures(paths, self.size, self.channels, self.check, self.white, self.black)
        splits = found.splits(good) if self.split_folders else None
        below = [paths[i].parent.relative_to(root).parts[splits is not None:] for i in good]
        folders = ["/".join(parts) or "." for parts in below]
        names = sorted(set(folders))
        fields = {}
        if len(names) > 1:
            number = {name: i for i, name in enumerate(names)}
            fields["folder"] = Field(np.asarray([number[f] for f in folders]), len(names), tuple(names))
        return Images(images, fields, splits, notes + found.notes, keys)


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
        found = find_pictures(root)
        paths = [p for p in found.paths if p.parent != root]
        found.left_out("pictures outside the folders of frames", len(found.paths) - len(paths))
        if not paths:
            raise DataError(f"there are no folders of frames in {root}",
                            hint="every clip is a folder of pictures; for single pictures use `type: folder`")
        clips = sorted({p.parent for p in paths}, key=natural)
        number = {clip: i for i, clip in enumerate(clips)}
        clip = np.asarray([number[p.parent] for p in paths])
        frame = np.arange(len(paths)) - np.searchsorted(clip, clip)
        images, good, keys, notes = open_pictures(paths, self.size, self.channels, self.check)
        fields = {"clip": Field(clip[good], len(clips), tuple(c.relative_to(root).as_posix() for c in clips)),
                  "frame": Field(frame[good], int(frame.max()) + 1)}
        parents = sorted({c.parent.relative_to(root).as_posix() for c in clips})
        if len(parents) > 1:
            of_clip = np.asarray([parents.index(c.parent.relative_to(root).as_posix()) for c in clips])
            fields["folder"] = Field(of_clip[clip[good]], len(parents), tuple(parents))
        return Images(images, fields, notes=notes + found.notes, keys=keys)


def open_pictures(paths: list[Path], size: Size, channels: int, check: str, white: float | None = None,
                  black: float = 0) -> tuple[np.ndarray | PictureFiles, np.ndarray, np.ndarray, list[str]]:
    """Return pictures (decoded, or lazy), the indices of their files, their keys, and notes on other files.

    Raises DataError.
    """
    lazy = PictureFiles(paths, size, channels, white, black)
    small = int(np.prod(lazy.shape)) <= DECODE_AT_ONCE and check != "headers"
    decoded = np.empty(lazy.shape, np.uint8) if small else None
    several, keys = np.zeros(len(paths), bool), np.zeros(len(paths), np.uint64)

    def look(i: int) -> str:
        if not paths[i].is_file():
            return "it is no file"                 # reading a pipe would block
        try:
            if decoded is not None:
                decoded[i] = read_picture(paths[i], sides(size), channels, white, black)
            elif check == "all":
                read_picture(paths[i], sides(size), channels, white, black)
            else:
                picture_size(paths[i])
            if paths[i].suffix.lower() not in (".jpg", ".jpeg", ".bmp"):
                with open_picture(paths[i]) as image:
                    several[i] = getattr(image, "is_animated", False)
            keys[i] = key_of_file(paths[i])
        except BadPicture as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        faults = list(pool.map(look, range(len(paths)), chunksize=16))
    bad = [(path, fault) for path, fault in zip(paths, faults, strict=True) if fault]
    good = np.asarray([i for i, fault in enumerate(faults) if not fault], np.int64)
    if not len(good):
        raise DataError(f"none of the {len(paths)} pictures can be read: {bad[0][0]}: {bad[0][1]}")
    notes = skipped(bad)
    if animated := [paths[i].name for i in np.flatnonzero(several)]:
        notes.append(f"only the first frame or page is used of {', '.join(animated[:3])}"
                     + f" and {len(animated) - 3} more" * (len(animated) > 3))
    keys = keys_of_checksums(keys[good])
    if decoded is not None:
        return decoded if len(good) == len(paths) else decoded[good], good, keys, notes
    return PictureFiles([paths[i] for i in good], size, channels, white, black), good, keys, notes
