"""Costs of the operators of a step: processor milliseconds by operator, and the share of convolutions.

    OMP_NUM_THREADS=1 python tests/benchmarks/operator_costs.py beta-vae train.channels_last=true
    OMP_NUM_THREADS=1 python tests/benchmarks/operator_costs.py mixing train.channels_last=true

Every call is timed by the processor's clock, which other processes disturb less than a profiler's; medians of steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from engine_overhead import steps, training
from loops_by_hand import LOOPS
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

SHOWN = 20                                         # operators


class Timed(TorchDispatchMode):
    """The seconds of all calls of an operator with inputs of one shape, within the block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        began = time.process_time()
        found = func(*args, **(kwargs or {}))
        shapes = " ".join("x".join(map(str, a.shape)) for a in args[:3] if isinstance(a, Tensor))
        self.seconds[f"{func._schema.name.partition('::')[2]} {shapes}"] += time.process_time() - began
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=list(LOOPS))
    parser.add_argument("changes", nargs="*", help="of the engine's recipe")
    parser.add_argument("--steps", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    play = steps(training(options.method, options.changes))
    for _ in range(4):
        play()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(options.steps):
        with Timed() as timed:
            play()
        for name, seconds in timed.seconds.items():
            found[name].append(1000 * seconds)
    cost = {name: statistics.median(times) for name, times in found.items()}
    whole = sum(cost.values())
    for name, ms in sorted(cost.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"{ms:8.2f} ms  {name}")
    convolutions = sum(ms for name, ms in cost.items() if name.startswith("convolution"))
    print(f"{whole:8.2f} ms  all operators, {convolutions / whole:.0%} of it convolutions")


if __name__ == "__main__":
    main()
