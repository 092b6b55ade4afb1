"""Edits of test images as rows of pictures: swaps, swap grids, traversals, one class after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from unbraid_plugins.tools.display import Row
from unbraid_plugins.tools.editing import TRAVERSAL
from unbraid_plugins.tools.evaluation.evidence import Evidence

COLUMNS = 10                                       # images side by side
RECEIVERS, DONORS = 4, 8                           # in a swap grid
STEPS = 9                                          # in a traversal
CLASSES = 10                                       # largest number of classes to show of a factor
MOST = 32                                          # largest number of chunks, or factors, to show
AXES = 8                                           # principal axes to show of a code without chunks
RANGE = 0.02, 0.98                                 # quantiles of the codes at the ends of a traversal


@attrs.frozen(eq=False)
class Shown:
    """The images, codes and decoder that edits are made from.

    images: (N, C, H, W).
    codes: (N, D).
    decode: codes (n, D) -> images (n, C, H, W).
    chunks: name -> columns; empty where the code has no chunks.
    assigned: factor -> its chunk.
    factors: name -> (N,) classes.
    names: factor -> the names of its classes.
    kl: (N, D) nats, for variational codes.
    """

    images: np.ndarray
    codes: np.ndarray
    decode: Callable[[np.ndarray], np.ndarray]
    chunks: Mapping[str, tuple[int, int]]
    assigned: Mapping[str, str]
    factors: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    kl: np.ndarray | None = None

    @classmethod
    def of(cls, images: np.ndarray, evidence: Evidence, factors: Mapping[str, np.ndarray],
           assigned: Mapping[str, str], names: Mapping[str, tuple[str, ...]]) -> Shown:
        """Build from the evidence of a model that encodes and decodes."""
        chunks = evidence.get("chunks", {})
        return cls(images, evidence["codes"], evidence["decode"], chunks,
                   {f: c for f, c in list(assigned.items())[:MOST] if c in chunks}, factors, names, evidence.get("kl"))

    def edited(self, rows: np.ndarray, chunk: str, values: np.ndarray) -> np.ndarray:
        """Decode the codes of these rows with one chunk replaced by `values`."""
        codes = self.codes[rows].copy()
        codes[:, slice(*self.chunks[chunk])] = values
        return self.decode(codes)

    def carried(self) -> dict[str, list[str]]:
        """Return the factors that are assigned to each chunk, for chunks with at least one."""
        found: dict[str, list[str]] = {}
        for factor, chunk in self.assigned.items():
            found.setdefault(chunk, []).append(factor)
        return found

    def classes(self, factor: str) -> list[int]:
        """Return the classes of a factor that occur in the images; where there are many, an even selection."""
        labels = np.asarray(self.factors[factor])
        found = np.unique(labels[labels >= 0])
        few = found if len(found) <= CLASSES else found[np.linspace(0, len(found) - 1, CLASSES).round().astype(int)]
        return few.tolist()

    def name(self, factor: str, label: int) -> str:
        """Return the name of a class, or its number."""
        names = self.names.get(factor) or ()
        return names[label] if label < len(names) else str(label)


def swaps(shown: Shown) -> Iterator[Row]:
    """Yield the rows of a picture of swaps, with one pair of images in each column.

    The rows are: the image, the other image, the reconstruction of the image, and then, for each chunk that carries a
    factor, the image with that chunk of the other.
    """
    n = min(COLUMNS, len(shown.images) // 2)
    own, others = np.arange(n), np.arange(n, 2 * n)
    yield Row(shown.images[own], "image")
    yield Row(shown.images[others], "other")
    yield Row(shown.decode(shown.codes[own]), "image, rebuilt")
    for chunk, factors in shown.carried().items():
        what, detail = _label(chunk, factors)
        values = shown.codes[others, slice(*shown.chunks[chunk])]
        yield Row(shown.edited(own, chunk, values), f"{what} of the other", detail)


def swap_grids(shown: Shown) -> Iterator[Row]:
    """Yield the rows of a swap grid for every chunk that carries a factor.

    Donors are at the top, receivers at the left. A cell is the receiver with the donor's chunk. The donors cover the
    classes of one factor of the chunk: the factor with most classes.
    """
    receivers = np.arange(min(RECEIVERS, len(shown.images)))
    for chunk, factors in shown.carried().items():
        factor = max(factors, key=lambda f: len(shown.classes(f)))
        donors, (what, detail) = _donors(shown, factor), _label(chunk, factors)
        labels = np.asarray(shown.factors[factor])[donors]
        group, names = f"{what} ({detail})", tuple(shown.name(factor, c) for c in labels)
        yield Row(shown.images[donors], f"{what} of donors", detail, group, names, blank=1)
        for number, receiver in enumerate(receivers, 1):
            values = shown.codes[donors, slice(*shown.chunks[chunk])]
            edited = shown.edited(np.full(len(donors), receiver), chunk, values)
            yield Row(np.concatenate([shown.images[receiver][None], edited]), f"receiver {number}", "", group)


def _label(chunk: str, factors: Sequence[str]) -> tuple[str, str]:
    """Return the label of an edit of a chunk, and a detail.

    With one factor, the label is the factor and the detail the chunk; with several, it is the other way round.

    >>> _label("a", ["skin"]), _label("a", ["skin", "hair"])
    (('skin', 'a'), ('a', 'skin, hair'))
    """
    return (factors[0], chunk) if len(factors) == 1 else (chunk, ", ".join(factors))


def _donors(shown: Shown, factor: str) -> np.ndarray:
    """Return rows of images that cover as many classes of a factor as possible, class by class.

    They avoid the receivers if possible.
    """
    labels, classes = np.asarray(shown.factors[factor]), shown.classes(factor)
    queues = [[r for r in np.flatnonzero(labels == c).tolist() if r >= RECEIVERS] for c in classes]
    turns = [q[i] for i in range(DONORS) for q in queues if i < len(q)]
    chosen = (turns or list(range(len(shown.images))))[:DONORS]
    return np.asarray(sorted(chosen, key=lambda r: (labels[r], r)))


def traversals(shown: Shown) -> Iterator[Row]:
    """Yield a row for every chunk: one image whose chunk moves from its low to its high values.

    A chunk of one dimension moves from -3 to 3 where the code has a KL, else between quantiles of the images' codes. A
    chunk of several dimensions moves along its first principal axis. A code without chunks gets one row for each of its
    first principal axes.
    """
    finds = {c: [f for f, own in shown.assigned.items() if own == c] for c in shown.chunks}
    for chunk in _liveliest(shown):
        start, stop = shown.chunks[chunk]
        detail = ", ".join(finds[chunk])
        if stop - start == 1:
            values = _values(shown, shown.codes[:, start])[:, None]
            ends = f"{values[0, 0]:.2g} ... {values[-1, 0]:.2g}"
        else:
            own = shown.codes[:, start:stop]
            values, ends = own[0] + _along(own, 0), "along its principal axis"
        rows = np.zeros(len(values), int)
        yield Row(shown.edited(rows, chunk, values), chunk, "; ".join(filter(None, [detail, ends])))
    if not shown.chunks:
        for axis in range(min(AXES, *shown.codes.shape)):
            yield Row(shown.decode(shown.codes[0] + _along(shown.codes, axis)), f"principal axis {axis + 1}")


def _liveliest(shown: Shown) -> list[str]:
    """Return all chunks, in order; where there are many, those with the most KL (or else variance)."""
    each = shown.codes.var(0) if shown.kl is None else shown.kl.mean(0)
    share = {name: each[a:b].sum() for name, (a, b) in shown.chunks.items()}
    most = set(sorted(share, key=lambda name: -share[name])[:MOST])
    return [name for name in shown.chunks if name in most]


def _values(shown: Shown, codes: np.ndarray) -> np.ndarray:
    """Return the values through which a traversal moves one dimension."""
    low, high = TRAVERSAL if shown.kl is not None else np.quantile(codes, RANGE).tolist()
    return np.linspace(low, high, STEPS)


def _along(codes: np.ndarray, axis: int) -> np.ndarray:
    """Return steps along a principal axis of codes (N, D), as differences from the first code, (STEPS, D)."""
    direction = np.linalg.svd(codes - codes.mean(0), full_matrices=False)[2][axis]
    places = codes @ direction
    low, high = np.quantile(places, RANGE).tolist()
    return (np.linspace(low, high, STEPS) - places[0])[:, None] * direction


def classes(shown: Shown) -> Iterator[Row]:
    """Yield a row for every factor: one image that takes the factor's chunk from a typical image of each class."""
    for factor, chunk in shown.assigned.items():
        own, labels = shown.codes[:, slice(*shown.chunks[chunk])], np.asarray(shown.factors[factor])
        found = shown.classes(factor)
        typical = [_typical(own, np.flatnonzero(labels == c)) for c in found]
        edited = shown.edited(np.zeros(len(found), int), chunk, own[typical])
        yield Row(edited, factor, chunk, columns=tuple(shown.name(factor, c) for c in found))


def _typical(codes: np.ndarray, rows: Sequence[int] | np.ndarray) -> int:
    """Return the row whose code is nearest to the mean code of these rows."""
    distances = ((codes[rows] - codes[rows].mean(0)) ** 2).sum(1)
    return int(np.asarray(rows)[distances.argmin()])
