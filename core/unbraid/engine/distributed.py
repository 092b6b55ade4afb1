"""Several processes (torchrun) as one training: what must agree on all ranks, and what happens when a rank fails."""

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

TIMEOUT = timedelta(minutes=10)                    # a rank that is silent for this long is gone
ROLL_CALL = 3                                      # seconds in which the ranks that are left answer

_store: Store | None = None                        # torchrun's store, for messages between ranks


class RankError(UnbraidError):
    """Raised where another rank failed or is lost.  told: another rank reports the reason, so this one need not."""

    def __init__(self, message: str, *, hint: str = "", shown: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.shown = shown


# -- together ---------------------------------------------------------------------------------------------------------

@contextmanager
def together() -> Iterator[None]:
    """Make this process one of the ranks that torchrun started, within the block; an error on one rank ends all.

    Raises RankError if the ranks don't meet or one is lost, and on every rank whose error another rank reports.
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
        raise RankError(str(error), shown=True) from error
    finally:
        stop()


def launched() -> int:
    """Return the number of processes that torchrun started; 1 without it.  Raises RankError."""
    count = os.environ.get("WORLD_SIZE", "1")
    lacking = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if count != "1" and (lacking or not (count.isascii() and count.isdecimal() and int(count))):
        raise RankError(f"WORLD_SIZE is {count!r}, " + (f"but {', '.join(lacking)} are not set" if lacking else
                        "which is no number of processes"), hint="unset WORLD_SIZE for a single process; torchrun sets "
                        "all of them for several")
    return int(count)


def stop() -> None:
    """Leave the other ranks."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Return the rank of this process; 0 if it is the only one."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def own(device: torch.device) -> torch.device:
    """Return the device of this rank: with CUDA and several ranks, the GPU of its local rank."""
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
    """Return the means of gradients over the ranks, in one flat buffer.

    like: tensors of their shapes.  A gradient counts as zeros if it is None on some ranks only, since a loss there did
    not depend on that weight. A gradient that is None on all ranks stays None.
    """
    if world() == 1:
        return list(gradients)
    given = like[0].new_tensor([g is not None for g in gradients])
    sums = [torch.zeros_like(v) if g is None else g.clone() for g, v in zip(gradients, like, strict=True)]
    average([*sums, given])
    return [g if share else None for g, share in zip(sums, given.tolist(), strict=True)]


def mean(number: Tensor) -> Tensor:
    """Return the mean of a number over the ranks."""
    if world() > 1:
        number = number.clone()
        average([number])
    return number


def means(numbers: Mapping[str, float]) -> dict[str, float]:
    """Return the means of numbers over the ranks."""
    if world() == 1 or not numbers:
        return dict(numbers)
    found = mean(torch.tensor(list(numbers.values()), dtype=torch.float64))
    return dict(zip(numbers, found.tolist(), strict=True))


def largest(number: int) -> int:
    """Return the largest of the ranks' numbers."""
    if world() == 1:
        return number
    found = torch.tensor(number)
    _reach(lambda: dist.all_reduce(found, dist.ReduceOp.MAX))
    return int(found)


def agreed(text: str) -> str:
    """Return rank 0's text on all ranks; the others wait for it."""
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
    """Return the tensors of all ranks, in order, on rank 0 and in main memory; an empty list on other ranks."""
    own_ = tensor.detach().cpu().contiguous()
    if world() == 1:
        return [own_]
    all_ = [torch.empty_like(own_) for _ in range(world())] if rank() == 0 else None
    _reach(lambda: dist.gather(own_, all_))
    return all_ or []


def synchronize(buffers: Iterable[Tensor]) -> None:
    """Replace floating-point buffers (running statistics) by their means over the ranks, after a step."""
    if world() > 1:
        average([b for b in buffers if b.is_floating_point()])


# -- when a rank fails ------------------------------------------------------------------------------------------------

def _reach(collective: Callable[[], object]) -> None:
    try:
        collective()
    except RuntimeError as error:                  # gloo raises plain RuntimeErrors
        raise _lost(str(error)) from error


def _answer(store: Store, number: int) -> None:
    """Answer another rank that asks who is here; in a thread, also while this rank waits for that one."""
    with suppress(RuntimeError):                   # the store is gone: no rank asks any more
        store.wait(["who is here"], timedelta(days=1000))
        store.set(f"here {number}", "")


def _left_word(error: BaseException) -> bool:
    """Report an error to the other ranks through the store; return whether it is the first one."""
    with suppress(RuntimeError):                   # the store is gone too: no rank can read it
        if _store is not None:
            if _store.add("failed", 1) > 1:
                return False
            _store.set("failure", json.dumps({"rank": rank(), "text": str(error) or type(error).__name__}))
    return True


def _lost(reason: str) -> RankError:
    """Return the error for ranks that can't be reached: the error that one reported, or which ones are gone."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)        # torchrun's, for this failure: the process ends anyway
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
            return RankError(f"rank {word['rank']} of {world()} failed: {word['text']}", shown=True)
    who = f"ranks {', '.join(map(str, missing))}" if len(missing) > 1 else f"rank {missing[0]}" if missing else "a rank"
    silent = f" (no answer for {TIMEOUT.total_seconds():.0f} seconds)" if "timed out" in reason.lower() else ""
    here = [r for r in range(world()) if r not in missing]
    return RankError(f"{who} of {world()} {'are' if len(missing) > 1 else 'is'} gone{silent}", shown=rank() != here[0])
