"""The accuracy of a model's classifier."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.chunks.chunks import Factors, mean


@attrs.frozen(eq=False)
class ClassificationAccuracy:
    """Accuracies of a classifier, by factor.

    accuracy: in [0, 1].
    chance: the share of the largest class.
    images: the number of images with a known class.
    by_class: (classes,), the accuracy among the images of each class, NaN for a class without images.
    score: mean accuracy.
    confusion: hidden, (classes, classes) counts, a row for every true class and a column for every predicted one.
    resampled: hidden, the scores of bootstrap resamples.
    """

    accuracy: dict[str, float]
    chance: dict[str, float]
    images: dict[str, int]
    by_class: dict[str, np.ndarray]
    score: float
    confusion: dict[str, np.ndarray] = attrs.field(repr=False, metadata={"hidden": True})
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def classification_accuracy(predicted: Factors, factors: Factors, *, resamples: int = 0,
                            seed: int = 0) -> ClassificationAccuracy:
    """Return the share of images whose class a classifier predicts correctly, by factor.

    On images of another domain than the one whose labels it learned, this is the target accuracy of domain adaptation
    (Liu et al. 2017, section 4).

    predicted: name -> (N, classes) scores, of which the largest counts, or (N,) classes.
    factors: name -> (N,) classes, -1 where unknown, which does not count.
    resamples: the number of bootstrap resamples over images.

    Raises ValueError where a prediction is about no factor, has not a row for every image or is not finite, or no class
    is known.

    >>> found = classification_accuracy({"digit": np.asarray([3, 1, 1])}, {"digit": np.asarray([3, 1, 0])})
    >>> round(found.score, 3), found.confusion["digit"][0].tolist()
    (0.667, [0, 1, 0, 0])
    """
    accuracy, chance, images, by_class, confusion, hits = {}, {}, {}, {}, {}, []
    for name, scores in predicted.items():
        named, true = _classes(name, scores, factors)
        known = true >= 0
        count = max(int(named.max()) + 1, int(true.max()) + 1, *np.shape(scores)[1:])
        table = np.zeros((count, count), np.int64)
        np.add.at(table, (true[known], named[known]), 1)
        of_class = table.sum(1)
        right = np.where(known, named == true, np.nan)
        accuracy[name], chance[name] = float(np.nanmean(right)), float(of_class.max() / known.sum())
        images[name], confusion[name] = int(known.sum()), table
        by_class[name] = np.divide(table.diagonal(), of_class, out=np.full(count, np.nan), where=of_class > 0)
        hits.append(right)
    again = means(np.stack(hits, 1), resamples, seed).mean(1) if hits and resamples else NONE
    return ClassificationAccuracy(accuracy, chance, images, by_class, mean(accuracy), confusion, again)


def _classes(name: str, scores: np.ndarray, factors: Factors) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted and the true classes, (N,) each.  Raises ValueError."""
    if name not in factors:
        raise ValueError(f"the predicted {name!r} is no factor of the images; they have {', '.join(factors) or 'none'}")
    scores, true = np.asarray(scores), np.asarray(factors[name])
    if scores.ndim not in (1, 2) or len(scores) != len(true):
        raise ValueError(f"the predictions of {name!r} have the shape {scores.shape}; expected ({len(true)}, classes) "
                         f"or ({len(true)},)")
    if not np.isfinite(scores).all():
        raise ValueError(f"the scores of {name!r} are not finite")
    if not (true >= 0).any():
        raise ValueError(f"no image's class of {name!r} is known")
    return scores.argmax(1) if scores.ndim == 2 else scores.astype(np.int64), true
