"""Translation accuracy: whether a translated image keeps its content and looks like the other domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.chunks.chunks import Factors, mean
from unbraid_plugins.shared.metrics.edits.oracles import Oracles, oracles
from unbraid_plugins.shared.metrics.images.psnr_ssim import psnr

Domains: TypeAlias = Mapping[str, np.ndarray]
Ways: TypeAlias = Mapping[tuple[str, str], np.ndarray]


@attrs.frozen(eq=False)
class DomainJudges:
    """Classifiers that judge translations, and their accuracies.

    content: by domain and factor, the accuracy of a classifier trained on the domain's images alone, on others of it.
    domain: the accuracy of the classifier that tells domains apart.
    score: the least of these.
    classify: hidden, by domain, images (n, C, H, W) -> factor -> (n,) classes.
    where: hidden, images -> (n,) numbers of domains.
    """

    content: dict[str, dict[str, float]]
    domain: float
    score: float
    classify: dict[str, Callable[[np.ndarray], dict[str, np.ndarray]]] = attrs.field(repr=False,
                                                                                    metadata={"hidden": True})
    where: Callable[[np.ndarray], np.ndarray] = attrs.field(repr=False, metadata={"hidden": True})


@metric(better="neither")
def domain_judges(domain_images: Domains, domain_factors: Mapping[str, Factors], domain_oracle_images: Domains,
                  domain_oracle_factors: Mapping[str, Factors], *, steps: int = 1200, seed: int = 0,
                  device: str = "cpu") -> DomainJudges:
    """Train the classifiers that judge translations: one of factors for each domain, and one that tells domains apart.

    All are `oracles`, trained on real images. The classifier of domains is trained on equally many images of each.

    domain_images: name -> (N, C, H, W) in [0, 1], to test on.
    domain_oracle_images: name -> (K, C, H, W), or uint8, to train on.
    domain_factors, domain_oracle_factors: name -> factor -> classes, -1 where unknown.

    Raises ValueError where the domains' images have different shapes.
    """
    shapes = {name: images.shape[1:] for name, images in domain_images.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"the images of the domains have different shapes: {shapes}")

    def judge(images: np.ndarray, factors: Factors, train: np.ndarray, train_factors: Factors) -> Oracles:
        return oracles(images, factors, train, train_factors, steps=steps, seed=seed, device=device)

    of = {name: judge(images, domain_factors[name], domain_oracle_images[name], domain_oracle_factors[name])
          for name, images in domain_images.items() if domain_factors[name]}
    apart = judge(*_pooled(domain_images), *_pooled(domain_oracle_images))
    content = {name: found.accuracy for name, found in of.items()}
    least = min([apart.accuracy["domain"], *(a for accuracy in content.values() for a in accuracy.values())])
    return DomainJudges(content, apart.accuracy["domain"], least, {name: found.see for name, found in of.items()},
                        lambda images: apart.see(images)["domain"])


@attrs.frozen(eq=False)
class TranslationAccuracy:
    """Accuracies of translations, by direction, "a to b".

    content: by factor, how often a classifier of the target's images sees the source image's class in the translation.
    content_mean: the mean over factors.
    oracle: by factor, how often that classifier is right on real images of the target.
    chance: by factor, the share of the source's largest class.
    domain: the share of translations that are taken for the target.
    cycle: PSNR of images that are translated there and back, dB, mean over images.
    score: the share of translations with the right class and the right domain, mean over factors and directions.
    resampled: hidden, the scores of bootstrap resamples.

    Where the domains share no factor, the score is the share of the right domain alone.
    """

    content: dict[str, dict[str, float]]
    content_mean: dict[str, float]
    oracle: dict[str, dict[str, float]]
    chance: dict[str, dict[str, float]]
    domain: dict[str, float]
    cycle: dict[str, float]
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def translation_accuracy(translations: Ways, domain_images: Domains, domain_factors: Mapping[str, Factors],
                         domain_judges: DomainJudges, returns: Ways | None = None, *, resamples: int = 0,
                         seed: int = 0) -> TranslationAccuracy:
    """Measure whether translations keep the image's content and look like the other domain.  Neither alone is enough.

    The identity keeps the content, as well as a classifier of the target knows the source's images, but is in the wrong
    domain. One fixed image of the target is in the right domain, but has the right class only by chance.

    translations: (source, target) -> (N, C, H, W), in the order of domain_images[source].
    domain_factors: source -> factor -> (N,) classes, -1 where unknown, which does not count.
    returns: the translations, translated back.
    resamples: the number of bootstrap resamples over images.

    Raises ValueError where there is not a translation for every image.
    """
    numbers = {name: i for i, name in enumerate(domain_images)}
    content, oracle, chance, domain, cycle, both, again = {}, {}, {}, {}, {}, [], []
    for (source, target), made in translations.items():
        way, factors = f"{source} to {target}", domain_factors[source]
        if len(made) != len(domain_images[source]):
            raise ValueError(f"{way}: {len(made)} translations of {len(domain_images[source])} images")
        arrived = (domain_judges.where(made) == numbers[target]).astype(np.float64)
        seen = domain_judges.classify[target](made) if factors else {}
        right = {f: np.where(np.asarray(y) >= 0, seen[f] == y, np.nan) for f, y in factors.items()}
        content[way] = {f: _mean(r) for f, r in right.items()}
        oracle[way] = dict(domain_judges.content[target]) if factors else {}
        chance[way] = {f: _most(np.asarray(y)) for f, y in factors.items()}
        domain[way] = float(arrived.mean())
        if (source, target) in (returns or {}):
            cycle[way] = psnr(domain_images[source], (returns or {})[source, target]).score
        passed = np.stack([r * arrived for r in right.values()] or [arrived], 1)
        both.append(float(np.mean([_mean(p) for p in passed.T])))
        again.append(np.nanmean(means(passed, resamples, seed), 1) if resamples else NONE)
    return TranslationAccuracy(content, {way: mean(c) for way, c in content.items() if c}, oracle, chance, domain,
                               cycle, float(np.mean(both)), np.mean(again, 0))


def _pooled(images: Domains) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return equally many images of every domain, and the numbers of their domains."""
    least = min(len(i) for i in images.values())
    return (np.concatenate([i[:least] for i in images.values()]),
            {"domain": np.repeat(np.arange(len(images)), least)})


def _mean(values: np.ndarray) -> float:
    """Return the mean of the known values, 0 without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _most(labels: np.ndarray) -> float:
    known = labels[labels >= 0]
    return float(np.bincount(known).max() / len(known)) if len(known) else 0.0
