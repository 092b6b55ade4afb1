"""Several processes (torchrun) as one: what has to agree on all ranks, and what becomes of them when one fails."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.distributed.nn  # before a group exists: its functions' defaults would hold the group until exit
from torch import Tensor
from torch.distributed import Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from unbraid_registry import UnbraidError

TIMEOUT = timedelta(minutes=10)                    # a rank that says nothing for so long is gone
ROLL_CALL = 3                                      # seconds in which those who are left say so

_store: Store | None = None                        # where ranks leave word; torchrun keeps it


class RankError(UnbraidError):
    """Another rank failed, or is gone.  told: its reason is told on another rank, and need not be here."""

    def __init__(self, message: str, *, hint: str = "", told: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.told = told


# -- together ---------------------------------------------------------------------------------------------------------

@contextmanager
def together() -> Iterator[None]:
    """Within, this process is one of the ranks that torchrun started; what ends one of them ends all.

    Raises RankError on the ranks that need not tell why.
    """
    global _store
    if launched() == 1 or dist.is_initialized():
        yield
        return
    try:
        _store, number, count = next(rendezvous("env://", timeout=TIMEOUT))
        dist.init_process_group("cpu:gloo,cuda:nccl" if dist.is_nccl_available() and torch.cuda.is_available()
                                else "gloo", store=_store, rank=number, world_size=count, timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise RankError(f"the {launched()} ranks did not find each other: {str(error).splitlines()[0]}") from error
    threading.Thread(target=_answer, args=(_store.clone(), number), daemon=True).start()  # type: ignore[union-attr]
    try:
        yield
    except RankError:
        raise
    except BaseException as error:
        if _left_word(error):
            raise
        raise RankError(str(error), told=True) from error
    finally:
        stop()


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


def own(device: torch.device) -> torch.device:
    """The device of this rank: of several GPUs in a machine, the one of its number."""
    if world() > 1 and device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return device


# -- what all ranks do at the same place ------------------------------------------------------------------------------

def average(tensors: Sequence[Tensor]) -> None:
    """Replace tensors by their means over the ranks, in one flat buffer."""
    if world() == 1 or not tensors:
        return
    flat = torch.cat([t.reshape(-1) for t in tensors])
    _reach(lambda: dist.all_reduce(flat))
    flat /= world()
    for t, mean_ in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(mean_.view_as(t))


def average_gradients(gradients: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor | None]:
    """The means of gradients over the ranks, in one flat buffer.

    like: tensors of their shapes.  A gradient that is None on some ranks, since a loss had nothing to say about a
    weight there, counts as zeros; one that is None on all stays None.
    """
    if world() == 1:
        return list(gradients)
    given = like[0].new_tensor([g is not None for g in gradients])
    sums = [torch.zeros_like(v) if g is None else g.clone() for g, v in zip(gradients, like, strict=True)]
    average([*sums, given])
    return [g if share else None for g, share in zip(sums, given.tolist(), strict=True)]


def mean(number: Tensor) -> Tensor:
    """The mean of a number over the ranks."""
    if world() > 1:
        number = number.clone()
        average([number])
    return number


def means(numbers: Mapping[str, float]) -> dict[str, float]:
    """The means of numbers over the ranks."""
    if world() == 1 or not numbers:
        return dict(numbers)
    found = mean(torch.tensor(list(numbers.values()), dtype=torch.float64))
    return dict(zip(numbers, found.tolist(), strict=True))


def largest(number: int) -> int:
    """The largest of the ranks' numbers."""
    if world() == 1:
        return number
    found = torch.tensor(number)
    _reach(lambda: dist.all_reduce(found, dist.ReduceOp.MAX))
    return int(found)


def agreed(text: str) -> str:
    """What rank 0 says, on all ranks; the others wait for it."""
    if world() == 1:
        return text
    letters = torch.tensor(list(text.encode()), dtype=torch.uint8)
    size = torch.tensor(len(letters))
    _reach(lambda: dist.broadcast(size, 0))
    if rank():
        letters = torch.zeros(int(size), dtype=torch.uint8)
    _reach(lambda: dist.broadcast(letters, 0))
    return bytes(letters.tolist()).decode()


def gather(tensor: Tensor) -> list[Tensor]:
    """The tensors of all ranks, in order, on rank 0 and in main memory; the others get none."""
    own_ = tensor.detach().cpu().contiguous()
    if world() == 1:
        return [own_]
    all_ = [torch.empty_like(own_) for _ in range(world())] if rank() == 0 else None
    _reach(lambda: dist.gather(own_, all_))
    return all_ or []


def synchronize(buffers: Iterable[Tensor]) -> None:
    """Give every rank the mean of the floating-point buffers (running statistics), at the end of a step."""
    if world() > 1:
        average([b for b in buffers if b.is_floating_point()])


# -- when a rank fails ------------------------------------------------------------------------------------------------

def _reach(collective: Callable[[], object]) -> None:
    try:
        collective()
    except RuntimeError as error:                  # gloo's errors have no class of their own
        raise _lost(str(error)) from error


def _answer(store: Store, number: int) -> None:
    """Say that this rank is here when another one asks, also while it waits for that one."""
    with suppress(RuntimeError):                   # the store is gone: nobody asks any more
        store.wait(["who is here"], timedelta(days=1000))
        store.set(f"here {number}", "")


def _left_word(error: BaseException) -> bool:
    """Leave word of an error for the other ranks, who will miss this one; whether it is the first."""
    with suppress(RuntimeError):                   # the store is gone too: nobody to tell
        if _store is not None:
            if _store.add("failed", 1) > 1:
                return False
            _store.set("failure", json.dumps({"rank": rank(), "text": str(error) or type(error).__name__}))
    return True


def _lost(reason: str) -> RankError:
    """What became of the ranks that can't be reached."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)        # torchrun's, for the same reason: this process ends anyway
    missing = [r for r in range(world()) if r != rank()]
    with suppress(RuntimeError):
        assert _store is not None
        _store.set("who is here", "")
        _store.set(f"here {rank()}", "")
        deadline = time.monotonic() + ROLL_CALL
        while len(missing) > 1 and not _store.check(["failure"]) and time.monotonic() < deadline:
            time.sleep(0.01)
            missing = [r for r in missing if not _store.check([f"here {r}"])]
        if _store.check(["failure"]):
            word = json.loads(_store.get("failure"))
            return RankError(f"rank {word['rank']} of {world()} failed: {word['text']}", told=True)
    who = f"ranks {', '.join(map(str, missing))}" if len(missing) > 1 else f"rank {missing[0]}" if missing else "a rank"
    silent = f" (no answer for {TIMEOUT.total_seconds():.0f} seconds)" if "timed out" in reason.lower() else ""
    here = [r for r in range(world()) if r not in missing]
    return RankError(f"{who} of {world()} {'are' if len(missing) > 1 else 'is'} gone{silent}", told=rank() != here[0])
