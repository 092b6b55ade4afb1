"""Rows of a table, with backward passes that are fast on a processor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _Rows(torch.autograd.Function):
    """Gather by `embedding` and scatter by `index_add`: of torch's ways the fastest two on a CPU."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor) -> Tensor:
        ctx.count = len(table)
        ctx.save_for_backward(index)
        return functional.embedding(index, table)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        index, = ctx.saved_tensors
        return gradient.new_zeros(ctx.count, gradient.shape[1]).index_add(0, index, gradient), None


def rows(table: Tensor, index: Tensor) -> Tensor:
    """Return table[index]: (R, C) and (N,) int64 -> (N, C)."""
    return _Rows.apply(table, index)              


class _Columns(torch.autograd.Function):
    """Gather and scatter one column at a time: torch is slow at rows of a few numbers."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor) -> Tensor:
        ctx.count = len(table)
        ctx.save_for_backward(index)
        return torch.stack([column.index_select(0, index) for column in table.unbind(1)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        index, = ctx.saved_tensors
        return gradient.new_zeros(len(gradient), ctx.count).index_add(1, index, gradient).T, None


def columns(table: Tensor, index: Tensor) -> Tensor:
    """Return table[index].T: (R, C) and (N,) int64 -> (C, N)."""
    return _Columns.apply(table, index)           


class _Weighted(torch.autograd.Function):
    """Weighted sums of rows, which torch gathers and sums at once; the backward pass multiplies small matrices."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(table, index, weights)
        return functional.embedding_bag(index, table, per_sample_weights=weights, mode="sum")

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        table, index, weights = ctx.saved_tensors
        of_table = of_weights = None
        if ctx.needs_input_grad[0]:
            of_table = torch.zeros_like(table)
            for i in range(index.shape[1]):
                of_table.index_add_(0, index[:, i], weights[:, i:i + 1] * slope)
        if ctx.needs_input_grad[2]:
            of_weights = torch.bmm(functional.embedding(index, table), slope[:, :, None]).squeeze(2)
        return of_table, None, of_weights


def weighted(table: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Return the sums of weights (N, k) times rows of a table (R, C) at index (N, k): (N, C), differentiable once."""
    return _Weighted.apply(table, index, weights) 
