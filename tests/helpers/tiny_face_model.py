"""A morphable model of a ball with a nose and ears, small enough for tests, of the same form as ict_face_basis.npz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

PARTS = ("face", "head_neck", "eye_socket", "sclera", "iris")


def write_face_model(path: Path, *, rings: int = 9, around: int = 14, **changes: np.ndarray) -> Path:
    """Write the model: 3 modes of identity, and those modes of expression that the source asks for by itself."""
    up, turn = np.meshgrid(np.linspace(-np.pi / 2, np.pi / 2, rings)[1:-1], np.arange(around) * 2 * np.pi / around,
                           indexing="ij")
    ball = np.stack([np.cos(up) * np.sin(turn), np.sin(up), np.cos(up) * np.cos(turn)], -1).reshape(-1, 3)
    points = np.concatenate([ball, [[0.0, -1, 0], [0, 1, 0]]])
    index = np.arange(len(ball)).reshape(rings - 2, around)
    a, b, c, d = index[:-1], np.roll(index, -1, 1)[:-1], np.roll(index, -1, 1)[1:], index[1:]
    low, high, bottom, top = index[0], index[-1], len(ball), len(ball) + 1
    faces = [np.stack([a, b, c], -1), np.stack([a, c, d], -1),
             np.stack([np.full(around, bottom), np.roll(low, -1), low], -1),
             np.stack([np.full(around, top), high, np.roll(high, -1)], -1)]
    x, y, z = points.T
    nose = np.exp(-8 * (x**2 + y**2)) * (z > 0)
    shape = points * [8, 11, 9] + nose[:, None] * [0.0, 0, 3]
    modes = np.stack([points * [1.5, 0, 0], points * [0, 1, 0], nose[:, None] * [0.0, 0, 2]])
    mouth = np.exp(-6 * (y + 0.5) ** 2) * (z > 0.2)
    brow = np.exp(-6 * (y - 0.5) ** 2) * (z > 0.2)
    halves = {f"{name}_{side}": (where * half)[:, None] * way
              for name, where, way in (("mouthSmile", mouth, [0.0, 2, 1]), ("cheekRaiser", brow, [0.0, 0, 1]),
                                       ("mouthFrown", mouth, [0.0, -1, 1]), ("browDown", brow, [0.0, -1, 0]))
              for side, half in (("L", x > 0), ("R", x < 0))}
    looks = halves | {"jawOpen": mouth[:, None] * [0.0, -3, 0]}
    triangles = np.concatenate([f.reshape(-1, 3) for f in faces]).astype(np.int32)
    arrays = {"neutral": shape.astype(np.float32), "triangles": triangles,
              "part": np.where(z > 0, 0, 1).astype(np.uint8), "part_names": np.array(PARTS),
              "identity": modes.astype(np.float16),
              "expression": np.stack(list(looks.values())).astype(np.float16),
              "expression_names": np.array(list(looks))}
    np.savez(path, **{name: v for name, v in (arrays | changes).items() if v is not None})
    return path


LOOKS = {"neutral": {}, "smile": {"mouthSmile": 1.0}}
