"""Transposed convolutions that end in an image, as fast as a CPU can."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor
from torch.nn import functional

FEW = 4                                         # channels of an image at most


class Enlarging(nn.ConvTranspose2d):
    """Transposed convolution, also to the few channels of an image, for which oneDNN takes up to five times too long.

    A CPU makes those by one matrix product whose columns are added up: the same numbers up to rounding.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, in, h, w) -> (B, out, H, W)."""
        compiling = torch.compiler.is_dynamo_compiling()        # torch calls that an export, too
        if (self.out_channels > FEW or x.device.type != "cpu" or torch.is_autocast_enabled("cpu")
                or (torch.compiler.is_exporting() and not compiling) or is_batchedtensor(self.weight)):
            return super().forward(x, output_size)
        enlarged = enlarge if compiling else torch.ops.aten.slow_conv_transpose2d
        return enlarged(x, self.weight, self.kernel_size, self.bias, self.stride, self.padding, self.output_padding,
                        self.dilation)


@torch.library.custom_op("unbraid::enlarge", mutates_args=())
def enlarge(x: Tensor, weight: Tensor, kernel: list[int], bias: Tensor | None, stride: list[int], padding: list[int],
            output_padding: list[int], dilation: list[int]) -> Tensor:
    """The product for compiled networks; torch's own shape function knows neither symbols nor memory formats."""
    return torch.ops.aten.slow_conv_transpose2d(x, weight, kernel, bias, stride, padding, output_padding,
                                                dilation).contiguous()


@enlarge.register_fake
def _(x: Tensor, weight: Tensor, kernel: list[int], bias: Tensor | None, stride: list[int], padding: list[int],
      output_padding: list[int], dilation: list[int]) -> Tensor:
    like = functional.conv_transpose2d(x, weight, bias, stride, padding, output_padding, 1, dilation)
    return x.new_empty(like.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, _, bias, *ctx.window = inputs
    ctx.biased = bias is not None
    ctx.save_for_backward(x, weight)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    stride, padding, output_padding, dilation = ctx.window
    wanted = [*ctx.needs_input_grad[:2], ctx.biased]
    to_x, to_weight, to_bias = torch.ops.aten.convolution_backward(
        grad, x, weight, [weight.shape[1]], stride, padding, dilation, True, output_padding, 1, wanted)
    return to_x, to_weight, None, to_bias, None, None, None, None


enlarge.register_autograd(_backward, setup_context=_keep)
