"""Seeds as one model against the same seeds one after the other: speed and memory on the CPU.

    OMP_NUM_THREADS=1 python tests/benchmarks/batched_seeds.py --seeds 1 2 4 8 --processes 1 2

One thread per process. With one process, both ways play in turns of a few steps; with two, each process has half of
the seeds, all run at once, and the ways take turns too. Speed is of model-steps (one step of one seed) per second of
processor time, which other programs on the machine disturb little, and by the clock. Memory is the peak of a fresh
process that trains in one way, less its peak with the data open alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from unbraid.data import open_data
from unbraid.engine import Players
from unbraid.model import build_method
from unbraid_configs import make_recipe
from unbraid_plugins.tools.studies.batched.players import joint_players
from unbraid_plugins.tools.studies.batched.training import with_seed

WAYS = ("together", "one by one")
SIZED: dict[str, tuple[int, int, dict[str, Any], dict[str, Any]]] = {      # image, batch, encoder, generator
    "mlp 784-128-10, batch 16": (28, 16, {"type": "mlp_encoder", "hidden": [128], "gaussian": True},
                                 {"type": "mlp_generator", "hidden": [128], "output": "logits"}),
    "mlp 784-256-256-10, batch 64": (28, 64, {"type": "mlp_encoder", "gaussian": True},
                                     {"type": "mlp_generator", "output": "logits"}),
    "fc 4096-1200-1200-10, batch 64": (64, 64, {"type": "vae.fc_encoder"}, {"type": "vae.fc_generator"}),
    "conv 28 x 28, width 8, batch 16": (28, 16, {"type": "conv_encoder", "width": 8, "gaussian": True},
                                        {"type": "conv_generator", "width": 8, "output": "logits"}),
    "study conv 64 x 64, batch 64": (64, 64, {"type": "vae.study_encoder"}, {"type": "vae.study_generator"}),
}


def recipe(case: str) -> Any:
    """The beta-VAE with these networks."""
    size, batch, encoder, generator = SIZED[case]
    return make_recipe({
        "data": {"source": {"type": "shapes", "size": size, "count": 2000}, "draw": {"x": {}}, "batch": batch,
                 "workers": 0},
        "code": {"z": 10}, "networks": {"encoder": encoder, "generator": generator},
        "flow": {"q": "encoder(x)", "z": "sample(q)", "y": "generator(z)"},
        "players": {"vae": {"trains": ["encoder", "generator"],
                            "minimizes": {"rebuild": "bernoulli(y, x)", "prior": "4 * kl(q)"}}},
        "train": {"optimizer": {"type": "adam", "lr": "1.0e-4"}}})


class Here:
    """Seeds that are trained in this process, in either way, when it is told to."""

    def __init__(self, case: str, first: int, count: int) -> None:
        self.recipe, self.seeds = recipe(case), range(first, first + count)
        self.data = open_data(self.recipe.data)
        self.ways: dict[str, Callable[[int], None]] = {}
        self.steps = 0
        self.took: list[float] = []

    def tell(self, way: str, steps: int) -> None:
        """Play so many steps."""
        if way in WAYS and way not in self.ways:
            self.ways[way] = self._player(way)
        clock, processor = time.perf_counter(), time.process_time()
        for step in range(self.steps, self.steps + steps):
            self.ways[way](step)
        self.steps += steps
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.took = [time.perf_counter() - clock, time.process_time() - processor, peak]

    def answer(self) -> list[float]:
        """What it took: clock, processor, peak memory."""
        return self.took

    def close(self) -> None:
        """Nothing is to be ended."""

    def _player(self, way: str) -> Callable[[int], None]:
        singles = [Players(build_method(with_seed(self.recipe, seed), self.data.facts),
                           self.data.with_seed(seed).batch, torch.device("cpu"), seed) for seed in self.seeds]
        if way == "together":
            many = joint_players(singles)
            return lambda step: many.play(step) and None

        def play(step: int) -> None:
            for single in singles:
                single.step(step)

        return play


def child(case: str, first: int, count: int) -> None:
    """Answer lines (way, steps) on stdin until there are no more."""
    here = Here(case, first, count)
    for line in sys.stdin:
        here.tell(*json.loads(line))
        print(json.dumps(here.answer()), flush=True)


class Child:
    """A process that trains seeds when it is told to."""

    def __init__(self, case: str, first: int, count: int) -> None:
        self.process = subprocess.Popen([sys.executable, __file__, "--child", case, str(first), str(count)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, way: str, steps: int) -> None:
        """Let it play."""
        assert self.process.stdin is not None
        print(json.dumps([way, steps]), file=self.process.stdin, flush=True)

    def answer(self) -> list[float]:
        """What it took: clock, processor, peak memory."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def speeds(case: str, count: int, processes: int, rounds: int, block: float) -> dict[str, tuple[float, float]]:
    """Model-steps per second of each way, by processor time and by the clock: medians over rounds."""
    own = count // processes
    children: list[Any] = [Here(case, 0, own)] if processes == 1 else [Child(case, i * own, own) for i in
                                                                      range(processes)]
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    steps = {way: 1 for way in WAYS}
    for round_ in range(rounds + 2):
        for way in WAYS if round_ % 2 else reversed(WAYS):
            for c in children:
                c.tell(way, steps[way])
            answers = [c.answer() for c in children]
            clock, processor = max(a[0] for a in answers), sum(a[1] for a in answers)
            if round_ == 1:                        # the first warms up, the second tells how long a block should be
                steps[way] = max(1, min(200, round(steps[way] * block / max(processor / processes, 1e-6))))
            elif round_ > 1:
                model_steps = steps[way] * count
                took[way].append((model_steps / processor, model_steps / clock))
    for c in children:
        c.close()
    return {way: (statistics.median(t[0] for t in took[way]), statistics.median(t[1] for t in took[way]))
            for way in WAYS}


def memory(case: str, count: int, way: str) -> float:
    """Bytes that training in this way takes beside the data."""
    c = Child(case, 0, count)
    c.tell("data", 0)
    before = c.answer()[2]
    c.tell(way, 3)
    peak = c.answer()[2]
    c.close()
    return peak - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    parser.add_argument("--cases", nargs="+", default=list(SIZED), help="beginnings of names")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--block", type=float, default=1.0, help="seconds in a row for one way")
    parser.add_argument("--no-memory", action="store_true")
    options = parser.parse_args()
    print("| model | processes | seeds | model-steps/s one by one | together | ratio | by the clock | memory one | "
          "memory together |\n|---|---|---|---|---|---|---|---|---|")
    for case in [c for c in SIZED if any(c.startswith(start) for start in options.cases)]:
        for processes in options.processes:
            for count in [n for n in options.seeds if n % processes == 0]:
                found = speeds(case, count, processes, options.rounds, options.block)
                (cpu, clock), (cpu_one, clock_one) = (found[way] for way in WAYS)
                told = ["-", "-"]
                if processes == 1 and not options.no_memory:
                    told = [f"{memory(case, count, way) / 2**20:.0f} MiB" for way in reversed(WAYS)]
                print(f"| {case} | {processes} | {count} | {cpu_one:.1f} | {cpu:.1f} | {cpu / cpu_one:.2f} | "
                      f"{clock / clock_one:.2f} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])) if sys.argv[1:2] == ["--child"] else main()
