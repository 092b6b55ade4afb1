"""The factors that a function takes from each of its images, as oracles see them."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Factors, pairs_of
from unbraid_plugins.shared.metrics.chunks.number_regression import Numbers
from unbraid_plugins.shared.metrics.edits.image_functions import ImageFunctions
from unbraid_plugins.shared.metrics.edits.number_oracles import NumberOracles
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

FAR = 0.5                                          # deviations: numbers that are nearer count as equal


@attrs.frozen(eq=False)
class FunctionAccuracy:
    """Shares of classes of either image that are seen in what functions of two images make.

    taken: function -> parameter -> factor -> the share of pairs in which that image's class is seen, or its number is
    nearer; over pairs that differ.
    oracle: by factor, how often the class of a real image is seen; by number, the R2.
    score: mean over functions and factors of the larger share, 1 if each factor always comes from one image.
    """

    taken: dict[str, dict[str, dict[str, float]]]
    oracle: dict[str, float]
    score: float


@metric(better="higher")
def function_accuracy(functions: ImageFunctions, images: np.ndarray, factors: Factors, oracles: Oracles,
                      numbers: Numbers | None = None, number_oracles: NumberOracles | None = None, *, pairs: int = 500,
                      seed: int = 0) -> FunctionAccuracy:
    """Measure which factors a function of two images takes from the first and which from the second.

    functions: name -> a function of images; those of two images count.
    images: (N, C, H, W).
    factors: name -> (N,) classes.
    numbers: name -> (N, d).

    Raises ValueError without such a function.
    """
    chosen = {name: f for name, f in functions.items() if len(f.parameters) == 2}
    if not chosen:
        raise ValueError("no function of the recipe takes two images and nothing else")
    first, second = pairs_of(len(images), pairs, seed)
    taken = {}
    for name, function in chosen.items():
        made = function(images[first], images[second])
        seen = oracles.see(made)
        shares = [{f: taken_share(seen[f], np.asarray(y)[rows], np.asarray(y)[others]) for f, y in factors.items()}
                  for rows, others in ((first, second), (second, first))]
        if numbers and number_oracles:
            read = number_oracles.see(made)
            for share, rows, others in ((shares[0], first, second), (shares[1], second, first)):
                share |= {n: nearer_share(read[n], y[rows], y[others], np.nanstd(y, 0)) for n, y in numbers.items()}
        taken[name] = dict(zip(function.parameters, shares, strict=True))
    best = [max(of[f] for of in by.values()) for by in taken.values() for f in next(iter(by.values()))]
    oracle = {**{f: oracles.accuracy[f] for f in factors}, **(number_oracles.r2 if numbers and number_oracles else {})}
    return FunctionAccuracy(taken, oracle, float(np.mean(best)) if best else 0.0)


def taken_share(seen: np.ndarray, own: np.ndarray, other: np.ndarray) -> float:
    """Return how often a class is seen among pairs that differ in it; 0 without such pairs."""
    differ = (own != other) & (own >= 0) & (other >= 0)
    return float((seen == own)[differ].mean()) if differ.any() else 0.0


def nearer_share(seen: np.ndarray, own: np.ndarray, other: np.ndarray, spread: np.ndarray) -> float:
    """Return how often a number (P, d) is nearer to the seen one than the other one, among pairs that are apart."""
    nearer, apart = nearer_of(seen, own, other, spread)
    return float(nearer[apart].mean()) if apart.any() else 0.0


def nearer_of(seen: np.ndarray, own: np.ndarray, other: np.ndarray, spread: np.ndarray
              ) -> tuple[np.ndarray, np.ndarray]:
    """Return by pair whether its own number is nearer to the seen one, and whether the two are apart, (P,) each."""
    scale = np.maximum(spread, 1e-9)
    away, of_other, between = (np.linalg.norm((a - b) / scale, axis=1) for a, b in (
        (seen, own), (seen, other), (own, other)))
    return away < of_other, between > FAR
