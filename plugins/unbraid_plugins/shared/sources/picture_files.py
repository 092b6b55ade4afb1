"""Files of pictures as images of one size: decoded when they are opened, or when they are read."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np
from PIL import __version__ as PILLOW

from unbraid import BadPicture, DataError, open_picture, picture_size, read_picture
from unbraid_plugins.shared.sources.jpeg_files import decode_jpeg_file, decoder_name
from unbraid_plugins.shared.sources.kept_pictures import KeptPictures, KeptSet, affordable, kept_set
from unbraid_plugins.shared.sources.picture_keys import key_of_file, keys_of_checksums
from unbraid_plugins.shared.sources.sizes import Size, sides, skipped

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
DECODE_AT_ONCE = 2 ** 28                           # bytes; up to this size, pictures are decoded when opened


@attrs.frozen(eq=False)
class PictureFiles:
    """Lazy images: files that are decoded when they are read."""

    paths: list[Path]
    size: Size
    channels: int
    white: float | None = None
    black: float = 0
    decoder: str = "pillow"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(self.paths), self.channels, *sides(self.size)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read the pictures of these rows, uint8 (len(rows), C, H, W).  Raises DataError for a corrupt one."""
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for i, row in enumerate(rows):
            try:
                images[i] = self._one(self.paths[row])
            except BadPicture as error:
                raise self._gone_or_bad(self.paths[row], error) from error
        return images

    def _one(self, path: Path) -> np.ndarray:
        if self.decoder == "torchvision" and path.suffix.lower() in JPEG:
            picture = decode_jpeg_file(path, sides(self.size), self.channels)
            if picture is not None:
                return picture
        return read_picture(path, sides(self.size), self.channels, self.white, self.black)

    def _gone_or_bad(self, path: Path, error: BadPicture) -> DataError:
        if not path.exists():
            return DataError(f"{path} is gone", hint="restore the file, then go on with --resume")
        return DataError(f"{path}: {error}", hint="restore or remove the file, or set `check: all` to have such files "
                         "skipped")


def open_pictures(root: Path, paths: list[Path], lazy: PictureFiles, check: str, keep: str
                  ) -> tuple[np.ndarray | PictureFiles | KeptPictures, np.ndarray, np.ndarray, list[str]]:
    """Return pictures (decoded, or lazy), the indices of their files, their keys, and notes on other files.

    root: the folder that they are in.  lazy: reads all of them.

    Raises DataError.
    """
    small = int(np.prod(lazy.shape)) <= DECODE_AT_ONCE and check != "headers"
    kept, notes = (None, []) if small else _kept(root, lazy, keep)
    look = Look(lazy, np.empty(lazy.shape, np.uint8) if small else None, check == "all")
    faults = look.at_all(kept)
    bad = [(path, fault) for path, fault in zip(paths, faults, strict=True) if fault]
    good = np.asarray([i for i, fault in enumerate(faults) if not fault], np.int64)
    if not len(good):
        raise DataError(f"none of the {len(paths)} pictures can be read: {bad[0][0]}: {bad[0][1]}")
    notes = skipped(bad) + notes
    if animated := [paths[i].name for i in np.flatnonzero(look.several)]:
        notes.append(f"only the first frame or page is used of {', '.join(animated[:3])}"
                     + f" and {len(animated) - 3} more" * (len(animated) > 3))
    keys = keys_of_checksums(look.ends[good])
    if look.decoded is not None:
        return look.decoded if len(good) == len(paths) else look.decoded[good], good, keys, notes
    images = attrs.evolve(lazy, paths=[paths[i] for i in good])
    if kept is None:
        return images, good, keys, notes
    return KeptPictures(kept.folder, images.shape, images.read, good), good, keys, notes


def _kept(root: Path, lazy: PictureFiles, keep: str) -> tuple[KeptSet | None, list[str]]:
    """Return the set in the cache where decoded pictures are kept, and a note on it."""
    size = int(np.prod(lazy.shape))
    why = affordable(size) if keep == "auto" else ""
    if keep == "no" or why:
        return None, [f"decoded pictures are not kept: {why}"] if why else []
    settings = f"{lazy.white} {lazy.black} {decoder_name(lazy.decoder)}, Pillow {PILLOW}"
    try:
        kept = kept_set(root, lazy.paths, lazy.shape, settings)
    except (OSError, RuntimeError) as error:
        if keep == "yes":
            raise DataError(f"decoded pictures can't be kept: {error}",
                            hint="set UNBRAID_CACHE to a folder with room, or `keep: no`") from None
        return None, [f"decoded pictures are not kept: {error}"]
    return kept, [f"decoded pictures are kept in {kept.folder}, {size / 2**20:,.0f} MiB when all have been read; "
                  "`keep: no` keeps none"]


@attrs.define(eq=False)
class Look:
    """The first look at all files: which of them are pictures, and what tells them from others.

    decoded: where all pictures go, if they are decoded now.
    whole: whether files are decoded to see whether they are damaged.
    several: (N,) booleans, whether a file has several frames or pages.
    ends: (N,) checksums of the files' ends.
    """

    lazy: PictureFiles
    decoded: np.ndarray | None
    whole: bool
    several: np.ndarray = attrs.field(init=False)
    ends: np.ndarray = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.several, self.ends = np.zeros(len(self.lazy.paths), bool), np.zeros(len(self.lazy.paths), np.uint64)

    def at_all(self, kept: KeptSet | None) -> list[str]:
        """Return the faults of all files, empty texts for good ones; those known from before are not opened."""
        count = len(self.lazy.paths)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            if kept is None:
                return list(pool.map(self._at, range(count), chunksize=16))
            statuses = [_status(path) for path in self.lazy.paths]
            known = kept.known(statuses) & (kept.decoded() if self.whole else True)
            self.several[known], self.ends[known] = kept.rows["several"][known] & 1 > 0, kept.rows["ends"][known]
            new = np.flatnonzero(~known)
            faults = [""] * count
            for i, fault in zip(new, pool.map(self._at, new, chunksize=16), strict=True):
                faults[i] = fault
        found = np.asarray([i for i in new if not faults[i]], np.int64)
        if len(found):
            kept.note(found, statuses, self.ends, self.several)
        return faults

    def _at(self, i: int) -> str:
        path, lazy = self.lazy.paths[i], self.lazy
        if not path.is_file():
            return "it is no file"                 # reading a pipe would block
        try:
            if self.decoded is not None:
                self.decoded[i] = read_picture(path, sides(lazy.size), lazy.channels, lazy.white, lazy.black)
            elif self.whole:
                read_picture(path, sides(lazy.size), lazy.channels, lazy.white, lazy.black)
            else:
                picture_size(path)
            if path.suffix.lower() not in (".jpg", ".jpeg", ".bmp"):
                with open_picture(path) as image:
                    self.several[i] = getattr(image, "is_animated", False)
            self.ends[i] = key_of_file(path)
        except BadPicture as error:
            return str(error)
        return ""


def _status(path: Path) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError:
        return os.stat_result((0,) * 10)           # it is looked at, and the fault is told then
