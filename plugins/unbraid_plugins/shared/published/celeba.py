"""CelebA (Liu et al. 2015): faces in a zip archive, with tables of attributes, splits, identities and landmarks."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from unbraid import DataError, Field, Images, read_whole, source
from unbraid_plugins.shared.published.zipped_pictures import ZippedPictures, members
from unbraid_plugins.shared.sources.sizes import check_size, existing

SPLITS = ("train", "validation", "test")           # 0, 1, 2 in the file
MOST = 256 << 20                                   # bytes of a table
ATTRIBUTES, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"
IDENTITIES, LANDMARKS = "identity_CelebA.txt", "list_landmarks_align_celeba.txt"


@source
@attrs.frozen(kw_only=True)
class Celeba:
    """CelebA (Liu et al. 2015): img_align_celeba.zip and its tables, as they were published, in a folder; RGB.

    The pictures (178 x 218) stay in the archive and are decoded when they are read. Fields, as far as their tables are
    there: the 40 attributes (no, yes) by their names in small letters, `identity`, and `landmarks`, (N, 10) pixels of
    the whole picture. Splits train, validation and test are those of list_eval_partition.txt.

    crop: side of the middle that is kept, in pixels; 0 for all.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    crop: int = attrs.field(default=148, validator=attrs.validators.and_(attrs.validators.ge(0),
                                                                         attrs.validators.le(178)))

    def open(self) -> Images:
        """Return the pictures and what the tables say of them."""
        folder = existing(self.path, folder=True)
        names = members(existing(str(folder / "img_align_celeba.zip"), folder=False), ".jpg")
        if not names:
            raise DataError(f"{folder / 'img_align_celeba.zip'} has no pictures")
        bare = [n.rpartition("/")[2] for n in names]
        fields: dict[str, Field] = {}
        if (folder / ATTRIBUTES).is_file():
            columns, values = read_table(folder / ATTRIBUTES, bare, titled=True)
            if not np.isin(values, (-1, 1)).all():
                raise DataError(f"{folder / ATTRIBUTES}: attributes must be -1 or 1")
            fields |= {_name(c): Field((v > 0).astype(np.int64), 2, ("no", "yes")) for c, v in zip(columns, values.T,
                                                                                                    strict=True)}
        if (folder / IDENTITIES).is_file():
            _, values = read_table(folder / IDENTITIES, bare)
            people, person = np.unique(values[:, 0], return_inverse=True)
            fields["identity"] = Field(person.reshape(-1), len(people), tuple(map(str, people)))
        if (folder / LANDMARKS).is_file():
            fields["landmarks"] = Field(read_table(folder / LANDMARKS, bare, titled=True)[1].astype(np.float32))
        splits = None
        if (folder / PARTITION).is_file():
            _, values = read_table(folder / PARTITION, bare)
            splits = {split: np.flatnonzero(values[:, 0] == i) for i, split in enumerate(SPLITS)}
        images = ZippedPictures(folder / "img_align_celeba.zip", names, self.size, crop=self.crop, formats=("JPEG",))
        absent = [t for t in (ATTRIBUTES, PARTITION, IDENTITIES, LANDMARKS) if not (folder / t).is_file()]
        return Images(images, fields, splits, [f"without {', '.join(absent)}"] if absent else [])


def _name(title: str) -> str:
    """Return an attribute's title as the name of a field: five_o_clock_shadow for 5_o_Clock_Shadow."""
    return title.lower().replace("5_o", "five_o")


def read_table(path: Path, names: list[str], *, titled: bool = False) -> tuple[list[str], np.ndarray]:
    """Return the titles of the columns, and int64 (N, columns) for pictures of these names.  Raises DataError.

    titled: whether a line with the number of rows and one of titles come first.
    """
    try:
        lines = read_whole(path, MOST).decode("ascii").splitlines()
        titles = lines[1].split() if titled else []
        if titled and int(lines[0]) != len(lines) - 2:
            raise ValueError(f"its first line says {lines[0].strip()} rows, it has {len(lines) - 2:,}")
        rows = {cells[0]: cells[1:] for line in lines[2 if titled else 0:] if (cells := line.split())}
        found = np.array([rows[name] for name in names]).astype(np.int64)
    except KeyError as error:
        raise DataError(f"{path}: it has no row for the picture {error}", hint="fetch it again") from None
    except (OSError, ValueError, IndexError, OverflowError) as error:
        raise DataError(f"{path}: not the table that it should be: {error}", hint="fetch it again") from None
    if found.ndim != 2 or not found.shape[1] or (titled and found.shape[1] != len(titles)):
        raise DataError(f"{path}: its rows have {found.shape[1:]} numbers for {len(titles)} titles")
    return titles, found
