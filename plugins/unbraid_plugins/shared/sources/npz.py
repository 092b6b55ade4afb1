"""The source of NumPy's .npz files with images and their fields."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.sources.array_layouts import LAYOUTS, to_images, unpack_bits
from unbraid_plugins.shared.sources.filters import chosen
from unbraid_plugins.shared.sources.npz_file import NpzFile
from unbraid_plugins.shared.sources.sizes import check_size, cropped, existing, resized

IMAGE_KEYS = ("images", "images_packed", "imgs", "video", "videos", "x", "data")
VIDEO_KEYS = ("video", "videos")                   # four axes of these are clips of grey frames
FACTOR_KEYS = ("factors", "latents_classes")
NAME_KEYS = {"factors": "factor_names", "latents_classes": "latents_names"}
LABEL_KEYS = ("labels", "label", "y", "targets")
DSPRITES = ("color", "shape", "scale", "orientation", "pos_x", "pos_y")
_MANY = 10_000                                     # class numbers beyond this are renumbered


@source
@attrs.frozen(kw_only=True)
class Npz:
    """An .npz file; never unpickled.

    Images: `images` (N,H,W), (N,H,W,C), (N,C,H,W), clips (N,T,H,W,C) or (N,T,C,H,W), `video` (N,T,H,W), or dSprites'
    bits in `images_packed`; uint8, or numbers in [0, 1]. Factors: `factors` (N, F) named by `factor_names`, or
    `latents_classes` and `latents_names`; names of their values in `values__NAME` or `NAME_names`; `labels` (N,),
    or (N,k), which are `label1`, `label2`, ... Every other array with N rows is a field under its name: whole numbers
    are classes, others numbers, uint8 of (N,H,W) pictures. `split` (N,) holds the names of the source's splits.

    images, factors: other names of these arrays.
    rename: other names of fields.
    fields: use only these fields.
    layout: the meaning of the axes, where it is not clear.
    only: use only images whose fields have these values, {"direction": "down"}.
    white: the value of white.
    crop: keep this much around the middle of images and pictures.
    size: then scale them and cut them to this.
    limit: largest size, in GiB.
    """

    path: str
    images: str | None = None
    factors: str | None = None
    rename: dict[str, str] = attrs.Factory(dict)
    fields: tuple[str, ...] | None = None
    only: dict[str, str | int] = attrs.Factory(dict)
    layout: str = attrs.field(default="auto", validator=attrs.validators.in_(LAYOUTS))
    white: float | None = None
    crop: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)
    limit: float = attrs.field(default=4.0, validator=attrs.validators.gt(0))

    def open(self) -> Images:
        """Return the images and their fields."""
        path = existing(self.path, folder=False)
        file = NpzFile(path, int(self.limit * 2 ** 30))
        try:
            return self._open(file)
        except DataError as error:
            if str(path) in error.message:
                raise
            raise DataError(f"{path}: {error.message}", hint=error.hint) from error

    def _open(self, file: NpzFile) -> Images:
        key = self._key(file, self.images, IMAGE_KEYS, "images")
        if key is None:
            raise _no_images(file)
        array = file.read(key)
        count = len(array) if array.ndim else 0
        packed = array.ndim == 2 and "packed" in key
        layout = "NTHW" if self.layout == "auto" and key in VIDEO_KEYS and array.ndim == 4 else self.layout
        pixels, frames = to_images(unpack_bits(array) if packed else array, layout, self.white)
        fields, splits, notes = self._fields(file, key, count, frames)
        for fitted, size in ((cropped, self.crop), (resized, self.size)):
            if size is not None:
                pixels = fitted(pixels, size)
                fields = {name: Field(fitted(f.values, size)) if f.is_picture else f for name, f in fields.items()}
        if frames is not None:
            fields = _in_clips(fields, count, frames)
            splits = splits and {s: (rows[:, None] * frames + np.arange(frames)).reshape(-1)
                                 for s, rows in splits.items()}
        if file.objects:
            notes.append(f"arrays of Python objects are never loaded: {', '.join(file.objects)}")
        images = Images(pixels, self._renamed(fields), splits, notes)
        return chosen(images, self.only) if self.only else images

    def _fields(self, file: NpzFile, images: str, count: int, frames: int | None) -> tuple[
            dict[str, Field], dict[str, np.ndarray] | None, list[str]]:
        used, unused = {images, "split"}, []
        fields: dict[str, Field] = {}
        table = self._key(file, self.factors, FACTOR_KEYS, "factors")
        if table is not None:
            names = NAME_KEYS.get(table, f"{table}_names")
            used |= {table, names}
            fields |= _table(file, table, names, count)
        for name, header in file.headers.items():
            if name in used or name.startswith("values__") or name in fields:
                continue
            if header.shape[:1] != (count,) or len(header.shape) > 4 or (table == "latents_classes"
                                                                         and name == "latents_values"):
                if header.shape and not name.endswith("_names"):
                    unused.append(name)
                continue
            values = file.read(name)
            if name in LABEL_KEYS and values.ndim == 2 and values.dtype.kind in "ui" and values.shape[1] != frames:
                fields |= {f"label{i + 1}": Field(own.astype(np.int64), int(own.max(initial=0)) + 1)
                           for i, own in enumerate(values.T)}
                continue
            field = _field(file, "label" if name in LABEL_KEYS else name, values, frames)
            if field is not None:
                fields["label" if name in LABEL_KEYS else name] = field
        if self.fields is not None:
            for name in self.fields:
                if name not in fields:
                    raise DataError(f"no field {name!r}; there is {', '.join(fields) or 'none'}")
            fields = {name: fields[name] for name in self.fields}
        notes = [f"arrays without a row per image are not used: {', '.join(unused)}"] if unused else []
        return fields, _splits(file, count), notes

    def _key(self, file: NpzFile, chosen: str | None, known: tuple[str, ...], option: str) -> str | None:
        if chosen is None:
            wanted = next((k for k in known if k in file or k in file.objects), None)
        else:
            wanted = chosen
        if wanted in file.objects:
            raise DataError(f"the array {wanted!r} holds pickled Python objects, which are never loaded",
                            hint="save it as an array of numbers")
        if wanted is not None and wanted not in file:
            raise DataError(f"no array {wanted!r}; there is {', '.join(file.headers) or 'none'}",
                            hint=f"set the option `{option}` to one of them")
        return wanted

    def _renamed(self, fields: dict[str, Field]) -> dict[str, Field]:
        for old in self.rename:
            if old not in fields:
                raise DataError(f"rename: no field {old!r}; there is {', '.join(fields) or 'none'}")
        renamed = {self.rename.get(name, name): field for name, field in fields.items()}
        if len(renamed) < len(fields):
            raise DataError(f"rename: two fields would have one name; the fields are {', '.join(fields)}")
        return renamed


def _no_images(file: NpzFile) -> DataError:
    if file.objects:
        return DataError(f"it holds pickled Python objects ({', '.join(file.objects)}), which are never loaded",
                         hint="save the images as an array of numbers")
    return DataError(f"it has no array of images; there is {', '.join(file.headers) or 'none'}",
                     hint="set the option `images` to the array that holds them")


def _table(file: NpzFile, table: str, names: str, count: int) -> dict[str, Field]:
    values = file.read(table)
    if values.ndim != 2 or len(values) != count:
        raise DataError(f"the array {table!r} must be ({count}, number of factors); found {values.shape}")
    if names in file:
        columns = [str(n) for n in file.read(names).reshape(-1)]
    elif table == "latents_classes" and values.shape[1] <= len(DSPRITES):
        columns = list(DSPRITES[-values.shape[1]:])
    else:
        columns = [f"factor{i}" for i in range(values.shape[1])]
    if len(columns) != values.shape[1] or len(set(columns)) < len(columns):
        raise DataError(f"{names!r} names {', '.join(columns)}; the array {table!r} has {values.shape[1]} columns")
    sizes = next((file.read(k).reshape(-1) for k in (f"{table}_sizes", "latents_sizes", "latents_sizes_full")
                  if k in file and file.headers[k].shape == (len(columns),)), None)
    fields = {}
    for i, name in enumerate(columns):
        field = _field(file, name, values[:, i], None, int(sizes[i]) if sizes is not None else 0)
        if field is not None:
            fields[name] = field
    return fields


def _field(file: NpzFile, name: str, values: np.ndarray, frames: int | None, least: int = 0) -> Field | None:
    """Return the field of an array with a row per image; None if it can't be a field."""
    if frames is not None and values.ndim > 1 and values.shape[1] == frames:
        values = values.reshape(-1, *values.shape[2:])
    if values.dtype.kind in "US" and values.ndim == 1:
        names, index = np.unique(values, return_inverse=True)
        return Field(index.reshape(-1), len(names), tuple(str(n) for n in names))
    if values.dtype.kind not in "buif":
        return None
    if values.ndim == 1 and values.dtype.kind in "bui" and values.min(initial=0) >= -1:
        return _classes(file, name, values.astype(np.int64), least)
    if values.ndim == 3 and min(values.shape[1:]) >= 8:              # a mask or a depth map for every image
        values = values[:, None]
    elif values.ndim == 4 and values.shape[-1] in (1, 3) and values.shape[1] not in (1, 3):
        values = np.moveaxis(values, -1, 1)
    return Field(values if values.dtype == np.uint8 and values.ndim == 4 else values.astype(np.float32))


def _classes(file: NpzFile, name: str, values: np.ndarray, least: int) -> Field:
    key = next((k for k in (f"values__{name}", f"{name}_names") if k in file and len(file.headers[k].shape) == 1), None)
    highest = int(values.max(initial=0))
    names = None
    if key is not None and file.headers[key].dtype.kind in "US" and file.headers[key].shape[0] > highest:
        names = tuple(str(n) for n in file.read(key))
    if names is None and highest > max(_MANY, 2 * len(values)):
        kept = np.unique(values[values >= 0])
        numbers = np.where(values >= 0, np.searchsorted(kept, values), -1)
        return Field(numbers, len(kept), tuple(str(k) for k in kept))
    return Field(values, len(names) if names else max(highest + 1, least), names)


def _splits(file: NpzFile, count: int) -> dict[str, np.ndarray] | None:
    if "split" not in file or file.headers["split"].shape != (count,) or file.headers["split"].dtype.kind not in "US":
        return None
    split = file.read("split").astype(str)
    return {name: np.flatnonzero(split == name) for name in dict.fromkeys(split.tolist())}


def _in_clips(fields: dict[str, Field], count: int, frames: int) -> dict[str, Field]:
    """Repeat every clip's fields for its frames, and add the fields `clip` and `frame`."""
    if taken := {"clip", "frame"} & set(fields):
        raise DataError(f"the clips have a field {' and '.join(sorted(taken))} of their own",
                        hint="leave it out: list the others in the option `fields`")
    spread = {name: Field(np.repeat(f.values, frames, axis=0), f.classes, f.names) if len(f.values) == count else f
              for name, f in fields.items()}
    return {**spread, "clip": Field(np.repeat(np.arange(count), frames), count),
            "frame": Field(np.tile(np.arange(frames), count), frames)}
