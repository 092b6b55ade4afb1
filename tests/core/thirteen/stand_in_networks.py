"""Small networks that stand in for those of papers whose plugins are not part of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from unbraid import Code, Context, Gaussian, Record, Set, critic, encoder, generator, network, renderer, value


def halving(here: int, there: int) -> nn.Module:
    """(B, here, H, W) -> (B, there, H/2, W/2), by a convolution."""
    return nn.Conv2d(here, there, 4, stride=2, padding=1)


def doubling(here: int, there: int) -> nn.Module:
    """(B, here, H, W) -> (B, there, 2 H, 2 W), by a transposed convolution."""
    return nn.ConvTranspose2d(here, there, 4, stride=2, padding=1)


class Heads(nn.Module):
    """trunk -> a Record of what each head makes."""

    def __init__(self, trunk: nn.Module, heads: dict[str, nn.Module], layouts: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.trunk, self.heads, self.layouts = trunk, nn.ModuleDict(heads), layouts or {}

    def forward(self, *inputs: Tensor) -> Record:
        seen = self.trunk(*inputs)
        made = {name: head(seen) for name, head in self.heads.items()}
        return Record({name: Code(v, self.layouts[name]) if name in self.layouts else v for name, v in made.items()})


class Normal(nn.Module):
    """body -> a Gaussian, of twice its channels."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Gaussian:
        mean, logvar = self.body(x).chunk(2, 1)
        return Gaussian(mean, 0.1 * logvar)


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


# -- InfoGAN, Peng et al. ----------------------------------------------------------------------------------------------


@network(name="trunk")
@attrs.frozen(kw_only=True)
class Trunk:
    """(B, C, H, W) -> features (B, 128), with dropout and batch normalisation."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        return nn.Sequential(halving(image.shape[1], 4), nn.LeakyReLU(0.2), nn.Dropout2d(0.2), halving(4, 8),
                             nn.BatchNorm2d(8), nn.LeakyReLU(0.2), nn.Flatten())


class Guess(nn.Module):
    """Logits of the category, and a Gaussian of the style."""

    def __init__(self, size: int, categories: int, styles: int) -> None:
        super().__init__()
        self.category, self.style = nn.Linear(size, categories), Normal(nn.Linear(size, 2 * styles))

    def forward(self, seen: Tensor) -> Record:
        return Record({"category": self.category(seen), "style": self.style(seen)})


@network(name="posterior")
@attrs.frozen(kw_only=True)
class Posterior:
    """Guesses category and style."""

    def build(self, context: Context, seen: Tensor) -> nn.Module:
        sizes = {p.name: p.size for p in context.code.parts}
        return Guess(seen.shape[1], sizes["category"], sizes["style"])


@network(name="label_head")
@attrs.frozen(kw_only=True)
class LabelHead:
    """Logits of a labelled factor of the data."""

    of: str

    def build(self, context: Context, features: Tensor) -> nn.Module:
        return nn.Linear(features.shape[1], context.factors[self.of])


# -- DrNet -------------------------------------------------------------------------------------------------------------


@encoder(name="scene_encoder")
@attrs.frozen(kw_only=True)
class SceneEncoder:
    """An encoder with a skip connection: a Record of code and skip."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        size = 4 * (image.shape[2] // 2) * (image.shape[3] // 2)
        return Heads(nn.Sequential(halving(image.shape[1], 4), nn.LeakyReLU(0.2)),
                     {"code": nn.Sequential(nn.Flatten(), nn.Linear(size, context.code.size)), "skip": nn.Identity()},
                     {"code": context.code})


class SceneGeneration(nn.Module):
    """Code and pose to a map, the skip beside it, to an image."""

    def __init__(self, size: int, skip: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.skip = skip
        self.first = nn.Linear(size, 4 * skip[1] * skip[2])
        self.last = nn.Sequential(nn.LeakyReLU(0.2), doubling(4 + skip[0], channels), nn.Sigmoid())

    def forward(self, content: Record, pose: Tensor) -> Tensor:
        first = self.first(torch.cat([content.parts["code"].tensor, pose], 1))
        return self.last(torch.cat([first.reshape(-1, 4, *self.skip[1:]), content.parts["skip"]], 1))


@generator(name="scene_generator")
@attrs.frozen(kw_only=True)
class SceneGenerator:
    """A generator that takes a code with its skip, and a pose."""

    def build(self, context: Context, content: Record, pose: Tensor) -> nn.Module:
        size = content.parts["code"].tensor.shape[1] + pose.shape[1]
        return SceneGeneration(size, tuple(content.parts["skip"].shape[1:]), context.image[0])


class Forecast(nn.Module):
    """A recurrent network over the frames of a set, with the content beside every frame."""

    def __init__(self, content: int, pose: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(content + pose, 8, batch_first=True)
        self.out = nn.Linear(8, pose)

    def forward(self, content: Tensor, poses: Set) -> Set:
        frames = poses.unfolded()
        beside = content.unsqueeze(1).expand(-1, frames.shape[1], -1)
        return Set.fold(self.out(self.lstm(torch.cat([beside, frames], 2))[0]))


@network(name="lstm", sets=True)
@attrs.frozen(kw_only=True)
class Lstm:
    """Content (B, d) and a set of poses -> the set of next poses."""

    def build(self, context: Context, content: Tensor, poses: Set) -> nn.Module:
        return Forecast(content.shape[1], poses.folded.shape[1])


# -- DR-GAN ------------------------------------------------------------------------------------------------------------


@encoder(name="encoder")
@attrs.frozen(kw_only=True)
class TrustingEncoder:
    """.code, and .trust (B, 1) in it."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        features = image[0].numel() // 4
        return Heads(nn.Sequential(halving(image.shape[1], image.shape[1]), nn.LeakyReLU(0.2), nn.Flatten()),
                     {"code": nn.Linear(features, context.code.size),
                      "trust": nn.Sequential(nn.Linear(features, 1), nn.Sigmoid())}, {"code": context.code})


@critic(name="critic")
@attrs.frozen(kw_only=True)
class LabelCritic:
    """Logits of labelled factors; the one named `fake` has one class more."""

    heads: tuple[str, ...]
    fake: str

    def build(self, context: Context, image: Tensor) -> nn.Module:
        features = image[0].numel() // 4
        return Heads(nn.Sequential(halving(image.shape[1], image.shape[1]), nn.LeakyReLU(0.2), nn.Flatten()),
                     {h: nn.Linear(features, context.factors[h] + (h == self.fake)) for h in self.heads})


# -- Ma et al. ---------------------------------------------------------------------------------------------------------


class Regions(nn.Module):
    """One linear layer for the image under each joint's mask."""

    def __init__(self, size: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, out)

    def forward(self, image: Tensor, joints: Tensor) -> Tensor:
        return self.linear(torch.cat([image.flatten(1), joints.flatten(1)], 1))


@encoder(name="roi_encoder")
@attrs.frozen(kw_only=True)
class RoiEncoder:
    """An image and joints (B, 18, 3) -> a code."""

    def build(self, context: Context, image: Tensor, joints: Tensor) -> nn.Module:
        return Regions(image[0].numel() + joints[0].numel(), context.code.size)


class Tiled(nn.Module):
    """A code as constant maps beside the joints' maps."""

    def __init__(self, size: int, maps: int, channels: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(size, 4)
        self.conv = nn.Sequential(nn.Conv2d(4 + maps, channels, 3, padding=1), nn.Sigmoid())

    def forward(self, code: Tensor, maps: Tensor) -> Tensor:
        tiles = self.narrow(code)[..., None, None].expand(-1, -1, *maps.shape[2:])
        return self.conv(torch.cat([tiles, maps], 1))


@generator(name="tiled_unet")
@attrs.frozen(kw_only=True)
class TiledUnet:
    """A code and maps of joints (B, 18, H, W) -> an image."""

    def build(self, context: Context, code: Tensor, maps: Tensor) -> nn.Module:
        return Tiled(code.shape[1], maps.shape[1], context.image[0])


# -- a network with state ----------------------------------------------------------------------------------------------


@critic(name="dropping_critic")
@attrs.frozen(kw_only=True)
class DroppingCritic:
    """A critic with dropout and batch normalisation."""

    def build(self, context: Context, image: Tensor) -> nn.Module:
        return nn.Sequential(halving(image.shape[1], 4), nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Dropout(0.3),
                             nn.Flatten(), nn.Linear(image[0, 0].numel(), 1))


NETWORKS = {
    "unit": [Front, Shared, Back, Look, CoupledCritic],
    "viewgraph": [ViewGraph],
    "shape3d": [Surfaces],
    "drnet": [SceneEncoder, SceneGenerator, Lstm],
    "drgan": [TrustingEncoder, LabelCritic],
    "people": [RoiEncoder, TiledUnet],
    "others": [EnergyAutoencoder, Hog, MeshRenderer, Trunk, Posterior, LabelHead, DroppingCritic],
}
