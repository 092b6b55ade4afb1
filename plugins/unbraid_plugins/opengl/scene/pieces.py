"""A mesh as arrays for writers: tables of places, and for each material the faces and the pictures."""

from __future__ import annotations

import attrs
import numpy as np
from torch import Tensor

from unbraid_plugins.opengl.scene.materials import MODES, WRAPS
from unbraid_plugins.opengl.scene.mesh import Mesh


@attrs.frozen(eq=False)
class Shape:
    """The tables of one mesh.

    places: (V, 3).
    colours: (V, 3) or (V, 4), sRGB in [0, 1] with the opacity, or None.
    normals: (V, 3), only where the mesh has creases.
    uv: (U, 2), (0, 0) at the lower left, or None.
    """

    places: np.ndarray
    colours: np.ndarray | None
    normals: np.ndarray | None
    uv: np.ndarray | None


@attrs.frozen(eq=False)
class Piece:
    """The faces of one material.

    faces: (f, 3), rows of the places.
    texture_faces: (f, 3), rows of the texture coordinates.
    colour: (4,), that of all faces, sRGB with the opacity.
    picture: (h, w, 3 or 4) bytes, or None.
    emission: (h, w, 3) bytes, or None.
    """

    faces: np.ndarray
    texture_faces: np.ndarray
    colour: np.ndarray
    picture: np.ndarray | None = None
    emission: np.ndarray | None = None
    wrap: tuple[str, str] = ("clamp", "clamp")
    mode: str = "opaque"
    cutoff: float = 0.5
    nearest: bool = False

    @property
    def plain(self) -> bool:
        """Whether the material says nothing that the colours of vertices don't say."""
        return self.picture is None and self.emission is None and bool((self.colour == 1).all())

    def beyond(self, uv: np.ndarray | None) -> bool:
        """Return whether texture coordinates (U, 2) of the faces are outside of [0, 1]."""
        if uv is None or self.picture is None:
            return False
        used = uv[np.unique(self.texture_faces)]
        return bool(((used < -1e-4) | (used > 1 + 1e-4)).any())


def shape_of(mesh: Mesh, index: int) -> Shape:
    """Return the tables of one mesh of a batch."""
    colours = None if mesh.colours is None else coloured(_numbers(mesh.colours, index))
    colours = None if colours is None or (colours == 1).all() else colours
    creased = mesh.topology.smoothed is not None
    return Shape(_numbers(mesh.vertices, index), colours, _numbers(mesh.normals(), index) if creased else None,
                 None if mesh.uv is None or not _mapped(mesh) else _numbers(mesh.uv, index))


def pieces_of(mesh: Mesh, index: int) -> list[Piece]:
    """Return the faces of one mesh of a batch by their materials; without materials they are one piece."""
    topology = mesh.topology
    faces = topology.faces.cpu().numpy()
    corners = faces if topology.texture_faces is None else topology.texture_faces.cpu().numpy()
    pages = tuple(None if t is None else _bytes(_numbers(t, index)) for t in (mesh.texture, mesh.emission))
    materials = topology.materials
    if materials is None:
        return [Piece(faces, corners, np.ones(4), pages[0], pages[1])]
    of, found = materials.of.cpu().numpy(), []
    for number in np.unique(of):
        left, top, width, height = materials.boxes[number].tolist()
        picture, emission = (None if page is None else page[top:top + height, left:left + width] for page in pages)
        colour = np.ones(4)
        if picture is not None and mesh.texture is not None and _even(picture):
            exact = coloured(_numbers(mesh.texture[..., top, left], index)[None])[0]
            colour[:len(exact)] = exact
            picture = None
        emission = None if emission is None or not emission.any() else emission
        wrap = [WRAPS[w] for w in materials.wraps[number].tolist()]
        mine = of == number
        found.append(Piece(faces[mine], corners[mine], colour, picture, emission, (wrap[0], wrap[1]),
                           MODES[int(materials.modes[number])], float(materials.cutoffs[number]),
                           bool(materials.nearest[number])))
    return found


def coloured(values: np.ndarray) -> np.ndarray:
    """Return colours (N, 1 to 4) in [0, 1] as (N, 3), or (N, 4) with an opacity."""
    values = np.nan_to_num(values).clip(0, 1)
    grey, opacity = values[:, :1].repeat(3, 1), values[:, values.shape[1] - 1:]
    return {1: grey, 2: np.concatenate([grey, opacity], 1)}.get(values.shape[1], values[:, :4])


def _mapped(mesh: Mesh) -> bool:
    return not (mesh.texture is None and mesh.emission is None)


def _even(picture: np.ndarray) -> bool:
    return max(picture.shape[:2]) <= 2 and bool((picture == picture[:1, :1]).all())


def _bytes(picture: np.ndarray) -> np.ndarray:
    """Return a picture (C, h, w) in [0, 1] as bytes (h, w, 3 or 4)."""
    rows = coloured(picture.reshape(len(picture), -1).T)
    return (rows * 255).round().astype(np.uint8).reshape(*picture.shape[1:], -1)


def _numbers(t: Tensor, index: int) -> np.ndarray:
    """Return one item of a batch, or the one that all share."""
    found: np.ndarray = t.detach()[index if len(t) > 1 else 0].float().cpu().numpy()
    return found
