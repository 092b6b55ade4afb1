"""The pictures of a viewer: test images of the model's sources, and pictures that a person gave."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from pathlib import Path

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid.data import BadPicture, open_data, read_picture
from unbraid.model import Model
from unbraid.values import Label, Value
from unbraid_plugins.tools.viewer.requests import MOST_UPLOAD, ControlError
from unbraid_registry import UnbraidError

SHOWN = 24                                         # test images to choose from
MOST = 2000                                        # test images of a source, for the map
MOST_BYTES = 64 << 20                              # of the test images of a source
GIVEN = 64                                         # pictures that people gave; the oldest is forgotten


@attrs.define(eq=False)
class Tests:
    """Test images of a source.  images: uint8 (N, C, H, W); fields: name -> the values of all of them."""

    images: Tensor
    fields: dict[str, Value]
    names: dict[str, tuple[str, ...]]


@attrs.define(eq=False)
class Gallery:
    """Pictures by name: `SOURCE:3` is a test image, `given:0` one that a person gave.

    size: (C, H, W) of the model's images.
    tests: source -> its test images.
    note: why there are no test images; "" where there are.
    """

    size: tuple[int, int, int]
    tests: dict[str, Tests] = attrs.Factory(dict)
    note: str = ""
    _given: OrderedDict[str, Tensor] = attrs.Factory(OrderedDict)
    _count: int = 0

    @classmethod
    def of(cls, model: Model) -> Gallery:
        """Read test images of the data of a model's recipe; where that can't be opened, a note says why."""
        gallery, recipe = cls(model.image_shape), model.method.recipe
        try:
            data = open_data(recipe.data, seed=recipe.train.seed)
        except UnbraidError as error:
            gallery.note = f"The data of this model can't be opened, so there are no test images: {error.message}"
            return gallery
        try:
            for source, images in data.images_of.items():
                splits = data.facts.sources[source].splits
                split = next((s for s in ("test", "train") if splits.get(s)), None)
                if split is None:
                    continue
                shape = data.facts.sources[source].image
                rows = data.rows(split, source)[:max(1, min(MOST, MOST_BYTES // int(np.prod(shape))))]
                pixels = torch.cat([(data.images(part, source) * 255).round().to(torch.uint8).cpu()
                                    for part in np.array_split(rows, max(1, len(rows) // 200))])
                fields = {name: data.field(name, rows, source) for name in images.fields}
                gallery.tests[source] = Tests(pixels, fields, {n: f.names for n, f in images.fields.items() if f.names})
        finally:
            data.close()
        return gallery

    def names(self, source: str = "", size: tuple[int, int, int] | None = None, count: int = SHOWN) -> list[str]:
        """Return the names of the first test images of a source that have this size; source "": the first one."""
        for name, tests in self.tests.items():
            if source in ("", name) and tuple(tests.images.shape[1:]) == (size or self.size):
                return [f"{name}:{i}" for i in range(min(count, len(tests.images)))]
        return []

    def image(self, name: str, size: tuple[int, int, int] | None = None) -> Tensor:
        """Return a picture, (1, C, H, W) in [0, 1].  Raises ControlError for an unknown name or another size."""
        if name in self._given:
            found = self._given[name]
        else:
            tests, row = self._test(name)
            found = tests.images[row:row + 1].to(torch.get_default_dtype()) / 255
        wanted = size or self.size
        if tuple(found.shape[1:]) != wanted:
            raise ControlError(f"the picture {name} is {tuple(found.shape[1:])}, not {wanted} (C, H, W)")
        return found

    def field(self, name: str, field: str) -> Value:
        """Return a field of a test image.  Raises ControlError."""
        tests, row = self._test(name)
        if field not in tests.fields:
            raise ControlError(f"the picture {name} has no {field}")
        value = tests.fields[field]
        return Label(value.index[row:row + 1], value.classes) if isinstance(value, Label) else value[row:row + 1]

    def give(self, content: bytes, size: tuple[int, int, int] | None = None) -> str:
        """Read a picture file, fit it into a size as a source would, and return its name.  Raises ControlError."""
        if len(content) > MOST_UPLOAD:
            raise ControlError(f"the picture has more than {MOST_UPLOAD >> 20} MiB")
        channels, height, width = size or self.size
        with tempfile.TemporaryDirectory(prefix="unbraid-view-") as folder:
            file = Path(folder) / "picture"
            file.write_bytes(content)
            try:
                pixels = read_picture(file, (height, width), channels)
            except BadPicture as error:
                raise ControlError(f"this picture can't be read: {str(error).replace(str(file), 'it')}") from None
        name, self._count = f"given:{self._count}", self._count + 1
        self._given[name] = torch.from_numpy(pixels.copy())[None].to(torch.get_default_dtype()) / 255
        while len(self._given) > GIVEN:
            self._given.popitem(last=False)
        return name

    def _test(self, name: str) -> tuple[Tests, int]:
        source, _, number = name.rpartition(":")
        tests = self.tests.get(source)
        if tests is None or not number.isascii() or not number.isdigit() or int(number) >= len(tests.images):
            raise ControlError(f"there is no picture {name!r} (any more); choose another")
        return tests, int(number)
