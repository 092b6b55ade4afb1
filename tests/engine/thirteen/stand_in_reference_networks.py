"""Small networks that stand in for those of the lecture's references."""

from __future__ import annotations

import attrs
import torch
from stand_in_layers import Heads, Normal, doubling, halving
from torch import Tensor, nn

from unbraid import Context, Record, Set, critic, encoder, generator, network

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
