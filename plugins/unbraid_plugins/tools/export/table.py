"""Codes of many images, computed in batches: the content of the files of codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np
import torch

from unbraid.data import Data, DataError, Field
from unbraid.model import Model, code_of
from unbraid.values import Code, Gaussian, Layout, Noise, Record, Set, Value, map_tensors
from unbraid_plugins.tools.export.exportable import Formula
from unbraid_plugins.tools.export.formats import ExportError, listed
from unbraid_plugins.tools.export.metadata import facts_of, parts_of
from unbraid_registry import closest

BATCH = 100                                        # images that the model encodes at once
OWN = ("row", "split")                             # names of columns that no factor may have


@attrs.frozen(eq=False)
class Rows:
    """Some rows of a table.

    codes: float32 (n, D).
    images: (n, C, H, W) in [0, 1].
    """

    rows: np.ndarray
    codes: np.ndarray
    images: torch.Tensor


@attrs.frozen(eq=False)
class Table:
    """The codes of images; they are computed only when `batches` asks for them.

    rows: the indices of the images in their source.
    split_of: for each row, the index of its split in `splits`.
    columns: the names of a code's dimensions.
    shape: the shape of one code.
    spans: the columns [start, stop) of each part.
    fields: the known factors of the images by the names of their columns.
    facts: the metadata of the file.
    encoded: computes some rows; its second argument is the number of the batch.
    """

    rows: np.ndarray
    split_of: np.ndarray
    splits: tuple[str, ...]
    columns: tuple[str, ...]
    shape: tuple[int, ...]
    spans: dict[str, tuple[int, int]]
    fields: dict[str, Field]
    facts: dict[str, Any]
    encoded: Callable[[np.ndarray, int], Rows]

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self) -> Iterator[Rows]:
        """Compute and yield all rows in order, 100 at a time."""
        for number, start in enumerate(range(0, len(self), BATCH)):
            yield self.encoded(self.rows[start:start + BATCH], number)


def table_of(model: Model, formula: Formula, data: Data, *, source: str | None = None, split: str | None = None,
             images: int | None = None, seed: int = 0) -> Table:
    """Return the table of a function of one image over a split of the data.

    source: the source of the images; by default that of the draw with the name of the function's parameter, else of the
        first draw.
    split: a split, or all; by default the first of test, train and the others that has images.
    images: the largest number of images, chosen at random by the seed; by default all.

    Raises ExportError, DataError.
    """
    image = _image_of(formula)
    if source is None:
        source = data.plans[image if image in data.plans else next(iter(data.plans))].source
    if source not in data.images_of:
        raise DataError(f"no source {source!r}; there is {listed([*data.images_of])}",
                        hint=closest(source, data.images_of))
    rows, split_of, splits = _rows_of(data, source, split)
    if images is not None and images < len(rows):
        kept = np.sort(np.random.default_rng(seed).choice(len(rows), images, replace=False))
        rows, split_of = rows[kept], split_of[kept]

    def computed(wanted: np.ndarray, number: int) -> tuple[Value, torch.Tensor]:
        pictures = data.images(wanted, source)
        given: dict[str, Value] = {image: pictures.to(model.device)}
        for name in formula.parameters:
            if name != image:
                field = data.field(name.partition(".")[2], wanted, source)
                given[name] = map_tensors(lambda t: t.to(model.device), field)
        noise = Noise(seed, model.device, batch=len(wanted), step=number)
        with torch.inference_mode():
            return _code(formula, formula.compute(given, noise), model.layout), pictures

    first, _ = computed(rows[:1], 0)
    tensor, layout = (first.tensor, first.layout) if isinstance(first, Code) else (first, None)
    shape = tuple(tensor.shape[1:])
    spans = _spans(layout, shape) if layout is not None else {formula.name: (0, int(np.prod(shape)))}
    columns = tuple(name for part, (a, b) in spans.items() for name in _columns(part, b - a, shape[1:]))
    fields = _fields(data.images_of[source].fields, rows, columns)

    def encoded(wanted: np.ndarray, number: int) -> Rows:
        v, pictures = computed(wanted, number)
        found = (v.tensor if isinstance(v, Code) else v).float().cpu().numpy()
        return Rows(wanted, found.reshape(len(wanted), -1), pictures)

    facts = {**facts_of(model), "function": formula.text, "code": parts_of(layout) if layout is not None else [],
             "shape": list(shape), "source": source, "splits": list(splits), "images": len(rows),
             "factors": {name: {"classes": f.classes, "names": list(f.names) if f.names else None}
                         for name, f in fields.items() if f.classes is not None}}
    return Table(rows, split_of, splits, columns, shape, spans, fields, facts, encoded)


def _image_of(formula: Formula) -> str:
    """Return the name of the one image that a function takes.  Raises ExportError for another signature."""
    images = [name for name in formula.parameters if "." not in name]
    like = formula.parameters[images[0]] if len(images) == 1 else None
    if isinstance(like, torch.Tensor) and like.ndim == 4 and like.shape[1] in (1, 3):
        return images[0]
    what = "a set of images" if isinstance(like, Set) else f"({', '.join(images)})"
    raise ExportError(f"{formula.name} takes {what}; a table needs a function of one image",
                      hint="export it as a program: --to NAME.onnx or NAME.pt2")


def _code(formula: Formula, v: Value, layout: Layout) -> Value:
    """Convert a function's result to a code or a tensor (B, D).  Raises ExportError."""
    if isinstance(v, Gaussian | Record) or (isinstance(v, torch.Tensor) and v.ndim == 2):
        v = code_of(v, layout) if not isinstance(v, torch.Tensor) or v.shape[1] == layout.size else v
    if isinstance(v, Code):
        return v
    if isinstance(v, torch.Tensor) and 1 <= v.ndim <= 2:
        return v.reshape(v.shape[0], -1)
    raise ExportError(f"{formula.name} gives {'images or maps' if isinstance(v, torch.Tensor) else 'no code'}; a table "
                      "needs codes or numbers", hint="export it as a program: --to NAME.onnx or NAME.pt2")


def _rows_of(data: Data, source: str, split: str | None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    counts = data.facts.sources[source].splits
    if split is None:
        split = next((s for s in ("test", "train", *counts) if counts.get(s)), "all")
    if split != "all" and split not in counts:
        raise DataError(f"no split {split!r}; there is {listed([*counts, 'all'])}", hint=closest(split, [*counts]))
    splits = tuple(counts) if split == "all" else (split,)
    of = [data.rows(s, source) for s in splits]
    rows = np.concatenate(of)
    if not len(rows):
        raise DataError(f"the split {split!r} has no images",
                        hint=f"there is {listed([s for s in counts if counts[s]])}")
    order = np.argsort(rows, kind="stable")
    return rows[order], np.repeat(np.arange(len(of)), [len(r) for r in of])[order], splits


def _spans(layout: Layout, shape: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    positions = int(np.prod(shape[1:]))
    return {p.name: (a * positions, b * positions) for p in layout.parts for a, b in layout.spans([p.name])[:1]}


def _columns(part: str, count: int, positions: tuple[int, ...]) -> Iterator[str]:
    """Yield the column names of a part: pose[0], pose[1], ...; pose[channel,y,x] for a spatial code."""
    for i in range(count):
        at = np.unravel_index(i, (count // int(np.prod(positions)), *positions))
        yield f"{part}[{','.join(map(str, at))}]"


def _fields(fields: dict[str, Field], rows: np.ndarray, columns: tuple[str, ...]) -> dict[str, Field]:
    """Return the fields of these rows except pictures, under names that no other column has."""
    taken = {*OWN, *(c.partition("[")[0] for c in columns)}
    found = {}
    for name, field in fields.items():
        if not field.is_picture:
            while name in taken:
                name += "_"
            taken.add(name)
            found[name] = field.take(rows)
    return found
