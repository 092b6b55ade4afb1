"""What a model makes of codes that are drawn from the priors of its recipe."""

from __future__ import annotations

import numpy as np
import torch

from unbraid.model import Model
from unbraid.values import Code, Layout
from unbraid_plugins.tools.evaluation.evidence import BATCH, Evidence

DRAWN = 1000                                       # codes


def categories_of(layout: Layout) -> dict[str, tuple[int, int]]:
    """The columns of each part of a code that is a category.

    >>> from unbraid_configs.recipe import Factor
    >>> factors = {"z": Factor(name="z", size=2), "c1": Factor(name="c1", size=10, prior="classes")}
    >>> categories_of(Layout.of(factors))
    {'c1': (2, 12)}
    """
    return {p.name: span for p in layout.parts if p.prior == "classes" for span in layout.spans([p.name])}


def of_drawn(model: Model, seed: int) -> Evidence:
    """Codes from the priors, the images that the model makes of them, and what it tells of these images.

    Nothing where the recipe has no function `generate()`: then its code is not drawn. The model encodes and decodes.
    """
    if "generate" not in model.functions:
        return {}
    f = model.prior(DRAWN, seed)
    images, told = [], []
    for t in f.tensor.split(BATCH):
        images.append(model.decoded(Code(t, f.layout)))
        told.append(model.code(images[-1]).tensor)
    found = {"drawn_codes": f.tensor, "drawn_images": torch.cat(images), "told_codes": torch.cat(told)}
    return {name: np.asarray(t.detach().float().cpu()) for name, t in found.items()}
