"""What metrics are called with: images and their factors, and what a model makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid.code import Code, Layout
from unbraid.data import Data, DataError
from unbraid.evaluation.posterior import divergences
from unbraid.model import Model

EVIDENCE = {
    "images": "(N, C, H, W) floats in [0, 1]: real images that the model was not trained on",
    "factors": "name -> (N,) classes of the images, -1 where unknown",
    "train_images": "(M, C, H, W): other real images, for metrics that fit something",
    "train_factors": "name -> (M,) classes of these",
    "oracle_images": "(K, C, H, W) uint8: many real images, these among them, for judges that must be good",
    "oracle_factors": "name -> (K,) classes of these",
    "device": "the device for metrics that train something: cpu, cuda",
    "codes": "(N, D) codes of the images; a spatial code flattened",
    "train_codes": "(M, D) codes of the training images",
    "chunks": "name -> columns [start, stop) of each chunk of the code, where it has several",
    "decode": "a function: codes (n, D) -> images (n, C, H, W) in [0, 1]",
    "reconstructions": "(N, C, H, W): what the model makes of the codes of the images",
    "kl": "(N, D) nats: KL(q(z | x) || N(0, I)) of variational codes, by number",
}
Evidence: TypeAlias = "dict[str, Any]"

BATCH = 100                                        # images that go through a model at once
FITTED = 2000                                      # training images that probes get at least, if there are so many
ORACLE, ORACLE_BYTES = 20_000, 2 ** 28             # training images that oracles get at most
NUMBERS = 64                                       # a code of one factor with more numbers is not cut into them
NOT_FACTORS = ("clip", "frame")


@attrs.frozen(eq=False)
class Sampled:
    """Images that were chosen for an evaluation, with what is known about them.

    evidence: what does not depend on a model; classes: of every known factor; split: where the images come from; notes:
    what a reader should know.
    """

    evidence: Evidence
    classes: dict[str, int]
    split: str
    notes: list[str]

    @property
    def images(self) -> np.ndarray:
        """(N, C, H, W)."""
        return self.evidence["images"]


def sample(data: Data, images: int, seed: int, device: str = "cpu") -> Sampled:
    """At most so many images of the test split, and others of the training split for what metrics fit.

    Without a test split, both come from the training split and have none in common.  Raises DataError.
    """
    rng, notes, split = np.random.default_rng(seed), [], "test"
    rows, train = _shuffled(data, "test", rng), _shuffled(data, "train", rng)
    if len(rows) < 2:
        split, half = "train", len(train) // 2
        rows, train = train[:half], train[half:]
        notes.append("there is no test split: measured on images of the training split")
    if len(rows) < 2:
        raise DataError("an evaluation needs at least two images", hint="give the test split a share in data.splits")
    pixels = int(np.prod(data.images_of[_source(data)].shape))
    judged = train[:max(min(ORACLE, ORACLE_BYTES // pixels), 1)]
    rows, train = rows[:images], train[:max(images, FITTED)]
    evidence: Evidence = {"images": _numpy(data.images(rows)), "device": device}
    if len(train):
        evidence["train_images"] = _numpy(data.images(train))
    factors, train_factors, oracle_factors, classes = {}, {}, {}, {}
    for name, field in data.images_of[_source(data)].fields.items():
        labels = field.values[rows]
        if name in NOT_FACTORS:
            continue
        if field.classes is None:
            notes.append(f"{name} has no classes and is left out")
        elif np.bincount(labels[labels >= 0], minlength=2).astype(bool).sum() < 2 or _alone(labels):
            notes.append(f"{name} has no two classes with several of these images and is left out")
        else:
            factors[name], train_factors[name] = labels.astype(np.int64), field.values[train].astype(np.int64)
            oracle_factors[name], classes[name] = field.values[judged].astype(np.int64), field.classes
    if factors:
        evidence |= {"factors": factors, "train_factors": train_factors, "oracle_factors": oracle_factors}
        evidence["oracle_images"] = data.images_of[_source(data)].read(judged)
    return Sampled(evidence, classes, split, notes)


def of_model(model: Model, sampled: Sampled) -> Evidence:
    """What a model makes of the images; nothing where its `encode` takes more than an image.  Raises ModelError."""
    if not usable(model, "encode"):
        return {}
    codes = [model.code(batch) for batch in _batches(sampled.images)]
    shape, layout = codes[0].tensor.shape[1:], codes[0].layout
    found: Evidence = {"codes": np.concatenate([_numpy(c.tensor.flatten(1)) for c in codes])}
    if "train_images" in sampled.evidence:
        batches = _batches(sampled.evidence["train_images"])
        found["train_codes"] = np.concatenate([_numpy(model.code(b).tensor.flatten(1)) for b in batches])
    chunks = chunks_of(layout, int(np.prod(shape[1:])))
    if len(chunks) > 1:
        found["chunks"] = chunks
    if usable(model, "decode"):
        def decode(f: np.ndarray) -> np.ndarray:
            tensors = (torch.as_tensor(b, device=model.device).unflatten(1, shape) for b in _batches(f))
            return np.concatenate([_numpy(model.decoded(Code(t, layout))) for t in tensors])

        found |= {"decode": decode, "reconstructions": decode(found["codes"])}
    if model.method.variational:
        kl = divergences(model, _batches(sampled.images), found["codes"].shape[1])
        found |= {} if kl is None else {"kl": kl}
    return found


def usable(model: Model, function: str) -> bool:
    """Whether the model has the function, and it takes an image (or a code) and nothing else."""
    return len(model.functions.get(function, ())) == 1 and len(model.method.parameters[function]) <= 1


def lacking(model: Model) -> list[str]:
    """Notes about what can't be measured."""
    missing = {"encode": "an image", "decode": "a code"}
    return [f"the model has no {name} of {what} alone: what needs it is not measured"
            for name, what in missing.items() if not usable(model, name)]


def of_pixels(model_evidence: Evidence, sampled: Sampled, seed: int) -> Evidence:
    """The control that learned no more than variance: principal components of the pixels.

    They are as many as the code has numbers, ordered by variance and cut into its chunks; where there are fewer, the
    rest is 0.
    """
    from sklearn.decomposition import PCA

    train = sampled.evidence["train_images"]
    size = model_evidence["codes"].shape[1]
    count = min(size, len(train), train[0].size)
    components = PCA(count, svd_solver="randomized", random_state=seed).fit(train.reshape(len(train), -1))

    def codes(images: np.ndarray) -> np.ndarray:
        found = components.transform(images.reshape(len(images), -1))
        return np.pad(found, ((0, 0), (0, size - count)))

    chunks = {"chunks": model_evidence["chunks"]} if "chunks" in model_evidence else {}
    return {"codes": codes(sampled.images), "train_codes": codes(train), **chunks}


def chunks_of(layout: Layout, positions: int = 1) -> dict[str, tuple[int, int]]:
    """The columns of each part of a code whose channels have so many positions; of a single part, each number's.

    >>> from unbraid_configs.recipe import Factor
    >>> chunks_of(Layout.of({"z": Factor(name="z", size=2)}))
    {'z[0]': (0, 1), 'z[1]': (1, 2)}
    """
    if len(layout.parts) == 1 and layout.size <= NUMBERS:
        name = layout.parts[0].name
        return {f"{name}[{i}]": (i * positions, (i + 1) * positions) for i in range(layout.size)}
    return {p.name: (a * positions, b * positions)
            for p in layout.parts for a, b in layout.spans([p.name])[:1]}


def _source(data: Data) -> str:
    return next(iter(data.plans.values())).source if data.plans else next(iter(data.images_of))


def _shuffled(data: Data, split: str, rng: np.random.Generator) -> np.ndarray:
    try:
        return rng.permutation(data.rows(split))
    except DataError:
        return np.empty(0, np.int64)


def _alone(labels: np.ndarray) -> bool:
    """Whether hardly any image shares its class with another: an identity, no attribute."""
    counts = np.bincount(labels[labels >= 0])
    return bool(counts[counts > 1].sum() < (labels >= 0).sum() / 2)


def _batches(array: np.ndarray) -> Iterator[np.ndarray]:
    return (array[i:i + BATCH] for i in range(0, len(array), BATCH))


def _numpy(t: Tensor) -> np.ndarray:
    return t.detach().float().cpu().numpy()
