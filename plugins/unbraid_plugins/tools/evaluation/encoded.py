"""Evidence from a model on the images of an evaluation; every image is encoded once."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import torch

from unbraid.model import Model, ModelError
from unbraid.values import Code, Layout
from unbraid_plugins.tools.encoding import fields_of
from unbraid_plugins.tools.evaluation.domains import of_translator
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence, Sampled
from unbraid_plugins.tools.evaluation.function_evidence import of_functions
from unbraid_plugins.tools.evaluation.layers import of_layers
from unbraid_plugins.tools.evaluation.posterior import divergences
from unbraid_plugins.tools.evaluation.predictions import of_classifier
from unbraid_plugins.tools.evaluation.prior_samples import categories_of, of_drawn
from unbraid_plugins.tools.evaluation.views import FUNCTION, of_views

NUMBERS = 64                                       # a code of one factor with more dimensions stays whole


def of_model(model: Model, sampled: Sampled, seed: int = 0) -> Evidence:
    """Compute the evidence that depends on a model: predictions, translations, layers, codes and reconstructions.

    Only those functions of the model are used that take an image (or a code) and nothing else, and `relight(x, light)`;
    `encode` also where it reads fields of the image that the source has.  Raises ModelError.
    """
    found = of_classifier(model, sampled) if usable(model, "classify") else {}
    found |= of_functions(model, sampled)
    if "domain_images" in sampled.evidence:
        found |= of_translator(model, sampled.evidence["domain_images"])
    if usable(model, FUNCTION):
        found |= of_views(model, sampled)
    found |= of_layers(model, sampled, seed)
    known = sampled.data.images_of[sampled.source].fields
    return found | (_of_codes(model, sampled, seed) if usable(model, "encode", known) else {})


def _of_codes(model: Model, sampled: Sampled, seed: int) -> Evidence:
    """Return the codes of the images, and the evidence that follows from them."""
    def code(rows: np.ndarray) -> Code:
        fields = fields_of(model, "encode", sampled.data, rows, sampled.source)
        return model.code(sampled.data.images(rows, sampled.source), fields)

    first = code(sampled.rows["images"][:1])
    shape, layout = first.tensor.shape[1:], first.layout

    def encode(rows: np.ndarray) -> np.ndarray:
        found = np.concatenate([code(rows[i:i + BATCH]).tensor.flatten(1).detach().float().cpu().numpy()
                                for i in range(0, len(rows), BATCH)])
        if not np.isfinite(np.square(found)).all():
            raise ModelError("the codes of the model are not finite, or far too large to be measured",
                             hint="its weights are damaged: take another checkpoint")
        return found

    found = codes_of(sampled, encode)
    chunks = chunks_of(layout, int(np.prod(shape[1:])))
    if len(chunks) > 1:
        found["chunks"] = chunks
    if categories_of(layout) and len(shape) == 1:
        found["categories"] = categories_of(layout)
    if usable(model, "decode"):
        def decode(f: np.ndarray) -> np.ndarray:
            tensors = (torch.as_tensor(f[i:i + BATCH], device=model.device).unflatten(1, shape)
                       for i in range(0, len(f), BATCH))
            return np.concatenate([model.decoded(Code(t, layout)).detach().float().cpu().numpy() for t in tensors])

        found |= {"decode": decode, "reconstructions": decode(found["codes"])}
        found |= of_drawn(model, seed) if layout == model.layout and usable(model, "encode") else {}
    if model.method.variational and usable(model, "encode"):
        batches = (sampled.images[i:i + BATCH] for i in range(0, len(sampled.images), BATCH))
        kl = divergences(model, batches, found["codes"].shape[1])
        found |= {} if kl is None else {"kl": kl}
    return found


def codes_of(sampled: Sampled, encode: Callable[[np.ndarray], np.ndarray]) -> Evidence:
    """Return the codes of the images, of the training images and of the table; each image is encoded once.

    encode: rows of the source (N,) -> the codes of their images (N, D).
    """
    rows = np.unique(np.concatenate(list(sampled.rows.values())))
    codes = encode(rows)
    found = {name: codes[np.searchsorted(rows, r)] for name, r in sampled.rows.items() if len(r)}
    names = {"images": "codes", "train_images": "train_codes", "table": "table_codes"}
    return {names[name]: c for name, c in found.items()}


def usable(model: Model, function: str, fields: Collection[str] = ()) -> bool:
    """Whether the model has the function, and the function takes an image (or a code) and nothing but these fields."""
    taken = model.functions.get(function, ())
    read = [name for name in model.method.parameters.get(function, ()) if name not in taken]
    return len(taken) == 1 and all(name in (f"{taken[0]}.{field}" for field in fields) for name in read)


def lacking(model: Model, evidence: Evidence) -> list[str]:
    """Return notes about what can't be measured.  evidence: the model's results on the images."""
    missing = {"encode": "an image", "decode": "a code"}
    notes = [f"the model has no {name} of {what} alone: what needs it is not measured"
             for name, what in missing.items()
             if not usable(model, name) and not (name == "encode" and "codes" in evidence)]
    if usable(model, "classify") and "predicted" not in evidence:
        notes.append("which factor of the images `classify` speaks of is not clear: it is not measured (it should give "
                     "a score for every class of one factor)")
    return notes


def chunks_of(layout: Layout, positions: int = 1) -> dict[str, tuple[int, int]]:
    """Return the columns of each part of a code; where there is one part, the columns of each of its dimensions.

    positions: the number of spatial positions of each channel.

    >>> from unbraid_configs.recipe import Factor
    >>> chunks_of(Layout.of({"z": Factor(name="z", size=2)}))
    {'z[0]': (0, 1), 'z[1]': (1, 2)}
    """
    if len(layout.parts) == 1 and layout.size <= NUMBERS:
        name = layout.parts[0].name
        return {f"{name}[{i}]": (i * positions, (i + 1) * positions) for i in range(layout.size)}
    return {p.name: (a * positions, b * positions)
            for p in layout.parts for a, b in layout.spans([p.name])[:1]}
