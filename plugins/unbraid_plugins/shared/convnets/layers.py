"""Normalisation, rectifiers and first weights of the shared networks."""

from __future__ import annotations

from typing import Literal, TypeVar

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

Norm = Literal["none", "instance", "batch"]
CriticNorm = Literal["none", "instance", "batch", "spectral"]
Module = TypeVar("Module", bound=nn.Module)

SLOPE = 0.2                                     # of the leaky rectifiers


def norm_layer(norm: str, channels: int, size: tuple[int, int]) -> list[nn.Module]:
    """Normalisation of feature maps (B, channels, *size): a list of one layer or none.

    Instance normalisation of a single pixel would erase it, and is left out there.
    """
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm == "instance" and size[0] * size[1] > 1:
        return [nn.InstanceNorm2d(channels, affine=True)]
    return []


def relu() -> nn.ReLU:
    """Rectifier in place of its input: convolutions and normalisations don't need it to go backward."""
    return nn.ReLU(inplace=True)


def leaky_relu() -> nn.LeakyReLU:
    """The same that leaks."""
    return nn.LeakyReLU(SLOPE, inplace=True)


def with_first_weights(module: Module) -> Module:
    """The same module with He-normal weights for leaky rectifiers (He et al. 2015, eq. 15), and biases of zero.

    With them, networks without normalisation keep the scale of their signals, however deep.
    """
    for m in module.modules():
        if isinstance(m, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, a=SLOPE)
        elif isinstance(m, nn.ConvTranspose2d):
            # an output sees in_channels * k * k / stride^2 inputs
            seen = m.in_channels * m.kernel_size[0] * m.kernel_size[1] / (m.stride[0] * m.stride[1])
            nn.init.normal_(m.weight, std=(2 / ((1 + SLOPE**2) * seen)) ** 0.5)
        else:
            continue
        if m.bias is not None:
            nn.init.zeros_(m.bias)
    return module


def with_spectral_norm(module: Module, norm: str) -> Module:
    """The same module; if norm is "spectral", its weights are divided by their largest singular value (Miyato 2018)."""
    if norm == "spectral":
        for m in list(module.modules()):
            if isinstance(m, nn.Linear | nn.Conv2d):
                spectral_norm(m)
    return module
