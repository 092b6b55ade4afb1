"""Codes from the priors of a recipe, and the model's images of them."""

from __future__ import annotations

import numpy as np
import torch

from unbraid.model import Model
from unbraid.values import Code, Layout
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence

DRAWN = 1000                                       # codes that are drawn


def categories_of(layout: Layout) -> dict[str, tuple[int, int]]:
    """Return the columns of each part of a code that is a category.

    >>> from unbraid_configs.recipe import Factor
    >>> factors = {"z": Factor(name="z", size=2), "c1": Factor(name="c1", size=10, prior="classes")}
    >>> categories_of(Layout.of(factors))
    {'c1': (2, 12)}
    """
    return {p.name: span for p in layout.parts if p.prior == "classes" for span in layout.spans([p.name])}


def of_drawn(model: Model, seed: int) -> Evidence:
    """Return codes from the priors, the images that the model decodes them to, and the codes of these images.

    Returns no evidence where the recipe has no function `generate()`: its code is then not drawn. The model must encode
    and decode.
    """
    if "generate" not in model.functions:
        return {}
    f = model.prior(DRAWN, seed)
    images, recognised = [], []
    for t in f.tensor.split(BATCH):
        images.append(model.decoded(Code(t, f.layout)))
        recognised.append(model.code(images[-1]).tensor)
    found = {"drawn_codes": f.tensor, "drawn_images": torch.cat(images), "told_codes": torch.cat(recognised)}
    return {name: np.asarray(t.detach().float().cpu()) for name, t in found.items()}
