"""Networks for images of any size from 8 x 8 and any number of channels: convolutional, residual, perceptrons.

All sizes follow from the recipe's code, from the images, and from the first inputs of a network.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.convnets.dcgan import ConvCritic, ConvEncoder, ConvGenerator
from unbraid_plugins.shared.convnets.mlp import Mlp, MlpCritic, MlpEncoder, MlpGenerator
from unbraid_plugins.shared.convnets.resnet import ResCritic, ResEncoder, ResGenerator


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the shared networks."""
    return [ConvEncoder, ConvGenerator, ConvCritic, ResEncoder, ResGenerator, ResCritic, MlpEncoder, MlpGenerator,
            MlpCritic, Mlp]
