"""Linear support vector machines that see one number each, fitted many at once."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

SETTLED = 1e-9                                     # of the gradient, relative to that of machines that say nothing
STEPS, HALVINGS = 100, 40                          # at most
AT_ONCE = 2 ** 18                                  # running sums in memory, at most
TINY = 1e-300                                      # of a weight: less is 0


def predicted(x: np.ndarray, labels: np.ndarray, at: np.ndarray, penalty: float = 0.01) -> np.ndarray:
    """Return the classes that linear support vector machines on one number each tell: (D, M).

    Each is scikit-learn's `LinearSVC(C=penalty, class_weight="balanced", dual=False)`, fitted to its end: one class
    against the rest, and for two classes one machine.

        min_wb  (w^2 + b^2) / 2 + sum_n C_n max(0, 1 - y_n (w x_n + b))^2,    y_n = 1 for the class, else -1

    C_n is the penalty; images of the class have it N / (classes * images of the class) times, and of two classes the
    other one, too.

    x: (D, N), the numbers of each machine.
    labels: (N,) whole numbers.
    at: (D, M), the numbers to tell classes of.
    """
    classes, y = np.unique(labels, return_inverse=True)
    if len(classes) == 1:
        return np.full(at.shape, classes[0])
    costs = penalty * len(y) / (len(classes) * np.bincount(y))
    pair = len(classes) == 2
    own, of_own, of_rest = (y[None] == 1, costs[1:], costs[:1]) if pair else (
        y == np.arange(len(classes))[:, None], costs, np.full(len(classes), penalty))
    found = np.empty(at.shape, classes.dtype)
    portion = max(AT_ONCE // (len(own) * max(x.shape[1], at.shape[1], 1)), 1)
    for i in range(0, len(x), portion):
        part = slice(i, i + portion)
        w, b = _Machines.on(x[part], own, of_own, of_rest).fitted()
        scores = w[..., None] * at[part, None] + b[..., None]                  # (D, C, M)
        found[part] = classes[(scores[:, 0] > 0).astype(int) if pair else scores.argmax(1)]
    return found


@attrs.frozen(eq=False)
class _Machines:
    """Machines for C classes on each of D numbers, by running sums over the images in the order of their numbers.

    What costs a machine anything lies to one side of a value of x, for its class and for the rest. So a step of
    Newton's method looks sums up, and takes as long for many images as for few.

    x: (D, N), sorted, less their mean.
    mean: (D, 1).
    own, every: (3, D, C, N + 1) and (3, D, N + 1), sums of 1, x and x^2 over the images of the class, and over all.
    of_own, of_rest: (C,), the costs of an image of the class, and of another one.
    """

    x: np.ndarray
    mean: np.ndarray
    own: np.ndarray
    every: np.ndarray
    of_own: np.ndarray
    of_rest: np.ndarray

    @classmethod
    def on(cls, x: np.ndarray, own: np.ndarray, of_own: np.ndarray, of_rest: np.ndarray) -> _Machines:
        """Return machines on x (D, N).  own: (C, N), which images are of the class."""
        order, mean = np.argsort(x, axis=1), x.mean(1, keepdims=True)
        x = np.take_along_axis(x, order, axis=1) - mean
        powers = np.stack([np.ones_like(x), x, x * x])
        of_class = powers[:, :, None] * own[:, order].transpose(1, 0, 2)       # (3, D, C, N)
        sums, every = (np.concatenate([np.zeros_like(v[..., :1]), v.cumsum(-1)], -1) for v in (of_class, powers))
        return cls(x, mean, sums, every, of_own, of_rest)

    def fitted(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and biases, (D, C) each, by Newton's method with steps that are halved where needed."""
        w = b = np.zeros(self.own.shape[1:3])
        value, (gw, gb), hessian = self._at(w, b)
        enough = SETTLED * np.hypot(gw, gb)
        for _ in range(STEPS):
            if (np.hypot(gw, gb) <= enough).all():
                break
            ww, wb, bb = hessian
            size = ww * bb - wb * wb
            dw, db, length = (wb * gb - bb * gw) / size, (wb * gw - ww * gb) / size, np.ones_like(w)
            for _ in range(HALVINGS):
                after, gradient, hessian = self._at(w + length * dw, b + length * db)
                worse = after > value
                if not worse.any():
                    break
                length = np.where(worse, length / 2, length)
            w, b, value, (gw, gb) = w + length * dw, b + length * db, after, gradient
        return w, b - self.mean * w

    def _at(self, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray],
                                                         tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return the loss of machines w x + b, its gradient (w, b) and its Hessian (ww, wb, bb); x less its mean."""
        bias = b - self.mean * w
        value = (w * w + bias * bias) / 2
        gw, gb = w - self.mean * bias, bias
        ww, wb, bb = 1 + self.mean ** 2, -self.mean, np.ones_like(w)
        for sign, (n, x, xx) in zip((1, -1), self._active(w, b), strict=True):
            m = 1 - sign * b                       # an image misses m - sign * w x
            value = value + m * m * n - 2 * sign * m * w * x + w * w * xx
            gw, gb = gw + 2 * (w * xx - sign * m * x), gb + 2 * (w * x - sign * m * n)
            ww, wb, bb = ww + 2 * xx, wb + 2 * x, bb + 2 * n
        return value, (gw, gb), (ww, wb, bb)

    def _active(self, w: np.ndarray, b: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the sums (3, D, C) over the images of the class that cost something, and over those of the rest."""
        images, up = self.x.shape[1], w >= 0
        for sign, cost in ((1, self.of_own), (-1, self.of_rest)):
            with np.errstate(over="ignore"):
                border = (sign - b) / np.where(np.abs(w) < TINY, TINY, w)
            at = np.stack([np.searchsorted(x, v) for x, v in zip(self.x, border, strict=True)])[None, ..., None]
            below = np.take_along_axis(self.own, at, -1)[..., 0]
            whole = self.own[..., images]
            if sign == -1:
                below = np.take_along_axis(self.every, at[..., 0], -1) - below
                whole = self.every[..., images, None] - whole
            yield cost * np.where(up == (sign == 1), below, whole - below)
