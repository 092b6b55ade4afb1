"""Metrics of categorical codes: whether categories are classes of the images, and which images are made of them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics import clustering_accuracy, nmi
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, check_rows, mean
from unbraid_plugins.shared.metrics.disentanglement.mutual_information import contingency, information
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

SEEN = 0.01                                        # a class with a smaller share of the images does not count as made


@attrs.frozen(eq=False)
class CategoryAccuracy:
    """Accuracies of categories as classes.

    matrix: (factors, categories), accuracies in [0, 1].
    nmi: (factors, categories), normalised mutual information.
    best: by factor, the category with the highest accuracy.
    chance: by factor, the share of the largest class.
    score: mean over factors of the highest accuracy.
    """

    factors: list[str]
    categories: list[str]
    matrix: np.ndarray
    nmi: np.ndarray
    best: dict[str, str]
    chance: dict[str, float]
    score: float


@metric(better="higher")
def category_accuracy(codes: np.ndarray, factors: Factors, categories: Chunks) -> CategoryAccuracy:
    """Share of images whose category is their class, under the best one-to-one naming (Chen et al. 2016, 7.2).

    Each factor is compared with each category. The paper's 5 % of error on MNIST are 0.95. Images of unknown class are
    left out.

    codes: (N, D).
    factors: name -> (N,) classes.
    categories: name -> columns; the column with the largest number is the category.
    """
    check_rows(codes, factors)
    names, columns = list(factors), list(categories)
    matrix, shared = np.zeros((2, len(names), len(columns)))
    for i, classes in enumerate(map(np.asarray, factors.values())):
        known = classes >= 0
        for j, recognised in enumerate(categories_of(codes, categories).values()):
            matrix[i, j] = clustering_accuracy(recognised[known], classes[known]).score
            shared[i, j] = nmi(recognised[known], classes[known]).score
    best = {f: columns[int(row.argmax())] for f, row in zip(names, matrix, strict=True)}
    chance = {f: float(np.bincount(y[y >= 0]).max() / (y >= 0).sum()) for f, y in factors.items()}
    return CategoryAccuracy(names, columns, matrix, shared, best, chance,
                            mean({f: float(row.max()) for f, row in zip(names, matrix, strict=True)}))


@attrs.frozen
class CodeRecovery:
    """Agreement of drawn codes and of codes read from images.

    information: by category, in nats.
    ceiling: by category, the largest possible information, in nats.
    explained: by other chunk, the explained share of its variance, in [0, 1], the mean over its dimensions.
    score: mean over categories of information / ceiling.
    """

    information: dict[str, float]
    ceiling: dict[str, float]
    explained: dict[str, float]
    score: float


@metric(better="higher")
def code_recovery(drawn_codes: np.ndarray, told_codes: np.ndarray, categories: Chunks,
                  chunks: Chunks | None = None) -> CodeRecovery:
    """Agreement of codes drawn from the prior with codes that are read from the images made of them.

    For a category it is the mutual information of the two, in nats, at most ln K; for numbers the squared correlation
    (Chen et al. 2016, figure 1). By the data-processing inequality it is no more than the information in the image.
    With P codes, independent categories are estimated at about (K - 1)^2 / 2P.

    drawn_codes, told_codes: (P, D), drawn from the prior and read from the images.
    categories, chunks: name -> columns.
    """
    drawn, recognised = categories_of(drawn_codes, categories), categories_of(told_codes, categories)
    found = {name: information(contingency(drawn[name], recognised[name])) for name in categories}
    ceiling = {name: float(np.log(b - a)) for name, (a, b) in categories.items()}
    explained = {name: _explained(drawn_codes[:, a:b], told_codes[:, a:b]) for name, (a, b) in (chunks or {}).items()
                 if name not in categories}
    return CodeRecovery(found, ceiling, explained, mean({n: found[n] / max(ceiling[n], 1e-9) for n in found}))


@attrs.frozen(eq=False)
class MadeClasses:
    """Classes that an oracle sees in generated images.

    made: by factor, the number of classes with at least 1 % of the images.
    classes: by factor, the number of classes of the real images.
    effective: by factor, exp(entropy) of the classes' shares.
    counts: by factor and category, (categories, classes).
    consistent: by factor, the accuracy of the best category as a class, under the best one-to-one naming.
    score: mean of made / classes.
    """

    made: dict[str, int]
    classes: dict[str, int]
    effective: dict[str, float]
    counts: dict[str, dict[str, np.ndarray]]
    consistent: dict[str, float]
    score: float


@metric(better="higher")
def made_classes(drawn_codes: np.ndarray, drawn_images: np.ndarray, categories: Chunks, factors: Factors,
                 oracles: Oracles) -> MadeClasses:
    """Classes that an oracle sees in images of codes from the prior; few of them mean a collapse.

    Images can collapse even if their codes are recovered well.

    drawn_codes: (P, D).
    drawn_images: (P, C, H, W).
    categories: name -> columns.
    factors: name -> classes of real images.
    """
    seen, drawn = oracles.see(drawn_images), categories_of(drawn_codes, categories)
    made, classes, effective, counts, consistent = {}, {}, {}, dict[str, dict[str, np.ndarray]](), {}
    for name, labels in factors.items():
        classes[name] = len(np.unique(np.asarray(labels)[np.asarray(labels) >= 0]))
        share = np.bincount(seen[name]) / len(seen[name])
        made[name] = int((share >= SEEN).sum())
        effective[name] = float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))
        counts[name] = {c: contingency(d, seen[name]) for c, d in drawn.items()}
        consistent[name] = max(clustering_accuracy(d, seen[name]).score for d in drawn.values())
    return MadeClasses(made, classes, effective, counts, consistent,
                       mean({n: min(made[n] / classes[n], 1.0) for n in made}))


def categories_of(codes: np.ndarray, categories: Chunks) -> Mapping[str, np.ndarray]:
    """Return the category of each code, (N,), by name.

    >>> categories_of(np.asarray([[9, 0, 1], [9, 1, 0]]), {"c1": (1, 3)})["c1"].tolist()
    [1, 0]
    """
    return {name: codes[:, a:b].argmax(1) for name, (a, b) in categories.items()}


def _explained(drawn: np.ndarray, recognised: np.ndarray) -> float:
    """Return the mean squared correlation of columns; a constant column counts as 0."""
    d, t = drawn - drawn.mean(0), recognised - recognised.mean(0)
    scale = np.sqrt((d**2).sum(0) * (t**2).sum(0))
    r = np.divide((d * t).sum(0), scale, out=np.zeros(len(scale)), where=scale > 0)
    return float((r**2).mean())
