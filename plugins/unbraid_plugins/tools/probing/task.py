"""The images that classifiers are fitted and judged on, from one source or two, with their known factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

import attrs
import numpy as np

from unbraid.data import Data, Field
from unbraid_plugins.tools.evaluation import BATCH, as_numbers, factors_of, halves, image_array, numbers_of, source_of
from unbraid_plugins.tools.probing.settings import ProbeError, Settings


@attrs.frozen(eq=False)
class Chosen:
    """Images that were chosen from a source.

    source, split: the origin of the images.
    rows: (n,) rows of the source.
    factors: name -> (n,) classes, -1 where unknown.
    numbers: name -> (n, d) floats, NaN where unknown.
    """

    data: Data = attrs.field(repr=False)
    source: str
    split: str
    rows: np.ndarray
    factors: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray] = attrs.Factory(dict)

    def __len__(self) -> int:
        return len(self.rows)

    def read(self) -> Iterator[np.ndarray]:
        """Yield batches (B, C, H, W) in [0, 1]."""
        return (image_array(self.data, self.rows[i:i + BATCH], self.source) for i in range(0, len(self), BATCH))

    def bytes(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the images of some of the rows, uint8 (n, C, H, W)."""
        return self.data.images_of[self.source].read(self.rows[rows])


@attrs.frozen(eq=False)
class Task:
    """Images to fit on and images to judge on; no row is in both.

    classes: factor -> the classes that have labels to fit on.
    chance: factor -> the share of the most frequent class among the images to judge on.
    numbers: number -> its components, of the numbers that both know.
    """

    train: Chosen
    test: Chosen
    classes: dict[str, np.ndarray]
    chance: dict[str, float]
    notes: list[str]
    numbers: dict[str, int] = attrs.Factory(dict)


def task(data: Data, settings: Settings, fit_on: str | None = None, judge_on: str | None = None) -> Task:
    """Choose training images of one source, test images of the same or another, and the factors that both know.

    Without a test split, the two halves of the training split are used. A class without labels to fit on is not judged.

    fit_on: the source to fit on; None: the first draw's.
    judge_on: the source to judge on; None: the same.

    Raises ProbeError, DataError.
    """
    names = source_of(data, fit_on), source_of(data, fit_on if judge_on is None else judge_on)
    shapes = [data.images_of[name].shape for name in names]
    if shapes[0] != shapes[1]:
        raise ProbeError(f"images of {names[0]!r} are {_size(shapes[0])}, of {names[1]!r} {_size(shapes[1])}: what is "
                         "fitted on the ones can't judge the others", hint="give both sources the same `size`")
    train, train_notes = _part(data, names[0], settings, test=False)
    test, test_notes = _part(data, names[1], settings, test=True)
    notes = list(dict.fromkeys([*test_notes, *train_notes]))
    if names[0] != names[1]:
        test = attrs.evolve(test, factors=_in_words_of(data, names))
        test = attrs.evolve(test, factors={f: v[test.rows] for f, v in test.factors.items()})
    classes, chance = {}, {}
    for factor in (f for f in train.factors if f in test.factors):
        labelled, judged = _values(train.factors[factor]), test.factors[factor]
        strange = ~np.isin(judged, labelled) & (judged >= 0)
        if strange.any():
            notes.append(f"{factor}: {strange.sum()} test images have a class without training images, and are not "
                         "judged")
            judged[strange] = -1
        if len(labelled) < 2 or not (judged >= 0).any():
            notes.append(f"{factor} has no two classes with training images, or none of them in the test images, and "
                         "is left out")
            continue
        classes[factor] = labelled
        chance[factor] = float(np.bincount(judged[judged >= 0]).max() / (judged >= 0).sum())
    numbers = {name: v.shape[1] for name, v in train.numbers.items()
               if name in test.numbers and test.numbers[name].shape[1] == v.shape[1]}
    _check(classes or numbers, data, names, notes)
    same = _copies(train, test)
    if same:
        notes.append(f"{same} of {len(test)} test images are in every pixel like an image to fit on")
    return Task(train, test, classes, chance, notes, numbers)


def _part(data: Data, source: str, settings: Settings, *, test: bool) -> tuple[Chosen, list[str]]:
    """Return the images of one source to judge or to fit on, with the factors that have several classes, and notes."""
    images = data.images_of[source]
    unseen, seen, split = halves(data, source, np.random.default_rng(settings.seed))
    notes = [] if split == "test" else [f"{source} has no test split: judged on half of the training split, which the "
                                       "encoder saw"]
    rows = unseen[:settings.test_images] if test else seen[:settings.images]
    if not test and len(rows) < len(seen):
        notes.append(f"fitted on {len(rows)} of {len(seen)} training images (--images)")
    if test and len(rows) < len(unseen):
        notes.append(f"judged on {len(rows)} of {len(unseen)} test images (--test-images)")
    classes, left_out = factors_of(images, rows)
    factors = {f: images.fields[f].values[rows].astype(np.int64) for f in classes}
    numbers = {name: as_numbers(images.fields[name], rows) for name in numbers_of(images, rows)}
    return Chosen(data, source, split if test else "train", rows, factors, numbers), [*notes, *left_out]


def _in_words_of(data: Data, names: tuple[str, str]) -> dict[str, np.ndarray]:
    """Return all labels of the second source in the class numbers of the first one.

    Classes are matched by name where both sources have names. A class that the first source lacks gets a number beyond
    those of the first source.
    """
    own, other = (data.images_of[name].fields for name in names)
    return {f: _renumbered(field, own[f]) for f, field in other.items()
            if f in own and field.classes is not None and own[f].classes is not None}


def _renumbered(field: Field, like: Field) -> np.ndarray:
    values = field.values.astype(np.int64)
    if field.names is None or like.names is None or field.names == like.names:
        return values
    known = {name: i for i, name in enumerate(like.names)}
    numbers = np.asarray([known.get(name, len(known) + i) for i, name in enumerate(field.names)])
    return np.where(values >= 0, numbers[values], -1)


def _values(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels[labels >= 0])


def _check(known: Mapping[str, object], data: Data, names: tuple[str, str], notes: list[str]) -> None:
    """Raise ProbeError where no factor and no number is left."""
    if known:
        return
    if names[0] != names[1]:
        fields = [", ".join(data.images_of[name].fields) or "none" for name in names]
        raise ProbeError(f"no factor is known in both sources: {names[0]} has {fields[0]}; {names[1]} has {fields[1]}",
                         hint="; ".join(notes))
    raise ProbeError(f"nothing to probe: no factor of the source {names[0]!r} has two classes with several images, "
                     "and none is a number",
                     hint="; ".join(notes) or "labels are folders of images, or arrays of an .npz file")


def _copies(train: Chosen, test: Chosen) -> int:
    """Return the number of images to judge on that are also among those to fit on."""
    seen = set(_digests(train))
    return sum(digest in seen for digest in _digests(test))


def _digests(chosen: Chosen) -> Iterator[bytes]:
    for i in range(0, len(chosen), BATCH):
        for image in chosen.bytes(slice(i, i + BATCH)):
            yield blake2b(image.tobytes(), digest_size=16).digest()


def _size(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))
