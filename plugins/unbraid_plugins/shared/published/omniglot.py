"""Omniglot (Lake et al. 2015): handwritten characters of fifty alphabets, by twenty people each."""

from __future__ import annotations

import re

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.published.zipped_pictures import ZippedPictures, members
from unbraid_plugins.shared.sources.sizes import check_size, existing

ARCHIVES = {"train": "images_background.zip", "test": "images_evaluation.zip"}
NAME = re.compile(r"images_\w+/([^/]+)/(character\d+)/\d+_(\d+)\.png", re.ASCII)


@source
@attrs.frozen(kw_only=True)
class Omniglot:
    """Omniglot (Lake et al. 2015), its two archives in a folder; grey, dark strokes on white.

    images_background.zip and images_evaluation.zip are decoded when they are opened, and are the splits train and test,
    with different alphabets. Fields: alphabet, character (with its alphabet), drawer (0 ... 19 of each character).
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)

    def open(self) -> Images:
        """Return the characters and what their names say."""
        folder = existing(self.path, folder=True)
        images, names, splits, begin = [], [], {}, 0
        for split, name in ARCHIVES.items():
            path = folder / name
            if not path.is_file():
                continue
            found = [(m, parts) for m in members(path, ".png") if (parts := NAME.fullmatch(m))]
            images.append(ZippedPictures(path, [m for m, _ in found], self.size, 1, formats=("PNG",)).read(
                np.arange(len(found))))
            names += [(parts[1], f"{parts[1]}/{parts[2]}", int(parts[3]) - 1) for _, parts in found]
            splits[split] = np.arange(begin, begin := begin + len(found))
        if not names:
            raise DataError(f"{folder} has no {' and no '.join(ARCHIVES.values())} with characters",
                            hint="unbraid data get omniglot")
        drawers = np.array([drawer for _, _, drawer in names])
        return Images(np.concatenate(images), {
            "alphabet": _named([alphabet for alphabet, _, _ in names]), "character": _named([c for _, c, _ in names]),
            "drawer": Field(drawers, int(drawers.max()) + 1)}, splits)


def _named(texts: list[str]) -> Field:
    names, index = np.unique(texts, return_inverse=True)
    return Field(index.reshape(-1), len(names), tuple(map(str, names)))
