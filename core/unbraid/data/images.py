"""An opened source: images, and the labels and numbers of each of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import attrs
import numpy as np

from unbraid.data.errors import DataError

CHECKED, SOME = 2 ** 28, 16                        # checksum all images up to these bytes; else this many


@runtime_checkable
class LazyImages(Protocol):
    """Images that are read on demand, by several threads at once."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        ...

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the images of these rows, uint8 (len(rows), C, H, W)."""
        ...


def _tidy(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise DataError(f"a field must hold numbers; this one holds {values.dtype}",
                        hint="give class names as `names` and their numbers as `values`")
    return values


def _tuple(names: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


@attrs.frozen(eq=False)
class Field:
    """A named property of every image: a class, or numbers.  Raises DataError where the arguments do not agree.

    values: (N,) integers for classes, -1 where unknown; or (N, ...) numbers, NaN where unknown.
    classes: the number of classes, None for numbers.
    names: the names of the classes, in order.

    uint8 values of shape (N, C, H, W) are pictures (masks, albedo) and reach the flow in [0, 1].
    """

    values: np.ndarray = attrs.field(converter=_tidy)
    classes: int | None = None
    names: tuple[str, ...] | None = attrs.field(default=None, converter=_tuple)

    def __attrs_post_init__(self) -> None:
        if self.classes is None:
            if self.names is not None:
                raise DataError("a field of numbers has no names of classes", hint="set `classes`, or drop `names`")
            return
        if self.values.ndim != 1 or self.values.dtype.kind not in "iu":
            raise DataError(f"classes are whole numbers of shape (N,); found {self.values.dtype} of shape "
                            f"{self.values.shape}")
        if len(self.values) and (self.values.min() < -1 or int(self.values.max()) >= self.classes):
            raise DataError(f"classes must lie in -1 ... {self.classes - 1}; found {self.values.min()} ... "
                            f"{self.values.max()}")
        if self.names is not None and len(self.names) != self.classes:
            raise DataError(f"{len(self.names)} names for {self.classes} classes")

    @property
    def is_picture(self) -> bool:
        """Whether it holds uint8 pictures of shape (N, C, H, W)."""
        return self.classes is None and self.values.dtype == np.uint8 and self.values.ndim == 4

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image's numbers as the flow sees them; () for a class, (1,) for a single number."""
        return () if self.classes is not None else self.values.shape[1:] or (1,)

    def known(self) -> np.ndarray:
        """Return (N,) booleans: whether the value of an image is known."""
        if self.values.dtype.kind == "f":
            return ~np.isnan(self.values.reshape(len(self.values), -1)).any(1)
        return self.values >= 0 if self.classes is not None else np.ones(len(self.values), bool)

    def take(self, rows: np.ndarray) -> Field:
        """Return the field of some rows."""
        return Field(self.values[rows], self.classes, self.names)


@attrs.frozen(eq=False)
class Images:
    """An opened source.  Raises DataError where the arguments do not agree.

    images: uint8 (N, C, H, W), or `LazyImages`.
    fields: named fields with N entries each; the fields `clip` and `frame` (classes) make it a source of clips.
    splits: the source's own row numbers by split, or None.
    notes: notes for the user ("3 corrupt files skipped").
    keys: (N,) whole numbers that tell each picture from the others wherever it lies; splits follow them, else its row.
    """

    images: np.ndarray | LazyImages
    fields: dict[str, Field] = attrs.Factory(dict)
    splits: dict[str, np.ndarray] | None = None
    notes: list[str] = attrs.Factory(list)
    keys: np.ndarray | None = None

    def __attrs_post_init__(self) -> None:
        if len(self.images.shape) != 4 or self.images.shape[1] not in (1, 3):
            raise DataError(f"images must be (N, C, H, W) with 1 or 3 channels; found {tuple(self.images.shape)}")
        if isinstance(self.images, np.ndarray) and self.images.dtype != np.uint8:
            raise DataError(f"images must be uint8 in 0 ... 255; found {self.images.dtype}")
        if not len(self):
            raise DataError("the source has no images")
        for name, values in {**{n: f.values for n, f in self.fields.items()}, "keys": self.keys}.items():
            if values is not None and len(values) != len(self):
                raise DataError(f"the field {name!r} has {len(values)} entries for {len(self)} images")
            if not name.isidentifier():
                raise DataError(f"the field {name!r} cannot be named in an expression",
                                hint="use letters, digits and underscores")
        for name, rows in (self.splits or {}).items():
            if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
                raise DataError(f"the split {name!r} names rows outside 0 ... {len(self) - 1}")

    def __len__(self) -> int:
        return int(self.images.shape[0])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, c, h, w = self.images.shape
        return int(c), int(h), int(w)

    @property
    def has_clips(self) -> bool:
        """Whether its images are frames of clips."""
        return "clip" in self.fields and "frame" in self.fields

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the images of these rows, uint8 (len(rows), C, H, W)."""
        return self.images[rows] if isinstance(self.images, np.ndarray) else self.images.read(rows)

    def checksum(self) -> str:
        """Return a checksum of fields and images (of SOME images where they are lazy or many); "" if reading fails."""
        if isinstance(self.images, np.ndarray) and self.images.nbytes <= CHECKED:
            images = self.images
        else:
            try:
                images = self.read(np.unique(np.linspace(0, len(self) - 1, SOME).astype(np.int64)))
            except DataError:
                return ""
        number = 0
        for numbers in (images, *(field.values for field in self.fields.values())):
            number = zlib.crc32(np.ascontiguousarray(numbers).data, number)
        return f"{number:08x}"


class Clips:
    """The order of the frames in a source of clips."""

    def __init__(self, images: Images) -> None:
        clip, frame = (images.fields[n].values.astype(np.int64) for n in ("clip", "frame"))
        self.clip, self.frame, self.length = clip, frame, int(frame.max()) + 1
        key = np.where((clip >= 0) & (frame >= 0), clip * self.length + frame, -1)
        self.order = np.argsort(key, kind="stable")
        self.keys = key[self.order]

    def after(self, rows: np.ndarray, k: int) -> np.ndarray:
        """Return the rows of the frames k later in the same clips (earlier for k < 0); -1 where a frame is missing."""
        frame = self.frame[rows] + k
        key = self.clip[rows] * self.length + frame
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        inside = (frame >= 0) & (frame < self.length) & (self.clip[rows] >= 0) & (self.frame[rows] >= 0)
        return np.where(inside & (self.keys[at] == key), self.order[at], -1)
