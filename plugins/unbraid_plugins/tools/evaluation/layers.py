"""The layers of images (normals, albedo, mask), true and found by a model, and images under another light."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unbraid.model import Model
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence, Sampled

FIELDS = {"normals": "true_normals", "albedo": "true_albedo", "mask": "true_mask", "rough_normals": "coarse_normals"}
SIGNED = ("normals", "rough_normals")              # pictures of vectors, stored as (v + 1) / 2
FUNCTIONS = {"normals_of": "normals", "albedo_of": "albedo"}
PAIRS = 400                                        # images to relight


def true_layers(sampled: Sampled) -> Evidence:
    """Return the true layers of the images, where the source has pictures of these names."""
    fields = sampled.data.images_of[sampled.source].fields
    found: Evidence = {}
    for name, evidence in FIELDS.items():
        if name in fields and fields[name].is_picture:
            pixels = fields[name].values[sampled.rows["images"]].astype(np.float32) / 255
            found[evidence] = np.round(2 * pixels - 1, 2) if name in SIGNED else pixels      # 127.5 of 255 is 0
    return found


def of_layers(model: Model, sampled: Sampled, seed: int = 0) -> Evidence:
    """Return the layers that a model finds in the images, by `normals_of(x)` and `albedo_of(x)`, and relit images.

    A model relights by `relight(x, light)` and `light_of(x)`.
    """
    found = true_layers(sampled)
    for function, evidence in FUNCTIONS.items():
        if len(model.functions.get(function, ())) == 1:
            found[evidence] = _called(model, function, sampled.images)
    if len(model.functions.get("relight", ())) == 2 and len(model.functions.get("light_of", ())) == 1:
        found |= relit(model, sampled, found.get("true_mask"), seed)
    return found


def relit(model: Model, sampled: Sampled, mask: np.ndarray | None, seed: int = 0) -> Evidence:
    """Return images with the light of others, and the true images under that light; empty where no two agree so.

    An image x, an image of the same head under another light (the truth), and a third image of another head under that
    light, whose light the model gives to x.
    """
    factors = sampled.evidence.get("factors", {})
    if "light" not in factors:
        return {}
    light = factors["light"]
    rest = np.stack([v for n, v in factors.items() if n != "light"] or [light * 0], 1)
    head = np.unique(rest, axis=0, return_inverse=True)[1].reshape(-1)
    random, triples = np.random.default_rng(seed), []
    for x in random.permutation(len(light)):
        truths = np.flatnonzero((head == head[x]) & (light != light[x]) & (light >= 0))
        if not len(truths):
            continue
        truth = random.choice(truths)
        donors = np.flatnonzero((light == light[truth]) & (head != head[x]))
        if len(donors):
            triples.append((x, truth, random.choice(donors)))
        if len(triples) == PAIRS:
            break
    if not triples:
        return {}
    x, truth, donor = (sampled.images[list(i)] for i in zip(*triples, strict=True))
    lights = np.concatenate([_called(model, "light_of", v) for v in (donor, sampled.images)])
    mean = np.broadcast_to(lights[len(x):].mean(0, keepdims=True), lights[:len(x)].shape)
    made = {"relit": _called(model, "relight", x, lights[:len(x)]), "relit_mean": _called(model, "relight", x, mean),
            "relit_truth": truth, "relit_before": x}
    if len(model.functions.get("relight_photo", ())) == 2:
        made["relit_photo"] = _called(model, "relight_photo", x, lights[:len(x)])
    return made if mask is None else {**made, "relit_mask": mask[[i for i, _, _ in triples]]}


def _called(model: Model, function: str, *arguments: np.ndarray) -> np.ndarray:
    found = []
    for i in range(0, len(arguments[0]), BATCH):
        value = model(function, *(torch.as_tensor(np.ascontiguousarray(a[i:i + BATCH])) for a in arguments))
        assert isinstance(value, Tensor)
        found.append(value.detach().float().cpu().numpy())
    return np.concatenate(found)
