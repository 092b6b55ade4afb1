"""Choice of factors of a code by a user: c1 = 3, c2 = -0.5; and the ranges of the priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from unbraid.values.code import Code, Part
from unbraid_registry import UnbraidError, closest

RANGES = {"normal": (-3.0, 3.0), "uniform": (-1.0, 1.0)}        # where a prior has (nearly) all of its mass


class ChoiceError(UnbraidError):
    """The error for a factor that the code does not have, or a value that a factor cannot take."""


def choose(f: Code, values: Mapping[str, Any]) -> Code:
    """Return the code with some factors set to chosen values.  Raises ChoiceError.

    f: (B, D).
    values: factor, or group of factors -> its value. For classes it is the class, counted from 0; for other factors one
        number for all of theirs, or a number for each. A tensor or array (B,) or (B, size) has a value for every code.
    """
    for name, value in values.items():
        if name not in f.layout:
            names = f.layout.all_names
            raise ChoiceError(f"the code has no factor {name!r}; it has {', '.join(names)}", hint=closest(name, names))
        parts = [p for p in f.layout.parts if name in (p.name, p.group)]
        f = f.replace(**{p.name: _chosen(p, value, f.tensor) for p in parts})
    return f


def _chosen(part: Part, value: Any, like: Tensor) -> Tensor:
    """Return the numbers of one part, (B, size)."""
    try:
        given = torch.as_tensor(value, device=like.device, dtype=torch.get_default_dtype())
    except (TypeError, ValueError, RuntimeError):
        raise ChoiceError(f"{part.name} takes {_takes(part)}, not {value!r}") from None
    batch = len(like)
    fits = given.ndim == 0 or given.shape == (batch,) or (part.prior != "classes" and given.shape in (
        (part.size,), (batch, part.size)))
    good = (given == given.round()) & (given >= 0) & (given < part.size) if part.prior == "classes" else (
        given.isfinite() & ((given == 0) | (given == 1) | (part.prior != "binary")))
    if not fits or not bool(good.all()):
        shown = f"a tensor of shape {tuple(given.shape)}" if given.numel() > 8 else given.tolist()
        raise ChoiceError(f"{part.name} takes {_takes(part)}, not {shown}")
    if part.prior == "classes":
        classes = torch.arange(part.size, device=like.device)
        return (given.reshape(-1, 1) == classes).to(like.dtype).expand(batch, -1)
    every = given.unsqueeze(1) if given.shape == (batch,) != (part.size,) else given
    return every.to(like.dtype).expand(batch, part.size)


def _takes(part: Part) -> str:
    if part.prior == "classes":
        return f"a class, 0 to {part.size - 1}"
    what = "zeros and ones" if part.prior == "binary" else "numbers"
    return f"one of its {what}" if part.size == 1 else f"{part.size} {what}, or one for all"
