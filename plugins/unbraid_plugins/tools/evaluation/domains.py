"""Sources as domains: their images, the factors that they share, and the model's translations between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unbraid.data import Data, DataError, Images
from unbraid.model import Model
from unbraid_plugins.tools.evaluation.evidence import (
    BATCH,
    ORACLE,
    ORACLE_BYTES,
    Evidence,
    factors_of,
    halves,
    image_array,
)
from unbraid_plugins.tools.evaluation.protocol import Protocol


def domains_of(model: Model) -> list[str]:
    """Return the domains between which the model translates images, in order."""
    return list(dict.fromkeys(name for pair in _usable(model) for name in pair))


def of_domains(data: Data, domains: Sequence[str], protocol: Protocol, seed: int) -> tuple[Evidence, list[str]]:
    """Return the evidence about domains, and notes.

    The evidence has test images of every domain, training images for the oracles that judge translations, and the
    classes of the factors that all domains have. A class that some domain lacks counts as unknown, because a
    translation can't keep it. If a domain is no source of the data, there is no evidence, only a note.
    """
    unknown = [name for name in domains if name not in data.images_of]
    if unknown:
        return {}, [f"translations are not measured: {', '.join(unknown)} is no source of the data (which has "
                    f"{', '.join(data.images_of)})"]
    images = {name: data.images_of[name] for name in domains}
    to_judge, to_fit = dict[str, np.ndarray](), dict[str, np.ndarray]()
    for number, name in enumerate(domains):
        try:
            unseen, seen, _ = halves(data, name, np.random.default_rng([seed, number]))
        except DataError as error:
            return {}, [f"translations are not measured: the source {name!r}: {error.message}"]
        most = max(min(ORACLE, ORACLE_BYTES // int(np.prod(images[name].shape))), 1)
        to_judge[name], to_fit[name] = unseen[:protocol.images], seen[:most]
    common, notes = shared_classes(images, to_fit, to_judge)
    if not common:
        notes.append(f"{' and '.join(domains)} have no factor in common: what translations keep is not measured")

    def labels(rows: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        return {name: {f: _only(images[name].fields[f].values[rows[name]], kept) for f, kept in common.items()}
                for name in domains}

    return {"domain_images": {name: image_array(data, rows, name) for name, rows in to_judge.items()},
            "domain_factors": labels(to_judge),
            "domain_oracle_images": {name: images[name].read(rows) for name, rows in to_fit.items()},
            "domain_oracle_factors": labels(to_fit)}, notes


def shared_classes(images: dict[str, Images], rows: dict[str, np.ndarray],
                   to_judge: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the factors that all sources share, with the classes that occur in every source, and notes.

    A factor counts if at least two of its classes are in the rows of every source.

    to_judge: further rows of every source; in each source, at least one of them must have one of these classes.
    """
    known = [factors_of(i, rows[name])[0] for name, i in images.items()]
    common, notes = {}, []
    for factor in known[0]:
        if not all(factor in classes for classes in known):
            continue
        if len({images[name].fields[factor].names for name in images}) > 1:
            notes.append(f"the classes of {factor} are called otherwise in another domain: it is no common factor")
            continue
        there = [set(i.fields[factor].values[rows[name]].tolist()) - {-1} for name, i in images.items()]
        both = np.asarray(sorted(set.intersection(*there)))
        judged = (np.isin(i.fields[factor].values[to_judge[name]], both).any() for name, i in images.items())
        if len(both) > 1 and all(judged):
            common[factor] = both
    return common, notes


def of_translator(model: Model, images: dict[str, np.ndarray]) -> Evidence:
    """Translate the images of every domain, and translate the results back where the model can."""
    there = {(a, b): _translated(model, images[a], a, b) for a, b in _usable(model)}
    back = {(a, b): _translated(model, made, b, a) for (a, b), made in there.items() if (b, a) in there}
    return {"translations": there, "returns": back}


def unchanged(model_evidence: Evidence, images: dict[str, np.ndarray]) -> Evidence:
    """Return the evidence of a baseline that translates nothing: every image unchanged."""
    return {name: {(a, b): images[a] for a, b in model_evidence[name]} for name in ("translations", "returns")}


def _usable(model: Model) -> list[tuple[str, str]]:
    """Return the translations that take an image and nothing else."""
    return [pair for pair, name in model.translations.items() if len(model.method.parameters[name]) <= 1]


def _translated(model: Model, images: np.ndarray, source: str, target: str) -> np.ndarray:
    made = (model.translate(images[i:i + BATCH], source, target) for i in range(0, len(images), BATCH))
    return np.concatenate([m.detach().float().cpu().numpy() for m in made])


def _only(labels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the labels, with -1 in place of those not in `kept`."""
    return np.where(np.isin(labels, kept), labels, -1).astype(np.int64)
