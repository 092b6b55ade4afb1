"""Linear classifiers on each chunk of a code: which chunk tells a factor, and which should not."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, all_chunks, best_chunks, check_rows, mean
from unbraid_plugins.shared.metrics.chunks.linear_probe import predicted
from unbraid_plugins.shared.metrics.chunks.number_regression import standardised

MOST = 16                                          # chunks


@attrs.frozen(eq=False)
class ChunkProbe:
    """Accuracies of linear classifiers on single chunks.

    matrix: (factors, chunks), accuracies in [0, 1].
    above: chunk -> mean over the factors of (accuracy - frequency) / (1 - frequency): 0 knows nothing, 1 everything.
    frequency: by factor, the share of the most frequent class, an accuracy that needs no code.
    best: every factor's best chunk.
    score: mean accuracy of the best chunks.
    """

    factors: list[str]
    chunks: list[str]
    matrix: np.ndarray
    above: dict[str, float]
    frequency: dict[str, float]
    best: dict[str, str]
    score: float


@metric(better="higher")
def chunk_probe(codes: np.ndarray, factors: Factors, train_codes: np.ndarray, train_factors: Factors, chunks: Chunks, *,
                iterations: int = 200) -> ChunkProbe:
    """Fit a logistic regression of each factor on each chunk of the training images, and judge it on others.

    What a chunk should not know, it should not tell: read a row beside `frequency`. Images of unknown class are left
    out.

    codes, train_codes: (N, D) and (M, D).
    factors, train_factors: name -> classes, (N,) and (M,).
    chunks: name -> columns, 16 at most.

    Raises ValueError for more chunks.
    """
    check_rows(codes, factors)
    check_rows(train_codes, train_factors)
    if len(chunks) > MOST:
        raise ValueError(f"it would fit {len(chunks)} classifiers for every factor; it does for {MOST} chunks at most")
    spans = all_chunks(codes, chunks)
    names, columns = list(factors), list(spans)
    matrix, frequency = np.zeros((len(names), len(columns))), {}
    for i, name in enumerate(names):
        train_y, y = np.asarray(train_factors[name]), np.asarray(factors[name])
        fitted, known = train_y >= 0, y >= 0
        frequency[name] = float(np.bincount(y[known]).max() / known.sum())
        for j, (a, b) in enumerate(spans.values()):
            x, train = standardised(codes[known, a:b], train_codes[fitted, a:b])
            matrix[i, j] = (predicted(train, train_y[fitted], x, 1.0, iterations) == y[known]).mean()
    floor = np.asarray(list(frequency.values()))[:, None]
    above = ((matrix - floor) / np.maximum(1 - floor, 1e-9)).mean(0)
    return ChunkProbe(names, columns, matrix, dict(zip(columns, above.tolist(), strict=True)), frequency,
                      best_chunks(matrix, names, columns), mean(dict(zip(names, matrix.max(1).tolist(), strict=True))))
