"""Gradient boosted trees that report the importance of each dimension of a code."""

from __future__ import annotations

import attrs
import numpy as np

RATE = 0.1
DEPTH = 3
TIE = 1e-9                                         # gains that differ by less, relative to the best, are equal
NO_GAIN = 1e-12
SHORT = 128                                        # rows
ONES = np.tri(SHORT)


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
        self.no_copies = bool(self.root_steps[:-1].all())
        self.scales: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def grow(self, residual: np.ndarray) -> np.ndarray:
        """Fit a tree to the residual (N,), and return its increments of all scores, train and test: (N + M,)."""
        added, size = np.empty(len(residual) + self.test.shape[1]), np.abs(residual)
        self._grow(self.root, np.arange(self.test.shape[1]), residual, size * (1 - size), added, DEPTH)
        return added

    def _grow(self, node: np.ndarray, unseen: np.ndarray, residual: np.ndarray, curve: np.ndarray, added: np.ndarray,
              depth: int) -> None:
        """Grow the part of a tree below a node.

        unseen: the test rows that fall into it.
        curve: (N,), the second derivatives of the loss.
        """
        split = self._split(node, residual) if depth and node.shape[1] > 1 else None
        if split is None:
            rows = node[0]
            bend = float(np.add.reduce(curve.take(rows)))
            value = RATE * self.factor * float(np.add.reduce(residual.take(rows))) / bend if bend > 1e-150 else 0.0
            added[rows] = value
            if len(unseen):
                added[len(residual) + unseen] = value
            return
        number, threshold = split
        if depth == 1:                             # its parts are leaves, of which one order is enough
            node = node[:1]
        left = (self.train[number] <= threshold).take(node)
        falls = self.test[number].take(unseen) <= threshold
        for goes, fallen in ((left, falls), (~left, ~falls)):
            part = node.take(goes.ravel().nonzero()[0]).reshape(len(node), -1)
            self._grow(part, unseen[fallen], residual, curve, added, depth - 1)

    def _steps(self, node: np.ndarray) -> np.ndarray:
        """Return where the values of neighbours differ, (n, D): only there a dimension can be split."""
        values = self.train.take((node + self.starts).T)
        return np.concatenate([values[:-1] < values[1:], np.zeros((1, len(node)), bool)])

    def _scale(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the sizes of the left parts of a node of n rows, and the scales of their gains: (n, D) or (n, 1)."""
        if n not in self.scales:
            left = np.arange(1.0, n + 1)[:, None]
            scale = np.zeros((n, 1))
            scale[:-1] = 1.0 / (n * left * (n - left))[:-1]
            wide = len(self.train) if n <= SHORT else 1          # operations on arrays of one shape have least to do
            self.scales[n] = np.repeat(left, wide, 1), np.repeat(scale, wide, 1)
        return self.scales[n]

    def _split(self, node: np.ndarray, residual: np.ndarray) -> tuple[int, float] | None:
        """Return the dimension and the threshold of a node's best split, None where no split gains."""
        n = node.shape[1]
        left, scale = self._scale(n)
        gain = _running(residual, node)
        total = gain[-1, 0]
        gain *= n
        gain -= total * left
        gain *= gain
        gain *= scale
        if not self.no_copies:
            gain *= self.root_steps if node is self.root else self._steps(node)
        best = np.maximum.reduce(gain, axis=0)
        most = np.maximum.reduce(best)
        if most <= NO_GAIN:
            return None
        equal = (best >= most * (1 - TIE)).nonzero()[0]
        number = int(equal[self.random.integers(len(equal))] if len(equal) > 1 else equal[0])
        self.gains[number] += most
        at = gain[:, number].argmax()
        below, above = self.train[number].take(node[number, at:at + 2]).tolist()
        middle = (below + above) / 2
        return number, middle if middle < above else below


def _running(residual: np.ndarray, node: np.ndarray) -> np.ndarray:
    """Return the running sums of the residuals of a node's rows, (n, D); for few rows a product takes least time."""
    n = node.shape[1]
    if n > SHORT:
        return np.add.accumulate(residual.take(node), axis=1).T
    return ONES[:n, :n] @ residual.take(node.T)
