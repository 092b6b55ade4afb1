"""Texture coordinates beyond [0, 1], moved by whole pictures where that changes nothing."""

from __future__ import annotations

import numpy as np

from unbraid_plugins.opengl.scene.materials import Wrap

REPEAT: tuple[Wrap, Wrap] = ("repeat", "repeat")
NEAR = 1e-4                                        # of a side: beyond it what lies outside is looked up


def settled(uv: np.ndarray, faces: np.ndarray, wrap: tuple[Wrap, Wrap]) -> np.ndarray:
    """Return texture coordinates (V, 2) as near to [0, 1] as whole repetitions bring them.

    faces: (F, 3), those that are used.
    """
    used = uv[np.unique(faces)]
    if not len(used) or inside(uv, faces):
        return uv
    middle = (used.min(0) + used.max(0)) / 2
    shift = [{"repeat": np.floor(m), "mirror": 2 * np.floor(m / 2), "clamp": 0.0}[mode]
             for m, mode in zip(middle, wrap, strict=True)]
    return uv - np.array(shift)


def inside(uv: np.ndarray, faces: np.ndarray) -> bool:
    """Return whether the texture coordinates of the faces are in [0, 1]."""
    used = uv[np.unique(faces)]
    return bool(((used >= -NEAR) & (used <= 1 + NEAR)).all())
