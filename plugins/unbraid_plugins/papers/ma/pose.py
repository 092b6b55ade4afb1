"""The pose autoencoder, and the mappings from noise to codes: residual perceptrons."""

from __future__ import annotations

import attrs
import torch
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, UnbraidError, encoder, network
from unbraid_plugins.papers.ma.blocks import first_weights
from unbraid_plugins.shared.convnets.inputs import flat_size, vectors

SLOPE = 0.3                                        # of the leaky ReLUs, as in the authors' code
BLOCKS = 4


class ResidualLinear(nn.Module):
    """Two linear layers with leaky ReLU beside the identity."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, size), nn.LeakyReLU(SLOPE), nn.Linear(size, size),
                                  nn.LeakyReLU(SLOPE))

    def forward(self, x: Tensor) -> Tensor:
        """(B, size) -> the same shape."""
        return x + self.body(x)


class ResidualPerceptron(nn.Module):
    """A linear layer, residual blocks, and a linear layer, on the flattened and concatenated inputs."""

    def __init__(self, here: int, size: int, blocks: int, out: int) -> None:
        super().__init__()
        self.body = first_weights(nn.Sequential(
            nn.Linear(here, size), nn.LeakyReLU(SLOPE), *(ResidualLinear(size) for _ in range(blocks)),
            nn.Linear(size, out)))

    def forward(self, *inputs: Tensor) -> Tensor:
        """(B, ...), ... -> (B, out)."""
        return self.body(vectors(inputs))


def _made(context: Context) -> int:
    if not context.code.size:
        raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                           hint="add for example  code: {pose: 32}")
    return context.code.size


@encoder
@attrs.frozen(kw_only=True)
class PoseEncoder:
    """The pose's code: joints (B, n, 3), which are row, column and visibility -> code (B, D).

    width: of the linear layers, 512 in the authors' code.
    blocks: residual blocks of two layers.
    """

    width: int = attrs.field(default=512, validator=ge(1))
    blocks: int = attrs.field(default=BLOCKS, validator=ge(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for joints of this shape."""
        return ResidualPerceptron(flat_size(inputs), self.width, self.blocks, _made(context))


class Joints(nn.Module):
    """Numbers as joints: places as they are, visibility as zeros and ones whose gradients pass the rounding."""

    def __init__(self, body: nn.Module, count: int) -> None:
        super().__init__()
        self.body, self.count = body, count

    def forward(self, *codes: Tensor) -> Tensor:
        """(B, D) -> joints (B, n, 3)."""
        made = self.body(*codes)
        places, chance = made[:, :2 * self.count], made[:, 2 * self.count:].sigmoid()
        visible = chance + (chance.round() - chance).detach()
        return torch.cat([places.unflatten(1, (self.count, 2)), visible.unsqueeze(-1)], -1)


@network
@attrs.frozen(kw_only=True)
class PoseDecoder:
    """Joints of the pose's code: code (B, D) -> joints (B, n, 3), row, column and visibility, which is 0 or 1.

    joints: their number n.
    width: of the linear layers, 512 in the authors' code.
    blocks: residual blocks of two layers.
    """

    joints: int = attrs.field(default=18, validator=ge(1))
    width: int = attrs.field(default=512, validator=ge(1))
    blocks: int = attrs.field(default=BLOCKS, validator=ge(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        return Joints(ResidualPerceptron(flat_size(inputs), self.width, self.blocks, 3 * self.joints), self.joints)


@encoder
@attrs.frozen(kw_only=True)
class Mapping:
    """Stage two's mapping from noise to codes that look like those of images: noise (B, d) -> code (B, D).

    width: of the linear layers; 512 for foreground and pose, 256 for the background in the authors' code.
    blocks: residual blocks of two layers.
    """

    width: int = attrs.field(default=512, validator=ge(1))
    blocks: int = attrs.field(default=BLOCKS, validator=ge(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for noise of this shape."""
        return ResidualPerceptron(flat_size(inputs), self.width, self.blocks, _made(context))
