"""Regressions of numbers (positions, angles) on each chunk of a code, and their R2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, all_chunks, mean

Numbers: TypeAlias = Mapping[str, np.ndarray]
WHOLE = "code"
PENALTIES = np.logspace(-3, 4, 8)                  # of the ridge regression, chosen on the training images
NEIGHBOURS = 5


@attrs.frozen(eq=False)
class NumberRegression:
    """R2 of regressions from codes to numbers, by number and chunk: 1 is perfect, 0 the mean, below 0 worse than it.

    linear, nearest: (numbers, chunks), the mean over a number's components; the last chunk is the whole code.
    components: number -> R2 of each component by the linear regression on the whole code.
    best: every number's best chunk, by `linear`.
    score: mean of `linear` on the whole code.
    """

    numbers: list[str]
    chunks: list[str]
    linear: np.ndarray
    nearest: np.ndarray
    components: dict[str, list[float]]
    best: dict[str, str]
    score: float


@metric(better="higher")
def number_regression(codes: np.ndarray, numbers: Numbers, train_codes: np.ndarray, train_numbers: Numbers,
                      chunks: Chunks | None = None) -> NumberRegression:
    """Read numbers from each chunk of a code, by ridge regression and by the mean of the nearest images.

    Both are fitted on training images and judged on others:  R2 = 1 - sum (y - y')^2 / sum (y - mean y)^2.  Images
    of unknown numbers are left out, and components that do not vary.

    codes: (N, D).
    numbers: name -> (N, d), NaN where unknown.
    train_codes, train_numbers: the same of other images.
    chunks: name -> columns.
    """
    spans = {**({} if chunks is None else all_chunks(codes, chunks)), WHOLE: (0, codes.shape[1])}
    names, columns = list(numbers), list(spans)
    linear, nearest = np.zeros((2, len(names), len(columns)))
    components = {}
    for i, name in enumerate(names):
        y, train_y = numbers[name], train_numbers[name]
        known, fitted = (~np.isnan(v).any(1) for v in (y, train_y))
        for j, (a, b) in enumerate(spans.values()):
            x, train = standardised(codes[known, a:b], train_codes[fitted, a:b])
            each = r2(y[known], ridge(train, train_y[fitted], x))
            linear[i, j] = np.mean(each) if len(each) else 0.0
            near = r2(y[known], of_neighbours(train, train_y[fitted], x))
            nearest[i, j] = np.mean(near) if len(near) else 0.0
        components[name] = each.tolist()
    best = {n: columns[int(row[:-1].argmax())] if chunks else WHOLE for n, row in zip(names, linear, strict=True)}
    return NumberRegression(names, columns, linear, nearest, components, best,
                            mean({n: float(row[-1]) for n, row in zip(names, linear, strict=True)}))


def standardised(codes: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with mean 0 and deviation 1 over the training rows; constant dimensions become 0."""
    centre, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 1e-9, spread, np.inf)
    return (codes - centre) / spread, (train - centre) / spread


def ridge(train: np.ndarray, numbers: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the predictions (N, d) of a linear regression whose penalty is chosen by leaving training images out."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(PENALTIES).fit(train, numbers).predict(x).reshape(len(x), -1)


def of_neighbours(train: np.ndarray, numbers: np.ndarray, x: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Return the mean numbers (N, d) of the nearest training images."""
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(min(neighbours, len(train))).fit(train, numbers).predict(x).reshape(len(x), -1)


def r2(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the R2 of every component that varies: (N, d), (N, d) -> (at most d,)."""
    total = np.square(truth - truth.mean(0)).sum(0)
    varies = total > 1e-9 * len(truth)
    return 1 - np.square(truth - prediction).sum(0)[varies] / total[varies]
