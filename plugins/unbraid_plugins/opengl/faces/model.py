"""Morphable models: a mean shape, modes of identity and of expression, and the pose of a head before the camera."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid import DataError, open_file
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.shared.sources.npz_file import NpzFile
from unbraid_plugins.shared.sources.sizes import existing

LIMIT = 2**30                                      # bytes of a model
DISTANCE, FIELD_OF_VIEW = 3.4, 30.0                # of the camera, in radii of the head and in degrees
FILLED = 0.86                                      # the share of the image's height that the mean head fills
LANDMARKS = 24                                     # where the file names none


@attrs.frozen(eq=False)
class MorphableModel:
    """Faces as a mean shape and its modes:  vertices = mean + sum_i a_i I_i + sum_j b_j E_j  (Blanz & Vetter 1999).

    mean: (V, 3), scaled so that a camera at DISTANCE from the origin, on +z, sees the whole head.
    identity: (I, V, 3), modes of identity; their coefficients a_i are standard normal.
    expression: (E, V, 3), modes of expression; their coefficients b_j are in [0, 1].
    expressions: (E,) names of the modes of expression.
    part: (V,) the part that each vertex belongs to.
    parts: the names of the parts.
    landmarks: (L,) vertices.
    named: whether the file names the landmarks itself.
    topology: of the triangles, counter-clockwise from outside.
    checksum: of the file.
    """

    mean: Tensor
    identity: Tensor
    expression: Tensor
    expressions: tuple[str, ...]
    part: Tensor
    parts: tuple[str, ...]
    landmarks: Tensor
    named: bool
    topology: Topology
    checksum: str

    @property
    def modes(self) -> tuple[int, int]:
        """The numbers of modes of identity and of expression."""
        return len(self.identity), len(self.expression)

    @cached_property
    def mirror(self) -> Tensor:
        """The vertex on the other half of the face for each vertex, (V,): the one nearest to its mirror image."""
        from scipy.spatial import cKDTree

        points = self.mean.numpy()
        return torch.from_numpy(cKDTree(points).query(points * [-1, 1, 1])[1]).long()

    @precise
    def shape(self, coefficients: Tensor) -> Tensor:
        """Return vertices (B, V, 3) of coefficients (B, I + E), those of identity first.  Raises ValueError."""
        identities, expressions = self.modes
        if coefficients.ndim != 2 or coefficients.shape[1] != identities + expressions:
            raise ValueError(f"the model takes coefficients (B, {identities} + {expressions}); these are "
                             f"{tuple(coefficients.shape)}")
        modes = torch.cat([self.identity, self.expression]).to(coefficients)
        return self.mean.to(coefficients) + (coefficients @ modes.flatten(1)).reshape(len(coefficients), -1, 3)

    def weights(self, expression: Mapping[str, float]) -> Tensor:
        """Return coefficients (E,) of an expression by the names of its modes; `smile` stands for smile_L and smile_R.

        Raises DataError for a name that no mode has.
        """
        found = torch.zeros(len(self.expressions), dtype=torch.float32)
        for name, weight in expression.items():
            meant = [i for i, mode in enumerate(self.expressions) if mode in (name, f"{name}_L", f"{name}_R")]
            if not meant:
                raise DataError(f"the model has no mode of expression {name!r}",
                                hint=f"it has {', '.join(self.expressions) or 'none'}")
            found[meant] = float(weight)
        return found


@precise
def posed(vertices: Tensor, view: Tensor) -> Tensor:
    """Turn heads: by the pitch around x, then by the yaw around y.

    vertices: (B, V, 3).
    view: (B, 2), yaw and pitch in radians. A positive yaw turns the face to the image's right, a positive pitch down.

    Returns (B, V, 3).
    """
    yaw, pitch = view.to(vertices).unbind(1)
    x, y, z = vertices.unbind(-1)
    sine, cosine = pitch.sin()[:, None], pitch.cos()[:, None]
    y, z = cosine * y - sine * z, sine * y + cosine * z
    sine, cosine = yaw.sin()[:, None], yaw.cos()[:, None]
    return torch.stack([cosine * x + sine * z, y, cosine * z - sine * x], -1)


def camera(zoom: float = 1.0, *, aspect: float = 1.0, like: Tensor | None = None) -> Camera:
    """Return the camera in front of all heads, as numbers of the type and device of `like`, or in single precision.

    zoom: how much larger than whole heads they appear.
    """
    angle = 2 * math.atan(math.tan(math.radians(FIELD_OF_VIEW) / 2) / zoom)
    still = torch.zeros(1, dtype=torch.float32) if like is None else like.new_zeros(1)
    projection = perspective(torch.tensor(angle, dtype=torch.float32), aspect=aspect, near=DISTANCE / 40,
                             far=DISTANCE * 10)
    return Camera(orbiting(still, still, DISTANCE), projection.to(still))


def read_model(path: str) -> MorphableModel:
    """Read a morphable model from an .npz file; never unpickled, remembered while the file does not change.

    neutral (V, 3), triangles (F, 3), identity (I, V, 3) and expression (E, V, 3) with `expression_names` (E,) are
    needed; y is up, the face looks along +z, in any unit. `part` (V,) with `part_names`, and `landmarks` (L,) are used
    where they are there.  Raises DataError.
    """
    file = existing(path, folder=False)
    stamp = file.stat()
    return _read(file.absolute(), stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4)
def _read(file: Path, changed: int, size: int) -> MorphableModel:
    arrays = NpzFile(file, LIMIT)
    missing = [n for n in ("neutral", "triangles", "identity", "expression", "expression_names") if n not in arrays]
    if missing:
        raise DataError(f"{file}: it has no {', '.join(missing)}",
                        hint="a morphable model has neutral (V, 3), triangles (F, 3), identity (I, V, 3), expression "
                        "(E, V, 3) and expression_names (E,)")
    neutral, triangles, identity, expression, names = (
        arrays.read(n) for n in ("neutral", "triangles", "identity", "expression", "expression_names"))
    count = len(neutral)
    part = arrays.read("part") if "part" in arrays else np.zeros(count, np.int64)
    parts = arrays.read("part_names") if "part_names" in arrays else np.asarray([f"part{i}" for i in range(
        int(part.max(initial=0)) + 1)])
    landmarks = arrays.read("landmarks") if "landmarks" in arrays else None
    rows = {"triangles": triangles, "part": part, **({} if landmarks is None else {"landmarks": landmarks})}
    _check(file, {"neutral": (neutral, (count, 3)), "identity": (identity, (len(identity), count, 3)),
                  "expression": (expression, (len(expression), count, 3)),
                  "triangles": (triangles, (len(triangles), 3)), "part": (part, (count,)),
                  "expression_names": (names, (len(expression),))})
    for name, values in rows.items():
        below = len(parts) if name == "part" else count
        if values.dtype.kind not in "iu" or not values.size or values.min() < 0 or int(values.max()) >= below:
            raise DataError(f"{file}: {name} must be whole numbers in 0 ... {below - 1}")
    low, high = neutral.min(0), neutral.max(0)
    if not high[1] > low[1]:
        raise DataError(f"{file}: neutral has no height", hint="y is up, in any unit")
    scale = FILLED * 2 * DISTANCE * math.tan(math.radians(FIELD_OF_VIEW) / 2) / float(high[1] - low[1])
    mean, *modes = (torch.from_numpy(np.asarray(a, np.float32) * np.float32(scale)) for a in (
        neutral - (low + high) / 2, identity, expression))
    kinds = torch.from_numpy(part.astype(np.int64))
    topology = Topology.of(torch.from_numpy(triangles.astype(np.int64)))
    if landmarks is None:
        marks = spread(mean, Mesh(mean[None], topology).normals()[0], kinds)
    else:
        marks = torch.from_numpy(landmarks.reshape(-1).astype(np.int64))
    with open_file(file) as opened:
        checksum = blake2b(opened.read(), digest_size=16).hexdigest()
    return MorphableModel(mean, modes[0], modes[1], tuple(map(str, names)), kinds, tuple(map(str, parts)), marks,
                          landmarks is not None, topology, checksum)


def spread(mean: Tensor, normals: Tensor, part: Tensor, count: int = LANDMARKS) -> Tensor:
    """Return vertices (count,) that lie far from each other on the front of the first part: each next is the farthest.

    mean, normals: (V, 3); part: (V,).  The first vertex is the one nearest to the camera.
    """
    front = (part == 0) & (normals[:, 2] > 0.4) & (mean[:, 2] >= mean[part == 0, 2].median())
    face = (front if front.any() else part == 0).nonzero().squeeze(1)
    places = mean[face]
    chosen = [int(places[:, 2].argmax())]
    away = torch.full((len(face),), math.inf)
    while len(chosen) < min(count, len(face)):
        away = torch.minimum(away, (places - places[chosen[-1]]).square().sum(1))
        chosen.append(int(away.argmax()))
    return face[chosen]


def _check(file: Path, arrays: Mapping[str, tuple[np.ndarray, tuple[int, ...]]]) -> None:
    for name, (values, shape) in arrays.items():
        if values.shape != shape:
            raise DataError(f"{file}: {name} has the shape {values.shape}", hint=f"expected {shape}")
        if name.endswith("_names"):
            continue
        if not values.size or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise DataError(f"{file}: {name} must hold finite numbers, one at least")
