"""Materials of a mesh's faces: pictures on its texture, how these continue beyond their borders, and transparency."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, get_args

import attrs
import torch
from torch import Tensor

from unbraid import UnbraidError

Wrap = Literal["repeat", "clamp", "mirror"]
Mode = Literal["opaque", "mask", "blend"]
WRAPS: tuple[str, ...] = get_args(Wrap)
MODES: tuple[str, ...] = get_args(Mode)


@attrs.frozen(eq=False)
class Materials:
    """The M materials of a mesh's faces, as glTF 2.0 has them.

    of: (F,) the material of every face.
    boxes: (M, 4) its picture on the mesh's texture. In texels, left, top, width and height.
    wraps: (M, 2) how the picture continues beyond its border along u and along v, as places in WRAPS.
    modes: (M,) how its opacity is used, as places in MODES. A surface with `mask` is seen where its opacity reaches the
        cutoff; one with `blend` covers the scene behind by its opacity.
    cutoffs: (M,).
    nearest: (M,) whether a place of the picture has the colour of the texel there; else texels are interpolated.

    Texture coordinates are those of each material's picture: (0, 0) at its lower left, (1, 1) at its upper right. Where
    a material is no `opaque` one, colours and texture of the mesh have a last channel more, the opacity.
    """

    of: Tensor
    boxes: Tensor
    wraps: Tensor
    modes: Tensor
    cutoffs: Tensor
    nearest: Tensor

    @staticmethod
    def one(faces: int, size: tuple[int, int] = (1, 1), *, wrap: tuple[Wrap, Wrap] = ("clamp", "clamp"),
            mode: Mode = "opaque", cutoff: float = 0.5, nearest: bool = False) -> Materials:
        """Return the same material for all faces, whose picture is the whole texture.

        faces: their number.
        size: (h, w) of the texture.
        wrap: along u and v.

        Raises UnbraidError for other names.
        """
        return Materials.several(torch.zeros(faces, dtype=torch.int64), [(0, 0, size[1], size[0])], [wrap], [mode],
                                 [cutoff], [nearest])

    @staticmethod
    def several(of: Tensor, boxes: Sequence[tuple[int, int, int, int]], wraps: Sequence[tuple[Wrap, Wrap]],
                modes: Sequence[Mode], cutoffs: Sequence[float],
                nearest: Sequence[bool] | None = None) -> Materials:
        """Return materials by their names of wrapping and modes.  Raises UnbraidError for other names."""
        for names, known in (([w for pair in wraps for w in pair], WRAPS), (modes, MODES)):
            if wrong := [name for name in names if name not in known]:
                raise UnbraidError(f"a material with {wrong[0]!r:.40}", hint=f"expected {', '.join(known)}")
        return Materials(of, torch.tensor(boxes, dtype=torch.int64).reshape(-1, 4),
                         torch.tensor([[WRAPS.index(w) for w in pair] for pair in wraps]).reshape(-1, 2),
                         torch.tensor([MODES.index(m) for m in modes], dtype=torch.int64),
                         torch.tensor(cutoffs, dtype=torch.float32),
                         torch.tensor([False] * len(modes) if nearest is None else nearest, dtype=torch.bool))

    def to(self, device: torch.device) -> Materials:
        """Return the same materials on a device."""
        return Materials(*(t.to(device) for t in (self.of, self.boxes, self.wraps, self.modes, self.cutoffs,
                                                  self.nearest)))

    @cached_property
    def clear(self) -> Tensor | None:
        """Whether something may be seen through each face, (F,), or None where all are opaque."""
        found = self.modes[self.of] > 0
        return found if bool(found.any()) else None

    @property
    def has_opacity(self) -> bool:
        """Whether colours and texture of the mesh have a last channel of opacity."""
        return bool((self.modes > 0).any())
