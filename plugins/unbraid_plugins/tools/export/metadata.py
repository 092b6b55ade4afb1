"""The metadata of an exported file: enough to use the file without the run."""

from __future__ import annotations

import re
from typing import Any

import attrs

from unbraid.model import Model
from unbraid.values import Layout
from unbraid_plugins.tools.export.program import Traced
from unbraid_registry import record_plugins, registry
from unbraid_registry.files import to_json

KEY = "unbraid"                                    # the key of the metadata in ONNX and Parquet
FORMAT = 1


def facts_of(model: Model) -> dict[str, Any]:
    """Return a model's metadata: title and paper, step, layout of the code, size and range of images, versions."""
    import torch

    import unbraid

    c, h, w = model.image_shape
    recipe = model.method.recipe
    return {"format": FORMAT, "unbraid": unbraid.__version__, "torch": torch.__version__, "title": recipe.title,
            "plugins": record_plugins(model.method.components, registry()),
            "paper": recipe.paper, "step": model.step, "code": parts_of(model.layout),
            "image": {"channels": c, "height": h, "width": w, "range": [0, 1]}}


def facts_of_program(model: Model, traced: Traced) -> dict[str, Any]:
    """Return a function's metadata: those of its model, its expression, batch size, seed, inputs and outputs."""
    return {**facts_of(model), "function": traced.formula.text, "batch": traced.batch, "seed": traced.seed,
            "inputs": [_port(p) for p in traced.inputs], "outputs": [_port(p) for p in traced.outputs]}


def parts_of(layout: Layout) -> list[dict[str, Any]]:
    """Return name, group, first dimension (or channel) and size of each part of a code."""
    return [{"name": p.name, "group": p.group or None, "start": a, "size": b - a}
            for p in layout.parts for a, b in layout.spans([p.name])[:1]]


def as_text(facts: dict[str, Any]) -> str:
    """Return metadata as JSON."""
    text = to_json(facts, indent=1, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: ascii(half[0])[1:-1], text)     # of names that are no UTF-8


def _port(port: Any) -> dict[str, Any]:
    own = attrs.asdict(port)
    return {**{k: v for k, v in own.items() if k != "about"}, **own["about"]}
