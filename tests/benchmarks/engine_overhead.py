"""What the engine costs over a hand-written loop of the same mathematics: in time and in memory.

    OMP_NUM_THREADS=1 python tests/benchmarks/engine_overhead.py
    OMP_NUM_THREADS=1 python tests/benchmarks/engine_overhead.py mixing train.channels_last=true
    OMP_NUM_THREADS=1 python tests/benchmarks/engine_overhead.py --memory

Both play on the same machine in turns; the ratio of the medians is what counts. Memory is the most that two steps have
allocated at one time, beside weights, optimizers and images.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import torch
from loops_by_hand import CLIP, CRITIC_TURNS, LOOPS, Hand
from side_by_side import alternate, told
from torch.profiler import ProfilerActivity, profile

from unbraid.engine import Training
from unbraid.runs import Run
from unbraid_configs import load_recipe

ENGINE, HAND = "engine", "by hand"
BASES = {"beta-vae": ("beta-vae-shapes", ["data.source.count=2000"]), "mixing": ("mixing-sprites", [])}
WGAN = f"""
data: {{source: {{type: sprites, size: 32}}, draw: {{x: {{}}}}, batch: 64}}
code: {{z: 64}}
networks:
  generator: {{type: conv_generator, width: 16}}
  critic:    {{type: conv_critic, width: 16}}
flow:
  z: normal(size=64)
  y: generator(z)
players:
  critic:    {{trains: critic, turns: {CRITIC_TURNS}, then: "clip_weights(critic, limit={CLIP})",
              minimizes: {{distance: "wgan.tell_apart(critic(x), critic(y))"}}}}
  generator: {{trains: generator, minimizes: {{realism: wgan.fool(critic(y))}}}}
train: {{steps: 1, optimizer: {{type: adam, lr: 1.0e-4, betas: [0.5, 0.9]}}}}
"""


def training(method: str, changes: list[str], device: str = "cpu") -> Training:
    """The method's training, begun; nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        recipe, base = Path(folder) / "wgan.yaml", BASES.get(method)
        recipe.write_text(WGAN, encoding="utf-8")
        name, own = (str(recipe), []) if base is None else base
        return Training.start(load_recipe(name, [*own, *changes]), Run(Path(folder) / "run"), torch.device(device))


def steps(begun: Training) -> Callable[[], object]:
    """A function that plays the training's next step."""
    number = iter(range(10**9))
    return lambda: begun.players.step(next(number))


def peak(play: Callable[[], object]) -> float:
    """The most that two steps have allocated at one time, in MiB."""
    for _ in range(3):
        play()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as looking:
        play()
        play()
    assert looking.profiler is not None
    events = [e for e in looking.profiler.kineto_results.events() if e.name() == "[memory]"]
    return max(accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns()))) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", nargs="?", choices=list(LOOPS), help="by default all")
    parser.add_argument("changes", nargs="*", help="of the engine's recipe: data.batch=32, train.compile=true")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for method in [options.method] if options.method else list(LOOPS):
        print(f"{method}  {' '.join(options.changes)}")
        like = [c for c in options.changes if c.startswith("data.")]
        plays = {ENGINE: steps(training(method, options.changes)), HAND: LOOPS[method](Hand(training(method, like)))}
        if options.memory:
            mib = {who: peak(play) for who, play in plays.items()}
            print(f"{ENGINE} {mib[ENGINE]:.1f} MiB, {HAND} {mib[HAND]:.1f} MiB, ratio {mib[ENGINE] / mib[HAND]:.3f}")
        else:
            print(told(alternate(plays, rounds=options.rounds, calls=2), HAND))


if __name__ == "__main__":
    main()
