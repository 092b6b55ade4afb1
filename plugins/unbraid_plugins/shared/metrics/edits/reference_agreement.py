"""The reference ambiguity: whether the viewpoint of one object means the same viewpoint on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, exchanged
from unbraid_plugins.shared.metrics.edits.transfer_accuracy import TransferAccuracy
from unbraid_plugins.shared.metrics.shapes.viewpoint_error import TURN, around, viewpoint_error


@attrs.frozen(eq=False)
class ReferenceAgreement:
    """Agreement of viewpoints between pairs of n objects.

    objects: the numbers of the objects.
    agreement: (n, n) shares of views in [0, 1] that are shown within one step of the azimuth.
    gauged: (n, n) the same after the best rotation and mirror of each pair.
    mirrored: (n, n) whether these include a mirror.
    rebuilt: mean of `agreement` of an object with itself.
    ambiguity: mean of gauged - agreement over pairs of different objects.
    chance: the agreement of random views.
    score: mean of `agreement` over pairs of different objects.

    Row i has the common factor of object i, column j the viewpoints of object j.
    """

    objects: list[str]
    agreement: np.ndarray
    gauged: np.ndarray
    mirrored: np.ndarray
    rebuilt: float
    ambiguity: float
    chance: float
    score: float


@metric(better="higher")
def reference_agreement(train_images: np.ndarray, train_codes: np.ndarray, train_factors: Factors,
                        train_azimuths: np.ndarray, shared_factors: Sequence[str], chunks: Chunks,
                        decode: Callable[[np.ndarray], np.ndarray], transfer_accuracy: TransferAccuracy, *,
                        views: int = 24, seed: int = 0) -> ReferenceAgreement:
    """Measure Szabó et al.'s reference ambiguity: whether a viewpoint code means the same viewpoint on every object.

    Nothing in weak labels says that it does: a decoder that turns some objects the other way round satisfies every
    loss.

    `views` images of every object j get the common chunk of an image of every object i. The azimuth of the result is
    that of the nearest real image of object i, by pixels. It should be the azimuth of the image of j. Where it is not,
    but would be after a rotation or a mirror of one object's circle, the reference is ambiguous (`ambiguity`). Where no
    turn helps, viewpoints are lost. With few views a best turn is found in noise, too: compare `gauged` with the
    baselines.

    train_images: (M, C, H, W).
    train_codes: (M, D).
    train_factors: name -> (M,) classes.
    train_azimuths: (M,) radians in equal steps.
    shared_factors: the factors that images of one object share.
    chunks: name -> columns.
    decode: codes (n, D) -> images (n, C, H, W).

    Raises ValueError for less than two objects.
    """
    objects = _objects([np.asarray(train_factors[f]) for f in shared_factors])
    count = int(objects.max()) + 1
    if count < 2:
        raise ValueError(f"a reference is shared by two objects at least; found {count}")
    step = TURN / len(np.unique((train_azimuths % TURN).round(6) % round(TURN, 6)))
    rng, rows = np.random.default_rng(seed), [np.flatnonzero(objects == i) for i in range(count)]
    chosen = [rng.permutation(r)[:views] for r in rows]
    agreement, gauged, mirrored = np.zeros((count, count)), np.zeros((count, count)), np.zeros((count, count), bool)
    for i, own in enumerate(rows):
        common = np.repeat(train_codes[rng.choice(own)][None], sum(map(len, chosen)), 0)
        made = decode(exchanged(train_codes[np.concatenate(chosen)], common, chunks[transfer_accuracy.chunk]))
        shown = train_azimuths[own[_nearest(made, train_images[own])]]
        for j, angles in enumerate(np.split(shown, np.cumsum([len(c) for c in chosen])[:-1])):
            truth = train_azimuths[chosen[j]]
            turned = viewpoint_error(angles, truth)
            agreement[i, j] = (np.abs(around(angles - truth)) < 1.5 * step).mean()
            gauged[i, j] = max(agreement[i, j], (np.radians(turned.by_image) < 1.5 * step).mean())
            mirrored[i, j] = turned.reflected and gauged[i, j] > agreement[i, j]
    apart = ~np.eye(count, dtype=bool)
    return ReferenceAgreement([str(i) for i in range(count)], agreement, gauged, mirrored,
                              float(agreement[~apart].mean()), float((gauged - agreement)[apart].mean()),
                              min(3 * step / TURN, 1.0), float(agreement[apart].mean()))


def _objects(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the number of each row's combination of labels, (M,); -1 where a label is unknown."""
    table = np.stack(labels, 1)
    known = (table >= 0).all(1)
    found = np.full(len(table), -1)
    found[known] = np.unique(table[known], axis=0, return_inverse=True)[1].reshape(-1)
    return found


def _nearest(images: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return for every image the row of the nearest real one, by the sum of squared differences of pixels."""
    a, b = (x.reshape(len(x), -1).astype(np.float32) for x in (images, real))
    return ((b ** 2).sum(1) - 2 * a @ b.T).argmin(1)
