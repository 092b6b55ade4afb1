"""The source of arrays with images and their fields, in NumPy's files or HDF5."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.sources.array_fields import classes, meaning, splits_of, texts, usable_name
from unbraid_plugins.shared.sources.array_layouts import LAYOUTS, to_images, unpack_bits
from unbraid_plugins.shared.sources.filters import chosen
from unbraid_plugins.shared.sources.hdf5_file import ENDINGS as HDF5, Hdf5File
from unbraid_plugins.shared.sources.joined_arrays import joined
from unbraid_plugins.shared.sources.npz_file import NpyFiles, NpzFile
from unbraid_plugins.shared.sources.picture_keys import keys_of_rows
from unbraid_plugins.shared.sources.sizes import check_size, check_white, cropped, existing, resized

IMAGE_KEYS = ("images", "images_packed", "imgs", "video", "videos", "x", "data")
VIDEO_KEYS = ("video", "videos")                   # four axes of these are clips of grey frames
FACTOR_KEYS = ("factors", "latents_classes")
NAME_KEYS = {"factors": "factor_names", "latents_classes": "latents_names"}
LABEL_KEYS = ("labels", "label", "y", "targets")
DSPRITES = ("color", "shape", "scale", "orientation", "pos_x", "pos_y")


@source
@attrs.frozen(kw_only=True)
class Npz:
    """An .npz or HDF5 file, a folder of .npy files (`images.npy`, `labels.npy`), or one of images; never unpickled.

    Images: `images` (N,H,W), (N,H,W,C), (N,C,H,W), clips (N,T,H,W,C) or (N,T,C,H,W), `video` (N,T,H,W), or dSprites'
    bits in `images_packed`; uint8, or numbers in [0, 1]. Factors: `factors` (N, F) named by `factor_names`, or
    `latents_classes` and `latents_names`; names of their values in `values__NAME` or `NAME_names`; `labels` (N,),
    or (N,k), which are `label1`, `label2`, ... Every other array with N rows is a field under its name: whole numbers
    are classes, others numbers, uint8 of (N,H,W) pictures. `split` (N,) holds the names of the source's splits; arrays
    in parts, as `x_train`, `y_train`, `x_test` and `y_test`, are splits too.

    images, factors: other names of these arrays.
    rename: other names of fields.
    fields: use only these fields.
    layout: the meaning of the axes, where it is not clear.
    only: use only images whose fields have these values, {"direction": "down"}.
    black, white: the values of black and white; -1 and 1 for floats in [-1, 1].
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
    black: float = 0.0
    white: float | None = attrs.field(default=None, validator=check_white)
    crop: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)
    limit: float = attrs.field(default=4.0, validator=attrs.validators.gt(0))

    def open(self) -> Images:
        """Return the images and their fields."""
        path = existing(self.path)
        file = self._file(path, int(self.limit * 2 ** 30))
        try:
            if self.images is None and not any(key in file for key in IMAGE_KEYS):
                file = joined(file, IMAGE_KEYS)
            return self._open(file)
        except DataError as error:
            if str(path) in error.message:
                raise
            raise DataError(f"{path}: {error.message}", hint=error.hint) from error

    def _file(self, path: Path, limit: int) -> NpzFile:
        ending = path.suffix.lower()
        kind = NpyFiles if path.is_dir() or ending == ".npy" else Hdf5File if ending in HDF5 else NpzFile
        return kind(path, limit)

    def _open(self, file: NpzFile) -> Images:
        key = self._key(file, self.images, IMAGE_KEYS, "images")
        if key is None:
            raise _no_images(file)
        array = file.read(key)
        count = len(array) if array.ndim else 0
        packed = array.ndim == 2 and "packed" in key
        layout = "NTHW" if self.layout == "auto" and key in VIDEO_KEYS and array.ndim == 4 else self.layout
        pixels, frames = to_images(unpack_bits(array) if packed else array, layout, self.white, self.black)
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
        keys = np.repeat(keys_of_rows(array), frames or 1)
        images = Images(pixels, self._renamed(fields), splits, notes, keys)
        return chosen(images, self.only) if self.only else images

    def _fields(self, file: NpzFile, images: str, count: int, frames: int | None) -> tuple[
            dict[str, Field], dict[str, np.ndarray] | None, list[str]]:
        used, unused, notes = {images, "split", "split_names", "values__split"}, list[str](), list[str]()
        fields: dict[str, Field] = {}
        table = self._key(file, self.factors, FACTOR_KEYS, "factors")
        if table is not None:
            names = NAME_KEYS.get(table, f"{table}_names")
            used |= {table, names}
            fields |= _table(file, table, names, count, notes)
        for name, header in file.headers.items():
            if name in used or name.startswith("values__") or name in fields:
                continue
            if header.shape[:1] != (count,) or len(header.shape) > 4 or (table == "latents_classes"
                                                                         and name == "latents_values"):
                if not name.endswith("_names"):
                    unused.append(name)
                continue
            label = name in LABEL_KEYS
            values = meaning(name, file.read(name), label, notes)
            if label and values.ndim == 2 and values.dtype.kind in "ui" and values.shape[1] != frames:
                fields |= {f"label{i + 1}": field for i, own in enumerate(values.T)
                           if (field := _field(file, f"label{i + 1}", own, None, 0, True, notes))}
                continue
            called = usable_name("label" if label else name)
            field = _field(file, called, values, frames, 0, label, notes, name)
            if field is None:
                notes.append(f"the array {name} is not used: it holds {header.dtype} of shape {header.shape}")
                continue
            if called in fields:
                raise DataError(f"the arrays give two fields the name {called!r}", hint=f"rename the array {name!r}")
            if called != name and not label:
                notes.append(f"the array {name} is the field {called}: an expression can use this name")
            fields[called] = field
        if self.fields is not None:
            for name in self.fields:
                if name not in fields:
                    raise DataError(f"no field {name!r}; there is {', '.join(fields) or 'none'}")
            fields = {name: fields[name] for name in self.fields}
        if unused:
            notes.append(f"arrays without a row per image are not used: {', '.join(unused)}")
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


@source
@attrs.frozen(kw_only=True)
class Hdf5(Npz):
    """An HDF5 file, with the names and options of `npz`; `a/b` is the array a_b.  pip install 'unbraid[data]'."""

    def _file(self, path: Path, limit: int) -> NpzFile:
        return Hdf5File(path, limit)


def _no_images(file: NpzFile) -> DataError:
    if file.objects:
        return DataError(f"it holds pickled Python objects ({', '.join(file.objects)}), which are never loaded",
                         hint="save the images as an array of numbers")
    return DataError(f"it has no array of images; there is {', '.join(file.headers) or 'none'}",
                     hint="set the option `images` to the array that holds them")


def _table(file: NpzFile, table: str, names: str, count: int, notes: list[str]) -> dict[str, Field]:
    values = file.read(table)
    if values.ndim != 2 or len(values) != count:
        raise DataError(f"the array {table!r} must be ({count}, number of factors); found {values.shape}")
    if names in file:
        written = [str(n) for n in texts(file.read(names)).reshape(-1)]
        columns = [usable_name(n) for n in written]
        if changed := [c for c, n in zip(columns, written, strict=True) if c != n]:
            notes.append(f"names of factors that no expression could use are written {', '.join(changed)}")
    elif table == "latents_classes" and values.shape[1] <= len(DSPRITES):
        columns = list(DSPRITES[-values.shape[1]:])
    else:
        columns = [f"factor{i}" for i in range(values.shape[1])]
    if len(columns) != values.shape[1] or len(set(columns)) < len(columns):
        raise DataError(f"{names!r} names {', '.join(columns)}; the array {table!r} has {values.shape[1]} columns")
    sizes = next((file.read(k).reshape(-1) for k in (f"{table}_sizes", "latents_sizes", "latents_sizes_full")
                  if k in file and file.headers[k].shape == (len(columns),)), None)
    fields = {}
    if values.dtype.kind == "f":
        values = meaning(table, values.reshape(-1), True, notes).reshape(values.shape)
    for i, name in enumerate(columns):
        field = _field(file, name, values[:, i], None, int(sizes[i]) if sizes is not None else 0, True, notes)
        if field is not None:
            fields[name] = field
    return fields


def _field(file: NpzFile, name: str, values: np.ndarray, frames: int | None, least: int, label: bool,
           notes: list[str], written: str = "") -> Field | None:
    """Return the field of an array with a row per image; None if it can't be one.  written: its name in the file."""
    if frames is not None and values.ndim > 1 and values.shape[1] == frames:
        values = values.reshape(-1, *values.shape[2:])
    if values.dtype.kind == "U" and values.ndim == 1:
        names, index = np.unique(values, return_inverse=True)
        return Field(index.reshape(-1), len(names), tuple(str(n) for n in names))
    if values.dtype.kind not in "buif":
        return None
    if values.ndim == 1 and values.dtype.kind in "bui":
        keys = [key for n in (name, written or name) for key in (f"values__{n}", f"{n}_names")]
        key = next((k for k in keys if k in file and len(file.headers[k].shape) == 1
                    and file.headers[k].dtype.kind in "US"), None)
        named = None if key is None else tuple(str(n) for n in texts(file.read(key)))
        if (field := classes(name, values, label, named, least, notes)) is not None:
            return field
    if values.ndim == 3 and min(values.shape[1:]) >= 8:              # a mask or a depth map for every image
        values = values[:, None]
    elif values.ndim == 4 and values.shape[-1] in (1, 3) and values.shape[1] not in (1, 3):
        values = np.moveaxis(values, -1, 1)
    return Field(values if values.dtype == np.uint8 and values.ndim == 4 else values.astype(np.float32))


def _splits(file: NpzFile, count: int) -> dict[str, np.ndarray] | None:
    if "split" in file.objects:
        raise DataError("the array 'split' holds pickled Python objects, which are never loaded",
                        hint="save it as text: split=np.array(split, dtype=str)")
    if "split" not in file:
        return None
    named = next((file.read(key) for key in ("split_names", "values__split") if key in file), None)
    return splits_of(file.read("split"), count, named)


def _in_clips(fields: dict[str, Field], count: int, frames: int) -> dict[str, Field]:
    """Repeat every clip's fields for its frames, and add the fields `clip` and `frame`."""
    if taken := {"clip", "frame"} & set(fields):
        raise DataError(f"the clips have a field {' and '.join(sorted(taken))} of their own",
                        hint="leave it out: list the others in the option `fields`")
    spread = {name: Field(np.repeat(f.values, frames, axis=0), f.classes, f.names) if len(f.values) == count else f
              for name, f in fields.items()}
    return {**spread, "clip": Field(np.repeat(np.arange(count), frames), count),
            "frame": Field(np.tile(np.arange(frames), count), frames)}
