"""Small networks that stand in for those of papers whose plugins are not part of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import torch
from stand_in_layers import Heads, Normal, doubling, halving
from stand_in_reference_networks import (
    DroppingCritic,
    LabelCritic,
    LabelHead,
    Lstm,
    Posterior,
    RoiEncoder,
    SceneEncoder,
    SceneGenerator,
    TiledUnet,
    Trunk,
    TrustingEncoder,
)
from torch import Tensor, nn

from unbraid import Context, critic, generator, network, renderer, value

# -- UNIT --------------------------------------------------------------------------------------------------------------


@network(name="front")
@attrs.frozen(kw_only=True)
class Front:
    """The first layers of a domain: (B, C, H, W) -> (B, 6, H/2, W/2)."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        return nn.Sequential(halving(image.shape[1], 6), nn.LeakyReLU(0.2))


@network(name="shared")
@attrs.frozen(kw_only=True)
class Shared:
    """The layers that both domains share: (B, c, h, w) -> the same shape, or a Gaussian over it."""

    gaussian: bool = False

    def build(self, context: Context, seen: Tensor) -> nn.Module:
        body = nn.Conv2d(seen.shape[1], seen.shape[1] * (1 + self.gaussian), 3, padding=1)
        return Normal(body) if self.gaussian else nn.Sequential(body, nn.LeakyReLU(0.2))


@generator(name="back")
@attrs.frozen(kw_only=True)
class Back:
    """The last layers of a domain: (B, c, H/2, W/2) -> (B, C, H, W)."""

    def build(self, context: Context, seen: Tensor) -> nn.Module:
        return nn.Sequential(doubling(seen.shape[1], context.image[0]), nn.Sigmoid())


@network(name="look")
@attrs.frozen(kw_only=True)
class Look:
    """A domain's own layers of the coupled critic."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        return nn.Sequential(halving(image.shape[1], 4), nn.LeakyReLU(0.2), halving(4, 4), nn.LeakyReLU(0.2))


@critic(name="coupled_critic")
@attrs.frozen(kw_only=True)
class CoupledCritic:
    """.features, .real, .digit of what a domain's layers saw."""

    def build(self, context: Context, seen: Tensor) -> nn.Module:
        size = seen[0].numel()
        return Heads(nn.Sequential(nn.Flatten(), nn.Linear(size, 16), nn.LeakyReLU(0.2)),
                     {"features": nn.Identity(), "real": nn.Linear(16, 1),
                      "digit": nn.Linear(16, context.factors["digit"])})


# -- Shu et al. --------------------------------------------------------------------------------------------------------


@critic(name="energy_autoencoder")
@attrs.frozen(kw_only=True)
class EnergyAutoencoder:
    """(B, C, H, W) -> the same shape; how badly it does so is the energy."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        return nn.Sequential(halving(image.shape[1], 6), nn.LeakyReLU(0.2), doubling(6, image.shape[1]), nn.Sigmoid())


# -- the view graph ----------------------------------------------------------------------------------------------------


@network(name="hog")
@attrs.frozen(kw_only=True)
class Hog:
    """A descriptor without weights: (B, C, H, W) -> (B, C * 16)."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())


class FittedGraph(nn.Module):
    """The view of an image: how far the looks of its mirror image are from the mean looks."""

    mean: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))

    def fit(self, batches: Iterator[tuple[Any, ...]]) -> None:
        looks = torch.cat([looks for _, looks, _ in batches])
        self.mean.copy_(looks.mean(0))

    def forward(self, image: Tensor, looks: Tensor, features: nn.Module) -> Tensor:
        return (features(image.flip(-1)) - self.mean).square().mean(1, keepdim=True) - looks.mean(1, keepdim=True)


@network(name="graph")
@attrs.frozen(kw_only=True)
class ViewGraph:
    """Fitted once to all images; takes the descriptor whole."""

    def build(self, context: Context, image: Tensor, looks: Tensor, features: Any) -> nn.Module:
        return FittedGraph(looks.shape[1])


# -- a 3D GAN ----------------------------------------------------------------------------------------------------------


@value
class Scene:
    """surface: (B, 1, h, w); texture: (B, C, h, w); background: (B, C, h, w)."""

    surface: Tensor
    texture: Tensor
    background: Tensor


class Surface(nn.Module):
    """A linear layer per part of the scene."""

    def __init__(self, size: int, image: tuple[int, int, int]) -> None:
        super().__init__()
        self.image = image
        self.linear = nn.Linear(size, (1 + 2 * image[0]) * image[1] * image[2])

    def forward(self, z: Tensor) -> Scene:
        c, h, w = self.image
        maps = self.linear(z).reshape(-1, 1 + 2 * c, h, w)
        return Scene(maps[:, :1], maps[:, 1:1 + c].sigmoid(), maps[:, 1 + c:].sigmoid())


@network(name="surfaces")
@attrs.frozen(kw_only=True)
class Surfaces:
    """z -> a Scene."""

    def build(self, context: Context, z: Tensor) -> nn.Module:
        return Surface(z.shape[1], context.image)


class Rendering(nn.Module):
    """A picture that depends on every part of the scene and on the view."""

    def forward(self, scene: Scene, view: Tensor) -> Tensor:
        cover = (scene.surface * view.sum(1).reshape(-1, 1, 1, 1)).sigmoid()
        return cover * scene.texture + (1 - cover) * scene.background


@renderer(name="mesh_renderer")
@attrs.frozen(kw_only=True)
class MeshRenderer:
    """A Scene and a view (B, 3) -> (B, C, H, W)."""

    def build(self, context: Context, scene: Scene, view: Tensor) -> nn.Module:
        return Rendering()


NETWORKS = {
    "unit": [Front, Shared, Back, Look, CoupledCritic],
    "viewgraph": [ViewGraph],
    "shape3d": [Surfaces],
    "drnet": [SceneEncoder, SceneGenerator, Lstm],
    "drgan": [TrustingEncoder, LabelCritic],
    "people": [RoiEncoder, TiledUnet],
    "others": [EnergyAutoencoder, Hog, MeshRenderer, Trunk, Posterior, LabelHead, DroppingCritic],
}
