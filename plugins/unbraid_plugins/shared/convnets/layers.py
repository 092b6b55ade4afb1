"""Normalisation, ReLUs and initial weights of the shared networks."""

from __future__ import annotations

from typing import Literal, TypeVar

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

Norm = Literal["none", "instance", "batch"]
CriticNorm = Literal["none", "instance", "batch", "spectral"]
Module = TypeVar("Module", bound=nn.Module)

SLOPE = 0.2                                     # of the leaky ReLUs


def norm_layer(norm: str, channels: int, size: tuple[int, int]) -> list[nn.Module]:
    """Return the normalisation of feature maps (B, channels, *size), a list of at most one layer.

    Instance normalisation would erase a single pixel, and is left out there.
    """
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm == "instance" and size[0] * size[1] > 1:
        return [nn.InstanceNorm2d(channels, affine=True)]
    return []


def relu() -> nn.ReLU:
    """Return a ReLU that works in place: the gradients of convolutions and normalisations don't need their outputs."""
    return nn.ReLU(inplace=True)


def leaky_relu(*, inplace: bool = True) -> nn.LeakyReLU:
    """Return a leaky ReLU that works in place, if wanted: of a view it would copy the gradient three times."""
    return nn.LeakyReLU(SLOPE, inplace=inplace)


def with_first_weights(module: Module) -> Module:
    """Initialise a module with He-normal weights for leaky ReLU (He et al. 2015, eq. 15) and zero biases; return it.

    With these weights, networks without normalisation keep the scale of their signals at any depth.
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


def with_small_weights(module: Module) -> Module:
    """Initialise a module with weights from N(0, 0.02^2) and zero biases (Radford et al. 2016), and return it."""
    for m in module.modules():
        if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(m.weight, std=0.02)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
    return module


def with_spectral_norm(module: Module, norm: str) -> Module:
    """Divide a module's weights by their largest singular value if norm is "spectral" (Miyato 2018), and return it."""
    if norm == "spectral":
        for m in list(module.modules()):
            if isinstance(m, nn.Linear | nn.Conv2d):
                spectral_norm(m)
    return module
