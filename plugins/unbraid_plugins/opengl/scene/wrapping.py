"""Textures beyond their borders: repeated, mirrored, or with their border continued."""

from __future__ import annotations

from typing import Literal

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.pictures import LARGEST

Wrap = Literal["wrap", "edge", "symmetric"]        # names of numpy.pad: repeat, clamp, mirror
REPEAT: tuple[Wrap, Wrap] = ("wrap", "wrap")
TILES = 16                                         # how often a texture may repeat along a side
NEAR = 1e-4                                        # of a side: beyond it what lies outside is looked up


def wrapped(uv: np.ndarray, faces: np.ndarray, texture: np.ndarray,
            wrap: tuple[Wrap, Wrap] = REPEAT) -> tuple[np.ndarray, np.ndarray]:
    """Bring texture coordinates into [0, 1], and extend the texture by the part of its surroundings that is used.

    uv: (V, 2).
    faces: (F, 3).
    texture: (3, h, w).
    wrap: along u and along v.

    Raises UnbraidError where it repeats too often.
    """
    used = uv[np.unique(faces)] if len(faces) else uv[:0]
    if not len(used) or ((used >= -NEAR) & (used <= 1 + NEAR)).all():
        return uv, texture
    height, width = texture.shape[1:]
    uv, pads, tiles = uv.copy(), [], []
    for axis, (size, mode) in enumerate(zip((width, height), wrap, strict=True)):
        low, high = used[:, axis].min(), used[:, axis].max()
        middle = (low + high) / 2
        shift = {"wrap": np.floor(middle), "symmetric": 2 * np.floor(middle / 2), "edge": 0.0}[mode]
        before, after = max(0.0, -NEAR - low + shift), max(0.0, high - shift - 1 - NEAR)
        pad = [int(min(np.ceil(part * size), 2**31)) for part in (before, after)]
        tiles.append(1 + before + after)
        pads.append(pad)
        uv[:, axis] = ((uv[:, axis] - shift) * size + pad[0]) / (size + sum(pad))
    across, along = pads
    if max(tiles) > TILES or (width + sum(across)) * (height + sum(along)) > LARGEST:
        raise UnbraidError(f"its texture repeats {np.ceil(tiles[0]):.0f} x {np.ceil(tiles[1]):.0f} times",
                           hint=f"at most {TILES} times along a side are read: bake it")
    texture = np.pad(texture, ((0, 0), (0, 0), tuple(across)), mode=wrap[0])
    return uv, np.pad(texture, ((0, 0), tuple(along[::-1]), (0, 0)), mode=wrap[1])     # v = 0 is the lowest row
