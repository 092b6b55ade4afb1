"""Real processes that train together over gloo, as torchrun starts them, but forked from one that has torch already."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs
import torch
from forking import FORKING
from torch.distributed import TCPStore


@attrs.define
class Ranks:
    """Processes that see each other as ranks.  errors: the file of each one's stderr."""

    processes: list[Any]
    errors: list[Path]
    store: TCPStore                                # kept alive here, as torchrun keeps it

    @classmethod
    def start(cls, world: int, folder: Path, target: Callable[..., object], *each: Sequence[Any],
              **settings: str) -> Ranks:
        """Run target(rank, *its own of each) in every process; an integer that it returns is the exit code."""
        folder.mkdir(parents=True, exist_ok=True)
        store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        environment = {**os.environ, "WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1",
                       "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), **settings,
                       "TORCHELASTIC_USE_AGENT_STORE": "True"}
        errors = [folder / f"stderr-{rank}" for rank in range(world)]
        processes = [FORKING.Process(target=_enter, args=(
            rank, {**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)}, errors[rank], target,
            [own[rank] for own in each])) for rank in range(world)]
        for process in processes:
            process.start()
        return cls(processes, errors, store)

    def wait(self, seconds: float = 60) -> list[int | None]:
        """The exit codes; None for one that is still there."""
        deadline = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
        return [process.exitcode for process in self.processes]

    def said(self) -> list[str]:
        """What each wrote to stderr."""
        return [path.read_text() if path.exists() else "" for path in self.errors]

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.processes:
            process.kill()
            process.join()


def _enter(rank: int, environment: dict[str, str], errors: Path, target: Callable[..., object], own: list[Any]) -> None:
    os.environ |= environment
    torch.set_num_threads(1)
    with errors.open("w", buffering=1) as written:
        os.dup2(written.fileno(), 2)
        sys.stderr = written
        try:
            code = target(rank, *own)
        except BaseException:
            traceback.print_exc()
            code = 99
        written.flush()
    sys.exit(code if isinstance(code, int) else 0)


def serve(rank: int, asked: Connection) -> None:
    """Answer (function, arguments) with what the function gives, or the text of its error, as long as there are any."""
    from unbraid.engine.distributed import together

    with together():
        while True:
            try:
                function, arguments = asked.recv()
            except EOFError:
                return
            try:
                asked.send((True, function(*arguments)))
            except Exception:
                asked.send((False, f"rank {rank}: {traceback.format_exc()}"))
                return


@attrs.define
class Pair:
    """Two ranks that wait for work, so that many things can be tried on one pair."""

    ranks: Ranks
    ends: list[Connection]

    @classmethod
    def start(cls, folder: Path) -> Pair:
        """Two processes that wait."""
        pipes = [FORKING.Pipe() for _ in range(2)]
        ranks = Ranks.start(2, folder, serve, [theirs for _, theirs in pipes])
        for _, theirs in pipes:
            theirs.close()
        return cls(ranks, [ours for ours, _ in pipes])

    def ask(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have a function called on both at once."""
        for end in self.ends:
            end.send((function, arguments))

    def answers(self) -> list[Any]:
        """What it gave on rank 0 and on rank 1."""
        answers = []
        for end in self.ends:
            assert end.poll(120), "a rank does not answer"
            answers.append(end.recv())
        faults = [answer for fine, answer in answers if not fine]
        assert not faults, "\n".join(faults)
        return [answer for _, answer in answers]

    def end(self) -> None:
        """Let them go."""
        for end in self.ends:
            end.close()
        self.ranks.wait(10)
        self.ranks.end()
