"""Light from far away on a matte surface."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from unbraid import UnbraidError, value
from unbraid_plugins.opengl.numerics.ranges import expect_floats

_Y = [math.sqrt(n / (4 * math.pi)) for n in (1, 3, 15)]
NORMS = [_Y[0], *[_Y[1]] * 3, *[_Y[2]] * 2, _Y[2] / math.sqrt(12), _Y[2], _Y[2] / 2]         # Y_lm over polynomials
FACTORS = [a * n for a, n in zip([1.0, *[2 / 3] * 3, *[1 / 4] * 5], NORMS, strict=True)]


@value
class HarmonicLight:
    """Light from everywhere, as its first nine spherical harmonics (Ramamoorthi & Hanrahan 2001).

    harmonics: (B or 1, C or 1, 9), in world coordinates.

    Per channel they are L00, L1-1 (y), L10 (z), L11 (x), L2-2 (xy), L2-1 (yz), L20 (3 z^2 - 1), L21 (xz), L22 (x^2 -
    y^2).
    """

    harmonics: Tensor

    def __attrs_post_init__(self) -> None:
        _expect("harmonics", self.harmonics, "(B, C, 9)", 3, 9)

    @staticmethod
    def even(strength: Tensor) -> HarmonicLight:
        """Return the same light from all directions: strength (B or 1, C), where 1 shows the albedo as it is."""
        return HarmonicLight(torch.cat([strength[..., None] * math.sqrt(4 * math.pi),
                                        strength.new_zeros(*strength.shape, 8)], -1))

    def with_channels(self, channels: int) -> HarmonicLight:
        """Return the same light for a surface of this many channels; a single channel serves all.

        Raises UnbraidError for other numbers of channels.
        """
        return HarmonicLight(_spread("harmonics", self.harmonics, channels))

    def shading(self, normals: Tensor, sample: Tensor) -> Tensor:
        """Return the light (N, C) that a white surface reflects.

        normals: (N, 3), unit vectors; sample: (N,), their samples of the batch.

        It is the sum over l, m of A_l / pi L_lm Y_lm(n), with A = pi, 2 pi / 3, pi / 4 (eq. 8); at least 0.
        """
        basis = harmonic_basis(normals)
        light = self.harmonics[sample] if len(self.harmonics) > 1 else self.harmonics
        return (light * basis[:, None]).sum(-1).clamp_min(0)

    def table(self) -> Tensor:
        """Return the table of a shader, (B or 1, 9, C): the factors of the polynomials of a normal."""
        return (self.harmonics * self.harmonics.new_tensor(FACTORS)).mT


@value
class DirectionalLight:
    """A far lamp and ambient light.

    direction: (B or 1, 3), towards the lamp, in world coordinates, of any length.
    colour, ambient: (B or 1, C or 1).
    """

    direction: Tensor
    colour: Tensor
    ambient: Tensor

    def __attrs_post_init__(self) -> None:
        _expect("direction", self.direction, "(B, 3)", 2, 3)
        for name, t in (("colour", self.colour), ("ambient", self.ambient)):
            _expect(name, t, "(B, C)", 2)

    def with_channels(self, channels: int) -> DirectionalLight:
        """Return the same light for a surface of this many channels; a single channel serves all.

        Raises UnbraidError for other numbers of channels.
        """
        return DirectionalLight(self.direction, *(_spread(name, t, channels) for name, t in (
            ("colour", self.colour), ("ambient", self.ambient))))

    def shading(self, normals: Tensor, sample: Tensor) -> Tensor:
        """Return the light that a white surface reflects: ambient + colour max(0, n . d), (N, C).

        normals: (N, 3), unit vectors; sample: (N,), their samples of the batch.
        """
        direction = self.direction / self.direction.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        direction, colour, ambient = (t[sample] if len(t) > 1 else t for t in (direction, self.colour, self.ambient))
        return ambient + colour * (normals * direction).sum(-1, keepdim=True).clamp_min(0)

    def as_harmonics(self) -> HarmonicLight:
        """Return the first nine harmonics of this light: L_lm = pi colour Y_lm(d), and the ambient light in L00.

        They shade a matte surface as the lamp does, within a tenth of its colour.
        """
        direction = self.direction / self.direction.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        colour, ambient = torch.broadcast_tensors(self.colour, self.ambient)
        lamp = math.pi * colour[..., None] * (_polynomials(direction) * direction.new_tensor(NORMS))[:, None]
        return HarmonicLight(lamp + HarmonicLight.even(ambient).harmonics)

    def table(self) -> Tensor:
        """Return the table of a shader, (B or 1, 3, 3): direction, colour and ambient, in three channels."""
        direction = self.direction / self.direction.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        colours = [functional.pad(t, (0, 3 - t.shape[1])) for t in (self.colour, self.ambient)]
        return torch.stack(torch.broadcast_tensors(direction, *colours), 1)


Light = HarmonicLight | DirectionalLight


def harmonic_basis(normals: Tensor) -> Tensor:
    """Return A_l / pi Y_lm of unit vectors (..., 3), (..., 9): what a matte surface reflects of each harmonic."""
    return _polynomials(normals) * normals.new_tensor(FACTORS)


def _polynomials(unit: Tensor) -> Tensor:
    x, y, z = unit.unbind(-1)
    return torch.stack([torch.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)


def _expect(name: str, t: Tensor, form: str, ndim: int, last: int | None = None) -> None:
    if isinstance(t, Tensor) and (t.ndim != ndim or last not in (None, t.shape[-1])):
        raise UnbraidError(f"the light has {name} of shape {tuple(t.shape)}", hint=f"expected {form}")
    expect_floats(f"the light's {name}", t)


def _spread(name: str, t: Tensor, channels: int) -> Tensor:
    if t.shape[1] not in (1, channels):
        raise UnbraidError(f"the light has {name} of {t.shape[1]} channels, the mesh has {channels}",
                           hint="give as many as the mesh has, or 1, which serves all")
    return t.expand(-1, channels, *t.shape[2:])
