"""Shapes of small operations: as torch's functions for the meta device say, without what those import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.model import small_shapes
from unbraid.model.small_shapes import SmallShapes


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "conv": lambda x, v: F.conv2d(x, meta(8, 3, 4, 4), meta(8), 2, 1),
    "conv_transposed": lambda x, v: F.conv_transpose2d(x, meta(3, 8, 4, 4), stride=2, padding=1),
    "linear": lambda x, v: F.linear(v, meta(5, 12), meta(5)),
    "batch_norm": lambda x, v: F.batch_norm(x, meta(3), meta(3), meta(3), meta(3), True),
    "instance_norm": lambda x, v: F.instance_norm(x),
    "layer_norm": lambda x, v: F.layer_norm(x, (8, 8)),
    "leaky": lambda x, v: F.leaky_relu(x * 1, 0.2, inplace=True),
    "broadcast": lambda x, v: x[:1] * v[:, :8] + 1,
    "halves": lambda x, v: x.half() + 1,
    "whole": lambda x, v: (x > 0).long() * 2 + 0.5,
    "mean": lambda x, v: x.mean((2, 3)).sum(),
    "cat": lambda x, v: torch.cat([x, x.flip(0)], 1).split(2, 1),
    "permuted": lambda x, v: x.permute(0, 2, 3, 1) * 2,
    "bce": lambda x, v: F.binary_cross_entropy_with_logits(x, x),
    "cross_entropy": lambda x, v: F.cross_entropy(v, torch.zeros(2, dtype=torch.long, device="meta")),
    "lstm": lambda x, v: nn.LSTM(12, 4, device="meta")(v[:, None])[0],
    "upsample": lambda x, v: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
    "dropout": lambda x, v: F.dropout(x, 0.5),
    "noise": lambda x, v: torch.randn(2, 5, device="meta") + torch.randint(3, (2, 1), device="meta"),
    "gradient": lambda x, v: torch.autograd.grad(F.conv2d(x.requires_grad_(), meta(8, 3, 4, 4)).square().sum(), x,
                                                 create_graph=True)[0],
    "topk": lambda x, v: v.topk(3, 1),
    "double": lambda x, v: torch.stack([v.double(), v.double()]).softmax(1),
}


def seen(found: Any) -> list[tuple[Any, ...]]:
    parts = found if isinstance(found, tuple) else (found,)
    return [(t.device.type, t.shape, t.dtype, t.stride(), t.requires_grad) for t in parts]


@pytest.mark.parametrize("name", OPERATIONS)
def test_as_torch_says(name: str) -> None:
    before, rows = torch.get_rng_state(), 8 if name == "broadcast" else 2
    expected = seen(OPERATIONS[name](meta(2, 3, 8, 8), meta(rows, 12)))
    with SmallShapes():
        found = OPERATIONS[name](meta(2, 3, 8, 8), meta(rows, 12))
    assert seen(found) == expected
    assert torch.equal(before, torch.get_rng_state())                          # and no noise is drawn


def test_in_place_is_the_tensor_itself() -> None:
    x = meta(2, 3)
    with SmallShapes():
        assert F.relu_(x) is x
        assert x.normal_() is x


@pytest.mark.parametrize("wrong", [lambda x: x @ x, lambda x: x + x[:, :2], lambda x: F.conv2d(x, meta(3, 5, 1, 1)),
                                   lambda x: x.view(7, 7), lambda x: torch.cat([x, x[:, :2]], 0)])
def test_what_does_not_fit_is_an_error(wrong: Callable[[Tensor], Any]) -> None:
    real = torch.zeros(2, 3)
    with pytest.raises(RuntimeError) as expected:
        wrong(real)
    with SmallShapes(), pytest.raises(RuntimeError) as found:
        wrong(meta(2, 3))
    if "meta" not in str(expected.value):
        assert str(found.value).split("[")[0] == str(expected.value).split("[")[0]     # as in a training


def test_what_is_not_meta_is_computed() -> None:
    torch.manual_seed(0)
    weights, count = nn.Linear(3, 2).state_dict(), torch.ones(())
    torch.manual_seed(0)
    with SmallShapes():
        found = nn.Linear(3, 2).state_dict()                                   # networks are built inside
        assert (count + 1).item() == 2
        assert torch.randn(2, 3).device.type == "cpu"
        assert (meta(2, 3) * count).is_meta
    assert all(torch.equal(found[name], w) for name, w in weights.items())


@pytest.mark.parametrize("by_numbers", [lambda x: x.sum().item(), lambda x: x.cpu() + 1, lambda x: x[x > 0],
                                        lambda x: x.numpy(), lambda x: bool(x.any())])
def test_what_depends_on_numbers_is_still_refused(by_numbers: Callable[[Tensor], Any]) -> None:
    with SmallShapes(), pytest.raises((RuntimeError, NotImplementedError, TypeError)):
        by_numbers(meta(2, 3))


def test_large_operations_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    strided = torch.empty_strided

    def noted(*sizes: Any, **options: Any) -> Tensor:
        made.extend([] if str(options.get("device")) == "meta" else sizes)
        return strided(*sizes, **options)

    monkeypatch.setattr(small_shapes.torch, "empty_strided", noted)
    with SmallShapes():
        assert (meta(1 << 20, 1 << 20) * 2).shape == (1 << 20, 1 << 20)
        assert F.conv2d(meta(2, 512, 64, 64), meta(512, 512, 3, 3)).shape == (2, 512, 62, 62)
        assert (meta(1 << 20, 1 << 20)[::1 << 19, ::1 << 19] * 2).shape == (2, 2)
        assert torch.randn(1 << 20, 1 << 20, device="meta").is_meta
    assert made == []


def test_a_small_recipe_is_checked_without_torchs_compiler() -> None:
    script = ("import sys; from unbraid.cli import main; main(['check', 'mixing-sprites']); "
              "print([m for m in ('torch._dynamo', 'sympy', 'scipy', 'sklearn', 'triton') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout
