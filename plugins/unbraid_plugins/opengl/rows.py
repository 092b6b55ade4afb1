"""Rows of a table, with a backward pass that is fast on a processor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _Rows(torch.autograd.Function):
    """Gather by `embedding` and scatter by `index_add`: of torch's ways the fastest two on a CPU."""

    @staticmethod
    def forward(table: Tensor, index: Tensor) -> Tensor:
        return functional.embedding(index, table)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        table, index = inputs
        ctx.count = len(table)
        ctx.save_for_backward(index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        index, = ctx.saved_tensors
        return gradient.new_zeros(ctx.count, gradient.shape[1]).index_add(0, index, gradient), None


def rows(table: Tensor, index: Tensor) -> Tensor:
    """table[index]: (R, C) and (N,) int64 -> (N, C)."""
    return _Rows.apply(table, index)                # type: ignore[no-any-return]
