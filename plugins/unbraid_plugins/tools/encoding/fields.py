"""The fields of images that a model's function reads beside the images themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unbraid.data import Data
from unbraid.model import Model
from unbraid.values import map_tensors


def needed_fields(model: Model, function: str) -> list[str]:
    """Return the fields that a function reads of its first parameter, such as `joints` of `encode(x)`."""
    first = f"{next(iter(model.functions[function]), '')}."
    return [name.removeprefix(first) for name in model.method.parameters[function] if name.startswith(first)]


def fields_of(model: Model, function: str, data: Data, rows: np.ndarray, source: str | None = None) -> dict[str, Any]:
    """Return the fields that a function reads of images, by row, for the model's `fields`: {"x.joints": ...}.

    source: the source of the rows; None: the first draw's.  Raises DataError where it lacks a field.
    """
    first, real = next(iter(model.functions[function]), ""), torch.get_default_dtype()
    return {f"{first}.{name}": map_tensors(lambda t: t.to(real) if t.is_floating_point() else t,
                                           data.field(name, rows, source)) for name in needed_fields(model, function)}
