"""Several processes (torchrun) as one: what has to agree on all ranks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import torch
import torch.distributed as dist
import torch.distributed.nn  # before a group exists: its functions' defaults would hold the group until exit
from torch import Tensor


def start(device: torch.device) -> torch.device:
    """Join the other ranks if torchrun started this process; the device of this rank."""
    if launched() > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(device)
    return device


def launched() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def stop() -> None:
    """Leave the other ranks."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process; 0 where there is one."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def average(tensors: Sequence[Tensor]) -> None:
    """Replace tensors by their means over the ranks, in one flat buffer."""
    if world() == 1 or not tensors:
        return
    flat = torch.cat([t.reshape(-1) for t in tensors])
    dist.all_reduce(flat)
    flat /= world()
    for t, mean_ in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(mean_.view_as(t))


def mean(number: Tensor) -> Tensor:
    """The mean of a number over the ranks."""
    if world() > 1:
        number = number.clone()
        dist.all_reduce(number)
        number /= world()
    return number


def synchronize(buffers: Iterable[Tensor]) -> None:
    """Give every rank the mean of the floating-point buffers (running statistics), at the end of a step."""
    if world() > 1:
        average([b for b in buffers if b.is_floating_point()])
