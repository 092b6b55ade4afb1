"""Transposed convolutions that are fast on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor
from torch.nn import functional

FEW = 4                                         # channels of an image at most


class Enlarging(nn.ConvTranspose2d):
    """Transposed convolution with torch's own results, up to rounding, but faster where oneDNN is slow.

    For the few channels of an image, a CPU computes it by one matrix product whose columns are added up. With channels
    last, the gradient of the bias is a separate sum: oneDNN takes half as long for it as for that of the weights, and
    longer in bfloat16.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, in, h, w) -> (B, out, H, W)."""
        compiling = torch.compiler.is_dynamo_compiling()        # torch calls that an export, too
        lower = torch.is_autocast_enabled("cpu")
        if self.out_channels <= FEW:
            slow = not (compiling and lower)
        else:
            slow = not compiling and x.is_contiguous(memory_format=torch.channels_last)
        if (not slow or x.device.type != "cpu" or is_batchedtensor(x) or is_batchedtensor(self.weight)
                or (torch.compiler.is_exporting() and not compiling)):
            return super().forward(x, output_size)
        x, weight = (_lowered(t) if lower else t for t in (x, self.weight))
        enlarged = enlarge if compiling else _Enlarge.apply
        return enlarged(x, weight, self.kernel_size, self.bias, self.stride, self.padding, self.output_padding,
                        self.dilation)


def _lowered(t: Tensor) -> Tensor:
    """Return a tensor as autocast would cast it."""
    return t if t.dtype == torch.float64 else t.to(torch.get_autocast_dtype("cpu"))


def _made(x: Tensor, weight: Tensor, kernel: list[int], bias: Tensor | None, stride: list[int], padding: list[int],
          output_padding: list[int], dilation: list[int]) -> Tensor:
    if weight.shape[1] > FEW:
        return functional.conv_transpose2d(x, weight, bias, stride, padding, output_padding, 1, dilation)
    size = [(n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, s, p, d, k, o
            in zip(x.shape[2:], stride, padding, dilation, kernel, output_padding, strict=True)]
    columns = torch.bmm(weight.flatten(1).t().expand(len(x), -1, -1), x.flatten(2))         # (B, out * k * k, h * w)
    columns = columns.to(torch.promote_types(x.dtype, torch.float32))                       # sums in float32 at least
    made = _added_up(columns.view(len(x), -1, *kernel, *x.shape[2:]), size, stride, padding, dilation)
    return (made if bias is None else made.add_(bias[:, None, None])).to(x.dtype)


def _added_up(columns: Tensor, size: list[int], stride: list[int], padding: list[int], dilation: list[int]) -> Tensor:
    """Add up columns (B, out, k, k, h, w) to images (B, out, H, W), at the places of the kernel.

    Rows and columns of the image that are a stride apart form a phase and lie together. So whole maps are added at
    once, by all threads, in the order of torch's col2im.
    """
    batch, channels = columns.shape[:2]
    height, width = (-(-n // s) for n, s in zip(size, stride, strict=True))
    phases = columns.new_zeros(*stride, batch, channels, height, width)
    places = [list(_places(*around)) for around in zip(columns.shape[2:4], columns.shape[4:], (height, width), stride,
                                                       padding, dilation, strict=True)]
    for i, (down, to_rows, rows) in enumerate(places[0]):
        for j, (across, to_columns, of_columns) in enumerate(places[1]):
            # `+=` would copy the sum onto itself
            phases[down, across, :, :, to_rows, to_columns].add_(columns[:, :, i, j, rows, of_columns])
    made = columns.new_empty(batch, channels, *size)
    for down, across in product(*map(range, stride)):
        part = made[:, :, down::stride[0], across::stride[1]]
        part.copy_(phases[down, across, :, :, :part.shape[2], :part.shape[3]])
    return made


def _places(kernel: int, count: int, made: int, stride: int, padding: int, dilation: int,
            ) -> Iterator[tuple[int, slice, slice]]:
    """Yield, for each row of a kernel, its phase, the rows of the phase to add to, and the rows of the map to add."""
    for i in range(kernel):
        shift, phase = divmod(i * dilation - padding, stride)
        first = max(0, shift)
        last = max(first, min(made, count + shift))
        yield phase, slice(first, last), slice(first - shift, last - shift)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, _, bias, *ctx.window = inputs
    ctx.biased = bias is not None
    ctx.save_for_backward(x, weight)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    stride, padding, output_padding, dilation = ctx.window
    to_x, to_weight, _ = torch.ops.aten.convolution_backward(
        grad, x, weight, None, stride, padding, dilation, True, output_padding, 1, [*ctx.needs_input_grad[:2], False])
    to_bias = grad.sum((0, 2, 3)) if ctx.biased and ctx.needs_input_grad[3] else None
    return to_x, to_weight, None, to_bias, None, None, None, None


class _Enlarge(torch.autograd.Function):
    forward, setup_context, backward = staticmethod(_made), staticmethod(_keep), staticmethod(_backward)


@torch.library.custom_op("unbraid::enlarge", mutates_args=())
def enlarge(x: Tensor, weight: Tensor, kernel: list[int], bias: Tensor | None, stride: list[int], padding: list[int],
            output_padding: list[int], dilation: list[int]) -> Tensor:
    """Compute `Enlarging` in compiled networks, to few channels; torch's own shape functions know no memory formats."""
    return _made(x, weight, kernel, bias, stride, padding, output_padding, dilation).contiguous()


@enlarge.register_fake
def _(x: Tensor, weight: Tensor, kernel: list[int], bias: Tensor | None, stride: list[int], padding: list[int],
      output_padding: list[int], dilation: list[int]) -> Tensor:
    like = functional.conv_transpose2d(x, weight, bias, stride, padding, output_padding, 1, dilation)
    return x.new_empty(like.shape)


enlarge.register_autograd(_backward, setup_context=_keep)
