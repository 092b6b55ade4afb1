"""Steps a second of the engine in each of its modes, beside a plain eager loop of the same mathematics, on any device.

    python tests/benchmarks/engine_modes.py --device cuda
    OMP_NUM_THREADS=2 python tests/benchmarks/engine_modes.py beta-vae --rounds 5

All play in turns, some steps each, by the wall's clock, and a graphics card is waited for. Told are steps a second, the
ratio to the plain loop, how long 300,000 steps take, and of a graphics card the share of time that its kernels take and
the memory. A mode that can't be had is told with its reason.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from engine_overhead import steps, training
from loops_by_hand import LOOPS, Hand
from side_by_side import alternate
from torch.profiler import ProfilerActivity, profile

from unbraid import UnbraidError

PLAIN, PROTOCOL = "plain loop", 300_000            # steps of the standard beta-VAE protocol
LAST, COMPILED, BF16 = "train.channels_last=true", "train.compile=true", "train.precision=bf16"
GRAPHS = "train.cuda_graphs=true"
MODES = {"engine": [], "channels last": [LAST], "compiled": [COMPILED], "bf16": [BF16],
         "bf16, channels last": [BF16, LAST], "bf16, compiled": [BF16, COMPILED], "graphs": [COMPILED, GRAPHS],
         "bf16, graphs": [BF16, COMPILED, GRAPHS]}


def waited(play: Callable[[], object], device: str, calls: int) -> Callable[[], None]:
    """Some calls of a step, and their end on the device."""
    def played() -> None:
        for _ in range(calls):
            play()
        if device != "cpu":
            torch.cuda.synchronize(device)

    return played


def busy(play: Callable[[], object], device: str) -> float:
    """Seconds that a step's kernels take on a graphics card."""
    with profile(activities=[ProfilerActivity.CUDA]) as looking:
        for _ in range(10):
            play()
        torch.cuda.synchronize(device)
    return sum(e.self_device_time_total for e in looking.key_averages()) / 10 / 1e6


def begun(method: str, changes: list[str], device: str) -> tuple[Callable[[], object], float]:
    """A mode that has made its first steps, and how many MiB of the device it takes at most."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    play = steps(training(method, changes, device))
    for _ in range(5):                             # compiles, and records graphs
        play()
    return play, 0.0 if device == "cpu" else (torch.cuda.max_memory_allocated(device) - before) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", nargs="?", choices=list(LOOPS), help="by default all")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, help="by default that of the recipe")
    parser.add_argument("--modes", nargs="+", choices=list(MODES),
                        help="by default all; graphs on graphics cards alone")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, help="steps in a row (default: 2; on a graphics card 50)")
    options = parser.parse_args()
    card = options.device != "cpu"
    calls = options.calls or (50 if card else 2)
    names = options.modes or [name for name, changes in MODES.items() if card or GRAPHS not in changes]
    like = [] if options.batch is None else [f"data.batch={options.batch}"]
    print(torch.cuda.get_device_name(options.device) if card else f"{torch.get_num_threads()} threads of a processor")
    for method in [options.method] if options.method else list(LOOPS):
        hand = Hand(training(method, like, options.device))
        plays: dict[str, Callable[[], object]] = {PLAIN: LOOPS[method](hand)}
        memory, missing = {PLAIN: 0.0}, {}
        for name in names:
            try:
                plays[name], memory[name] = begun(method, [*like, *MODES[name]], options.device)
            except (UnbraidError, RuntimeError) as error:
                missing[name] = str(error).splitlines()[0]
        seconds = alternate({name: waited(play, options.device, calls) for name, play in plays.items()},
                            rounds=options.rounds, clock=time.perf_counter)
        print(f"{method}, batches of {hand.batch}")
        step = {name: statistics.median(own) / calls for name, own in seconds.items()}
        for name, took in step.items():
            more = f"{busy(plays[name], options.device) / took:8.0%}{memory[name]:8.0f} MiB" if card else ""
            print(f"  {name:<22}{1 / took:10.1f} steps/s{step[PLAIN] / took:8.2f} times{PROTOCOL * took / 60:10.1f} min"
                  f"{more}")
        for name, reason in missing.items():
            print(f"  {name:<22}can't be had: {reason}")


if __name__ == "__main__":
    main()
