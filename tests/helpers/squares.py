"""A world of sixteen images: a square of one of four colours, in one of four corners; and short trainings in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from by_hand import players_of
from torch import Tensor

from unbraid.engine import Players

COLOURS = np.array([[255, 40, 40], [40, 255, 40], [40, 40, 255], [255, 255, 40]], np.uint8)
COLOUR, PLACE = torch.arange(16) // 4, torch.arange(16) % 4


def drawn(side: int) -> np.ndarray:
    """(16, side, side, 3): the squares on black."""
    corners = np.zeros((4, 2, 2, 1), np.uint8)
    corners[range(4), [0, 0, 1, 1], [0, 1, 0, 1]] = 1
    images = corners.repeat(side // 2, 1).repeat(side // 2, 2)[PLACE]
    return images * COLOURS[COLOUR][:, None, None]


def as_images(pictures: np.ndarray) -> Tensor:
    """(16, 3, side, side) in [0, 1]."""
    return torch.tensor(pictures).movedim(-1, 1).float() / 255


def source(folder: Path, pictures: np.ndarray) -> dict[str, Any]:
    """The squares as a recipe's source, with colour and place."""
    file = folder / f"{pictures.shape[1]} {pictures.sum()}.npz"
    np.savez(file, images=pictures, colour=COLOUR, place=PLACE)
    return {"type": "npz", "path": str(file), "layout": "NHWC"}


def merged(recipe: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with changes, map by map; a draw is replaced."""
    def with_(key: str, value: Any) -> Any:
        old = recipe.get(key)
        return merged(old, value) if isinstance(old, dict) and isinstance(value, dict) and key != "x2" else value

    return {**recipe, **{key: with_(key, value) for key, value in changes.items()}}


def trained(recipe: Mapping[str, Any], steps: int) -> Players:
    """The players after so many steps."""
    players = players_of(recipe)
    for step in range(steps):
        players.step(step)
    return players


def all_pairs() -> tuple[Tensor, Tensor]:
    """The numbers of the first and of the second of every pair of the sixteen, (256,) each."""
    first, second = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    return first.flatten(), second.flatten()


def nearest(made: Tensor, images: Tensor) -> Tensor:
    """Which of the sixteen each image looks most like, (B,)."""
    return torch.cdist(made.flatten(1), images.flatten(1)).argmin(1)


def transferred(made: Tensor, images: Tensor) -> tuple[float, float]:
    """Shares of all pairs' images with the colour of the second, and with the place of the first."""
    first, second = all_pairs()
    seen = nearest(made, images)
    return (float((COLOUR[seen] == COLOUR[second]).float().mean()), float((PLACE[seen] == PLACE[first]).float().mean()))
