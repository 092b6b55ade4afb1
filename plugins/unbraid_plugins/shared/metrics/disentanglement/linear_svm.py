"""Linear support vector machines on one dimension: exact, for all classes at once."""

from __future__ import annotations

import attrs
import numpy as np

STEPS = 60                                         # Newton's method needs about ten


@attrs.frozen(eq=False)
class ThresholdMachines:
    """Machines w x + b, one for each class, or for two classes that of the second.

    classes: (C,); weight, bias: (C,), or (1,) for two classes.
    """

    classes: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predicted classes of numbers (N,)."""
        if len(self.classes) == 1:
            return np.full(len(x), self.classes[0])
        margins = x[:, None] * self.weight + self.bias
        return self.classes[(margins[:, 0] > 0).astype(int) if margins.shape[1] == 1 else margins.argmax(1)]


def fit_machines(x: np.ndarray, labels: np.ndarray, penalty: float = 0.01) -> ThresholdMachines:
    """Fit each class against the rest, with the squared hinge loss and an intercept that is penalised too:

        min_wb  (w^2 + b^2) / 2 + sum_n c_n max(0, 1 - t_n (w x_n + b))^2,    t_n = 1 in the class and -1 outside

    c_n is the penalty, times N / (C N_c) for the class's own: scikit-learn's LinearSVC, class_weight "balanced". The
    loss is a sum over all x beyond a threshold, a look-up where x is sorted, so Newton's method costs next to nothing.

    x: (N,); labels: (N,).
    """
    classes, y = np.unique(labels, return_inverse=True)
    order = np.argsort(x, kind="stable")
    x, member = x[order], (y[order][:, None] == np.arange(len(classes)))
    weights = len(x) / (len(classes) * member.sum(0))
    ours, others = penalty * weights, np.full(len(classes), penalty)
    if len(classes) == 2:
        member, ours, others = member[:, 1:], ours[1:], penalty * weights[:1]
    moments = np.stack([np.ones_like(x), x, x * x])                  # (3, N)
    own = _sums(moments[:, :, None] * member)                        # (3, N + 1, C)
    rest = _sums(moments[:, :, None] * ~member)
    theta = np.zeros((2, member.shape[1]))                           # w, b
    value, slope, curve = _loss(theta, x, own, rest, ours, others)
    for _ in range(STEPS):
        step = _solve(curve, slope)
        decrease = (step * slope).sum(0)
        if decrease.max() < 1e-18:
            break
        size = np.ones(theta.shape[1])
        for _ in range(40):
            trial = theta - size * step
            found = _loss(trial, x, own, rest, ours, others)
            good = found[0] <= value - 0.25 * size * decrease + 1e-15 * np.abs(value)
            if good.all():
                break
            size = np.where(good, size, size / 2)
        theta, (value, slope, curve) = trial, found
    return ThresholdMachines(classes, theta[0], theta[1])


def _sums(moments: np.ndarray) -> np.ndarray:
    """Return the sums over the first 0, 1, ..., N rows: (3, N, C) -> (3, N + 1, C)."""
    return np.concatenate([np.zeros_like(moments[:, :1]), moments.cumsum(1)], 1)


def _loss(theta: np.ndarray, x: np.ndarray, own: np.ndarray, rest: np.ndarray, ours: np.ndarray,
          others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the value (C,), the gradient (2, C) and the second derivatives ww, wb, bb (3, C)."""
    w, b = theta
    n1, s1, q1 = _below(own, x, w, b - 1)                            # w x + b < 1
    n2, s2, q2 = _below(rest, x, -w, -b - 1)                         # w x + b > -1
    value = (w * w + b * b) / 2
    value = value + ours * ((1 - b) ** 2 * n1 - 2 * (1 - b) * w * s1 + w * w * q1)
    value = value + others * ((1 + b) ** 2 * n2 + 2 * (1 + b) * w * s2 + w * w * q2)
    slope = np.stack([w + 2 * ours * (w * q1 + (b - 1) * s1) + 2 * others * (w * q2 + (b + 1) * s2),
                      b + 2 * ours * (w * s1 + (b - 1) * n1) + 2 * others * (w * s2 + (b + 1) * n2)])
    curve = 2 * np.stack([ours * q1 + others * q2, ours * s1 + others * s2, ours * n1 + others * n2])
    return value, slope, curve + np.asarray([[1.0], [0.0], [1.0]])


def _below(sums: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the moments (3, C) of all x with w x + b < 0.  sums: (3, N + 1, C); x: (N,) ascending."""
    edge = np.divide(-b, w, out=np.full_like(w, np.inf), where=w != 0)
    columns = np.arange(len(w))
    up = sums[:, np.searchsorted(x, edge, side="left"), columns]
    down = sums[:, -1] - sums[:, np.searchsorted(x, edge, side="right"), columns]
    return np.where(w > 0, up, np.where(w < 0, down, np.where(b < 0, sums[:, -1], 0.0)))


def _solve(curve: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the Newton steps (2, C) for the second derivatives (3, C) and the gradient (2, C)."""
    a, m, c = curve
    return np.stack([c * slope[0] - m * slope[1], a * slope[1] - m * slope[0]]) / (a * c - m * m)
