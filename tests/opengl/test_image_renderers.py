"""Light on normals, and one layer over another, as components of recipes."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from unbraid import UnbraidError
from unbraid.testing import RendererSuite
from unbraid.testing.samples import numbers, small_context
from unbraid_plugins.opengl.image_renderers import MatteCompose, ShLambert


def sphere(batch: int, height: int, width: int, seed: int = 0) -> Tensor:
    v = torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(v, dim=1)


def matrix_of(light: Tensor) -> Tensor:
    """The irradiance matrix M of Ramamoorthi & Hanrahan (2001), eq. 12, with rows and columns x, y, z, 1."""
    c1, c2, c3, c4, c5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
    l00, l1m1, l10, l11, l2m2, l2m1, l20, l21, l22 = light.unbind(-1)
    rows = [[c1 * l22, c1 * l2m2, c1 * l21, c2 * l11], [c1 * l2m2, -c1 * l22, c1 * l2m1, c2 * l1m1],
            [c1 * l21, c1 * l2m1, c3 * l20, c2 * l10], [c2 * l11, c2 * l1m1, c2 * l10, c4 * l00 - c5 * l20]]
    return torch.stack([torch.stack(r, -1) for r in rows], -2)


def test_shading_is_the_papers_irradiance_over_pi():
    normals, light = sphere(3, 5, 4), torch.randn(3, 2, 9, generator=torch.Generator().manual_seed(1))
    light[..., 0] += 6
    found = ShLambert().build(small_context(), normals, light)(normals, light)
    n = torch.cat([normals, torch.ones(3, 1, 5, 4)], 1)
    expected = torch.einsum("bihw,bcij,bjhw->bchw", n, matrix_of(light), n) / torch.pi
    assert found.shape == (3, 2, 5, 4)
    assert torch.allclose(found, expected, atol=2e-4)
    wrong = light[..., [0, 1, 2, 3, 5, 4, 6, 7, 8]]                      # two of its numbers exchanged
    assert not torch.allclose(found, torch.einsum("bihw,bcij,bjhw->bchw", n, matrix_of(wrong), n) / torch.pi, atol=1e-2)


def test_shading_is_the_integral_of_the_light_over_the_hemisphere():
    """Against a sum over many directions of L(w) max(0, n . w) / pi, with scipy's own harmonics."""
    special = pytest.importorskip("scipy.special")
    count = 200_000
    i = torch.arange(count, dtype=torch.float64) + 0.5
    up, turn = 1 - 2 * i / count, i * torch.pi * (3 - 5**0.5)
    flat = (1 - up**2).sqrt()
    w = torch.stack([flat * turn.cos(), flat * turn.sin(), up], 1)       # even over the sphere; z is the pole
    normal = functional.normalize(torch.tensor([[0.3, -0.5, 0.7]], dtype=torch.float64))
    for number, (degree, order) in enumerate([(n, m) for n in range(3) for m in range(-n, n + 1)]):
        theta, phi = torch.arccos(w[:, 2]).numpy(), torch.atan2(w[:, 1], w[:, 0]).numpy()
        y = torch.from_numpy(special.sph_harm_y(degree, abs(order), theta, phi))
        real = y.real if order == 0 else 2**0.5 * (-1) ** order * (y.imag if order < 0 else y.real)
        even = 5 / (4 * torch.pi) ** 0.5                                 # keeps the sum positive
        seen = ((even + real) * (w @ normal[0]).clamp_min(0)).mean() * 4
        light = functional.one_hot(torch.tensor([[number]]), 9).double()
        light[..., 0] += 5
        found = ShLambert().build(small_context(), torch.empty(1, 3, 1, 1), light)(normal.reshape(1, 3, 1, 1), light)
        assert float(found) == pytest.approx(float(seen), abs=1e-4)


class TestShLambert(RendererSuite):
    component = ShLambert
    slope_tolerance: ClassVar = 0.02

    def inputs(self) -> tuple[Tensor, ...]:
        light = 0.2 * (numbers(4, 3, 9) - 0.5)
        light[..., 0] = 1.8                                              # dim enough for an image in [0, 1]
        return sphere(4, 32, 32), light


class TestMatteCompose(RendererSuite):
    component = MatteCompose
    slope_tolerance: ClassVar = 0.02

    def inputs(self) -> tuple[Tensor, ...]:
        return numbers(4, 1, 32, 32), numbers(4, 3, 32, 32, seed=1), numbers(4, 3, 32, 32, seed=2)


def test_layers_by_hand():
    matte = torch.tensor([0.0, 1.0, 0.25]).reshape(1, 1, 1, 3)
    face, behind = torch.full((1, 3, 1, 3), 2.0), torch.full((1, 3, 1, 3), 0.2)
    found = MatteCompose().build(small_context(), matte, face, behind)(matte, face, behind)
    assert torch.allclose(found[0, 0, 0], torch.tensor([0.2, 1.0, 0.25 + 0.75 * 0.2]))


def test_mistakes_name_the_shapes():
    with pytest.raises(UnbraidError, match=r"\(2, 3, 8, 8\) and \(2, 27\)(.|\n)*light \(B, C, 9\)"):
        ShLambert().build(small_context(), torch.empty(2, 3, 8, 8), torch.empty(2, 27))
    with pytest.raises(UnbraidError, match="it takes a matte"):
        MatteCompose().build(small_context(), torch.empty(2, 2, 8, 8), torch.empty(2, 3, 8, 8), torch.empty(2, 3, 8, 8))
