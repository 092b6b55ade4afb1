"""Multi-PIE (Gross et al. 2010): faces from fifteen sides in nineteen lights, from one's own copy."""

from __future__ import annotations

import re

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.sources.picture_files import PictureFiles, open_pictures
from unbraid_plugins.shared.sources.picture_search import find_pictures
from unbraid_plugins.shared.sources.sizes import check_size, existing, skipped

NAME = re.compile(r"(\d{3})_(\d\d)_(\d\d)_(\d\d)(\d)_(\d\d)", re.ASCII)
FACTORS = ("identity", "session", "recording", "camera", "light")


@source
@attrs.frozen(kw_only=True)
class MultiPie:
    """Multi-PIE (Gross et al. 2010), a folder of its pictures, as they are on its disks or cropped.

    Their names keep the form SUBJECT_SESSION_RECORDING_CAMERA_LIGHT.png, as 001_01_01_051_07.png. Fields: identity,
    session, recording (which tells the expression), camera (05_1 for 051), light. Pictures with other names are left
    out, counted and named.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    channels: int = attrs.field(default=3, validator=attrs.validators.in_((1, 3)))

    def open(self) -> Images:
        """Return the pictures and what their names say."""
        root = existing(self.path, folder=True)
        seen = find_pictures(root)
        named = [(p, found) for p in seen.paths if (found := NAME.match(p.stem))]
        if not named:
            raise DataError(f"{root} has no pictures with names such as 001_01_01_051_07.png",
                            hint="set `path` to your copy of Multi-PIE")
        paths = [p for p, _ in named]
        lazy = PictureFiles(paths, self.size, self.channels)
        images, good, _, notes = open_pictures(root, paths, lazy, "auto", "auto")
        rows = [(f[1], f[2], f[3], f"{f[4]}_{f[5]}", f[6]) for _, f in named]
        fields = {}
        for factor, column in zip(FACTORS, zip(*(rows[i] for i in good), strict=True), strict=True):
            names, index = np.unique(column, return_inverse=True)
            fields[factor] = Field(index.reshape(-1), len(names), tuple(map(str, names)))
        taken = {p for p, _ in named}
        others = [(p, "its name tells no factors") for p in seen.paths if p not in taken]
        return Images(images, fields, notes=[*seen.notes, *notes, *skipped(others, "other")])
