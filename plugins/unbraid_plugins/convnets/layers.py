"""Normalisation, first weights and transposed convolutions of the shared networks."""

from __future__ import annotations

from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor
from torch.nn.utils.parametrizations import spectral_norm

Norm = Literal["none", "instance", "batch"]
CriticNorm = Literal["none", "instance", "batch", "spectral"]
Module = TypeVar("Module", bound=nn.Module)

SLOPE = 0.2                                     # of the leaky rectifiers
FEW = 4                                         # channels of an image at most


def norm_layer(norm: str, channels: int, size: tuple[int, int]) -> list[nn.Module]:
    """Normalisation of feature maps (B, channels, *size): a list of one layer or none.

    Instance normalisation of a single pixel would erase it, and is left out there.
    """
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    if norm == "instance" and size[0] * size[1] > 1:
        return [nn.InstanceNorm2d(channels, affine=True)]
    return []


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


class Enlarging(nn.ConvTranspose2d):
    """Transposed convolution, also to the few channels of an image, for which oneDNN takes up to five times too long.

    A CPU makes those by one matrix product whose columns are added up: the same numbers up to rounding.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, in, h, w) -> (B, out, H, W)."""
        if (self.out_channels > FEW or x.device.type != "cpu" or torch.is_autocast_enabled("cpu")
                or torch.compiler.is_exporting() or is_batchedtensor(self.weight)):
            return super().forward(x, output_size)
        return torch.ops.aten.slow_conv_transpose2d(x, self.weight, self.kernel_size, self.bias, self.stride,
                                                    self.padding, self.output_padding, self.dilation)
