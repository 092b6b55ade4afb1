"""Gradient boosted trees that report the importance of each dimension of a code."""

from __future__ import annotations

import attrs
import numpy as np

RATE = 0.1
DEPTH = 3
TIE = 1e-9                                         # gains that differ by less, relative to the best, are equal
NO_GAIN = 1e-12


@attrs.frozen(eq=False)
class Boosted:
    """Importances and accuracies of boosted trees.

    importance: (D,) of sum 1, or 0 where no tree splits.
    train, test: accuracies in [0, 1].
    """

    importance: np.ndarray
    train: float
    test: float


def boosted_trees(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray, *, rounds: int = 100,
                  seed: int = 0) -> Boosted:
    """Fit multinomial gradient boosting (Friedman 2001, algorithm 6) with scikit-learn's settings.

    The trees have depth 3, one for each class and round (for two classes one for each round), learning rate 0.1, and
    splits by the gain  n_l n_r / (n_l + n_r) (mean_l - mean_r)^2.

    The importance of a dimension is the sum of the gains of its splits. Of dimensions that split equally well, one is
    drawn, so copies share their importance. The columns are sorted once, for all trees.

    train, test: (N, D) and (M, D).
    labels, truth: (N,) and (M,) whole numbers from 0.
    """
    classes, y = np.unique(labels, return_inverse=True)
    if len(classes) == 1:
        return Boosted(np.zeros(train.shape[1]), 1.0, float((truth == classes[0]).mean()))
    binary, count = len(classes) == 2, len(train)
    target = (y[:, None] == np.arange(len(classes)))[:, 1 if binary else 0:].astype(np.float64)
    share = target.mean(0)
    score = np.tile(np.log(share / (1 - share)) if binary else np.log(share), (count + len(test), 1))
    trees = _Trees(train, test, 1.0 if binary else 1 - 1 / len(classes), np.random.default_rng(seed))
    for _ in range(rounds):
        residual = target - _probability(score[:count])
        score += np.stack([trees.grow(r) for r in residual.T], 1)
    found = classes[(score[:, 0] > 0).astype(int) if binary else score.argmax(1)]
    total = trees.gains.sum()
    importance = trees.gains / total if total > 0 else trees.gains
    return Boosted(importance, float((found[:count] == labels).mean()), float((found[count:] == truth).mean()))


def _probability(score: np.ndarray) -> np.ndarray:
    """Return the probabilities of the trees' classes: (N, C), or (N, 1) for two classes."""
    if score.shape[1] == 1:
        return 1 / (1 + np.exp(-score))
    e = np.exp(score - score.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


class _Trees:
    """Trees grown on one table.  gains: (D,), of all splits until now.

    A node is (D, n): its train rows in the order of each dimension.
    """

    def __init__(self, train: np.ndarray, test: np.ndarray, factor: float, random: np.random.Generator) -> None:
        self.train, self.test, self.factor, self.random = train.T.copy(), test.T.copy(), factor, random
        self.root = np.argsort(self.train, axis=1, kind="stable")
        self.gains = np.zeros(len(self.train))
        self.starts = np.arange(len(self.train))[:, None] * train.shape[0]     # of the dimensions in the flat table
        self.root_steps = self._steps(self.root)

    def grow(self, residual: np.ndarray) -> np.ndarray:
        """Fit a tree to the residual (N,), and return its increments of all scores, train and test: (N + M,)."""
        added = np.empty(len(residual) + self.test.shape[1])
        self._grow(self.root, np.arange(self.test.shape[1]), residual, added, DEPTH)
        return added

    def _grow(self, node: np.ndarray, unseen: np.ndarray, residual: np.ndarray, added: np.ndarray, depth: int) -> None:
        """Grow the part of a tree below a node.  unseen: the test rows that fall into it."""
        split = self._split(node, residual) if depth and node.shape[1] > 1 else None
        if split is None:
            r = residual[node[0]]
            size = np.abs(r)
            curve = float((size * (1 - size)).sum())
            value = RATE * self.factor * float(r.sum()) / curve if curve > 1e-150 else 0.0
            added[node[0]] = value
            added[len(residual) + unseen] = value
            return
        number, threshold = split
        if depth == 1:                             # its parts are leaves, of which one order is enough
            node = node[:1]
        left = (self.train[number] <= threshold).take(node)
        falls = self.test[number, unseen] <= threshold
        for goes, fallen in ((left, falls), (~left, ~falls)):
            part = node.take(np.flatnonzero(goes)).reshape(len(node), -1)
            self._grow(part, unseen[fallen], residual, added, depth - 1)

    def _steps(self, node: np.ndarray) -> np.ndarray:
        """Return where the values of neighbours differ, (D, n - 1): only there a dimension can be split."""
        values = self.train.take(node + self.starts)
        return values[:, :-1] < values[:, 1:]

    def _split(self, node: np.ndarray, residual: np.ndarray) -> tuple[int, float] | None:
        """Return the dimension and the threshold of a node's best split, None where no split gains."""
        n = node.shape[1]
        sums = residual.take(node).cumsum(1)
        left = np.arange(1, n)
        gain = sums[:, :-1] * n
        gain -= sums[0, -1] * left
        gain *= gain
        gain *= 1.0 / (n * left * (n - left))
        gain *= self.root_steps if node is self.root else self._steps(node)
        at = gain.argmax(1)
        best = gain[np.arange(len(gain)), at]
        most = best.max()
        if most <= NO_GAIN:
            return None
        equal = np.flatnonzero(best >= most * (1 - TIE))
        number = int(equal[self.random.integers(len(equal))] if len(equal) > 1 else equal[0])
        self.gains[number] += most
        below, above = self.train[number, node[number, at[number]:at[number] + 2]]
        middle = (below + above) / 2
        return number, float(middle if middle < above else below)
