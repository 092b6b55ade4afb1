"""The pose that a face is turned to where nobody asks for another: frontal."""

from __future__ import annotations

import torch

from unbraid import Label, Layout, Value, operation
from unbraid.values import tensors


@operation
def frontal(x: Value, *, pose: str = "yaw", number: int | None = None, layout: Layout) -> Label:
    """The frontal pose for every image:  frontalise(x): rotate(x, drgan.frontal(x)).

    x: images or anything of their batch.
    pose: the factor of the code that is the pose.
    number: its frontal class; by default the middle one, where poses go from left to right.
    layout: the layout of the recipe's code, which the engine gives.

    Returns a Label.  Raises ValueError for a factor that is no category of the code, or a class that it has not.
    """
    part = next((p for p in layout.parts if p.name == pose), None)
    if part is None or part.prior != "classes":
        raise ValueError(f"the code has no category {pose!r}; write  code: {{{pose}: 9 classes}}")
    chosen = part.size // 2 if number is None else number
    if not 0 <= chosen < part.size:
        raise ValueError(f"{pose} has the classes 0 to {part.size - 1}; there is no {chosen}")
    like = next(tensors(x))
    return Label(torch.full((like.shape[0],), chosen, dtype=torch.long, device=like.device), part.size)
