"""Pictures of a model: reconstructions, swaps, traversals, samples, translations, meshes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from torch import Tensor

from unbraid.values import swap
from unbraid_plugins.tools.display import grid, scale_for
from unbraid_plugins.tools.encoding import fields_of

if TYPE_CHECKING:
    from unbraid.data import Data
    from unbraid.model import Model

Fields: TypeAlias = "Mapping[str, Any]"            # by parameter and field, {"x.joints": ...}

TRAVERSAL = (-3, 3)                                # range of the mass of a variational code's prior
SHOWN = 8                                          # images in a picture's row


def reconstructions(model: Model, images: Tensor, fields: Fields | None = None) -> Tensor:
    """Draw images above their reconstructions.  fields: fields of the images that `encode` reads."""
    return grid([images, model.decoded(model.code(images, fields))], scale=scale_for(model.image_shape))


def swaps(model: Model, images: Tensor, others: Tensor, factors: Sequence[str] | None = None,
          fields: Sequence[Fields | None] = (None, None)) -> Tensor:
    """Draw a column for every pair: the image, the other image, then the image with each factor of the other.

    fields: fields of the images and of the others that `encode` reads.
    """
    factors = list(model.layout.names) if factors is None else list(factors)
    a, b = (model.code(v, own) for v, own in zip((images, others), fields, strict=True))
    rows = [images, others, *(model.decoded(swap(a, b, name)) for name in factors)]
    return grid(rows, scale=scale_for(model.image_shape))


def traversals(model: Model, image: Tensor, numbers: Sequence[int] | None = None, steps: int = 9) -> Tensor:
    """Draw a row for every dimension of the code: the image with that dimension from -3 to 3.

    numbers: the dimensions; by default the first 16.
    """
    numbers = range(min(model.layout.size, 16)) if numbers is None else numbers
    values = np.linspace(*TRAVERSAL, steps).tolist()
    return grid([model.traverse(image, n, values) for n in numbers], scale=scale_for(model.image_shape))


def translations(model: Model, images: Tensor, source: str, target: str) -> Tensor:
    """Draw images of one domain above their translations into another.

    If the model can, the translations back are below.
    """
    rows = [images, model.translate(images, source, target)]
    if (target, source) in model.translations:
        rows.append(model.translate(rows[-1], target, source))
    return grid([row.cpu() for row in rows], scale=scale_for(model.image_shape))


def solids(model: Model, images: Tensor) -> dict[str, tuple[Tensor, Tensor, Tensor | None]]:
    """Return the meshes that a recipe's `mesh_of(x)` makes of images, by name.

    A mesh is vertices (B, V, 3), faces (F, 3) and colours (B, V, 3) or None. The result of `mesh_of` gives these if it
    has a method `surface()`.
    """
    if len(model.functions.get("mesh_of", ())) != 1:
        return {}
    found = model("mesh_of", images)
    return {"mesh": found.surface()} if hasattr(found, "surface") else {}


def overview(model: Model, images: Tensor, others: Tensor,
             fields: Sequence[Fields | None] = (None, None)) -> dict[str, Tensor]:
    """Return the pictures that fit a model: reconstructions, swaps of factors, traversals of dimensions, samples.

    fields: fields of the images and of the others that `encode` reads.
    """
    pictures = {}
    if {"encode", "decode"} <= model.functions.keys() and len(model.functions["decode"]) == 1 and (
            len(model.functions["encode"]) == 1):
        pictures["reconstructions"] = reconstructions(model, images, fields[0])
        if len(model.layout.parts) > 1:
            groups = list(dict.fromkeys(p.group or p.name for p in model.layout.parts))
            few = None if len(groups) == 1 else groups
            pictures["swaps"] = swaps(model, images, others, few, fields)
        if model.method.variational and not fields[0]:
            spans = model.layout.spans(model.method.priors)
            pictures["traversals"] = traversals(model, images[:1], [i for a, b in spans for i in range(a, b)][:16])
    if "generate" in model.functions or (pictures and model.method.variational):
        whole = "generate" in model.functions or set(model.layout.names) <= model.method.priors
        drawn = model.sample(32, like=None if whole else images[:4])        # the rest of each row is an image's
        pictures["samples"] = grid(drawn.split(8), scale=scale_for(model.image_shape))
    return pictures


def pictures_of_training(model: Model, data: Data) -> dict[str, Any]:
    """Return the pictures that a model in training makes of test images, by name: images (C, H, W), and meshes."""
    from unbraid.data import DataError
    from unbraid.model import ModelError

    try:
        halves = np.split(rows := shown_rows(data), [len(rows) // 2])
        fields = [fields_of(model, "encode", data, half) if "encode" in model.functions else None for half in halves]
        shown = [data.images(half) for half in halves]
        pictures: dict[str, Any] = overview(model, shown[0], shown[1], fields)
        for (a, b), name in model.translations.items():
            if a in data.images_of:                # the domain is a source
                pictures[name] = translations(model, shown_images(data, a), a, b)
        return {**pictures, **solids(model, shown_images(data)[:2])}
    except (ModelError, DataError) as error:       # a function that takes more than an image must not end the training
        warnings.warn(f"no pictures: {error.message}", stacklevel=2)
        return {}


def shown_images(data: Data, source: str | None = None) -> Tensor:
    """Return the images of `shown_rows`."""
    return data.images(shown_rows(data, source), source)


def shown_rows(data: Data, source: str | None = None) -> np.ndarray:
    """Return the first rows, an even number, of the test split, or of the training split if that has fewer than two.

    source: the source; None: the first draw's.
    """
    source = next(iter(data.plans.values())).source if source is None and data.plans else source
    splits = data.facts.sources[source or next(iter(data.facts.sources))].splits
    rows = data.rows("test" if splits.get("test", 0) >= 2 else "train", source)[:2 * SHOWN]
    return rows[:len(rows) // 2 * 2]
