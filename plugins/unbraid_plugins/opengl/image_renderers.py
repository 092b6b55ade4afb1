"""Renderers of layers, pixel by pixel: light on normals by spherical harmonics, and one layer over another."""

from __future__ import annotations

from typing import Any

import attrs
from torch import Tensor, nn

from unbraid import Context, UnbraidError, renderer
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.scene.light import harmonic_basis


@renderer
@attrs.frozen(kw_only=True)
class ShLambert:
    """Renderer of the light that a white matte surface reflects, by nine harmonics (Ramamoorthi & Hanrahan 2001).

    Unit normals (B, 3, H, W), x right, y up, z to the camera, and light (B or 1, C or 1, 9) -> shading (B, C, H, W),
    at least 0, where 1 shows the albedo as it is. The light's numbers are those of `HarmonicLight`.
    """

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Return a module without weights."""
        found = [tuple(v.shape) for v in inputs]
        if len(inputs) != 2 or len(found[0]) != 4 or found[0][1] != 3 or len(found[1]) != 3 or found[1][2] != 9:
            raise UnbraidError(f"{context.name} is called with {' and '.join(map(str, found)) or 'nothing'}",
                               hint="it takes unit normals (B, 3, H, W) and light (B, C, 9)")
        return Shading()


class Shading(nn.Module):
    """The module of `ShLambert`."""

    @precise
    def forward(self, normals: Tensor, light: Tensor) -> Tensor:
        """Return max(0, sum over l, m of A_l / pi L_lm Y_lm(n)), (B, C, H, W)."""
        height, width = normals.shape[2:]
        basis = harmonic_basis(normals.permute(0, 2, 3, 1))              # (B, H, W, 9)
        white = basis.flatten(1, 2) @ light.to(normals).mT               # (B, H W, C)
        return white.mT.unflatten(2, (height, width)).clamp_min(0)


@renderer
@attrs.frozen(kw_only=True)
class MatteCompose:
    """Renderer of one layer over another:  matte * foreground + (1 - matte) * background  (Porter & Duff 1984).

    A matte (B, 1 or C, H, W) in [0, 1], a foreground and a background (B, C, H, W) -> images (B, C, H, W) in [0, 1].
    The foreground is clipped to [0, 1], as a camera does it.
    """

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Return a module without weights."""
        found = [tuple(v.shape) for v in inputs]
        whole = found[1] if len(found) == 3 else ()
        fits = len(whole) == 4 and found[2] == whole and found[0] in (whole, (whole[0], 1, *whole[2:]))
        if not fits:
            raise UnbraidError(f"{context.name} is called with {' and '.join(map(str, found)) or 'nothing'}",
                               hint="it takes a matte (B, 1, H, W), a foreground and a background (B, C, H, W)")
        return Composing()


class Composing(nn.Module):
    """The module of `MatteCompose`."""

    def forward(self, matte: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
        """Return the composed images."""
        return background + matte * (foreground.clamp(0, 1) - background)
