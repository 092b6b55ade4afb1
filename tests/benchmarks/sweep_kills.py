"""Does a sweep that is killed lose or repeat anything?

    python tests/benchmarks/sweep_kills.py --points 20 --steps 300 --kills 10 --out runs/kills

Trains points of a small recipe, kills the sweep after random numbers of steps (SIGKILL to the sweep alone or, every
third time, to its trainings too), goes on, and at the end compares every point with one that was trained without a
break: steps in metrics.jsonl, steps of the sessions, weights. Writes and prints what it found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from safetensors.torch import load_file

from unbraid.runs import Run

RECIPE = """\
title: A small VAE
data: {source: {type: shapes, size: 16, count: 400}, batch: 8, workers: 0}
code: {z: 3}
weights: {beta: 1}
networks:
  encoder:   {type: mlp_encoder, hidden: [16], gaussian: true}
  generator: {type: mlp_generator, hidden: [16], output: logits}
flow: {q: encoder(x), z: sample(q), y: generator(z)}
players:
  vae: {trains: [encoder, generator], minimizes: {rebuild: "bernoulli(y, x)", prior: beta * kl(q)}}
functions: {encode(x): q.mean, decode(z): sigmoid(y)}
train: {log_every: 1, checkpoint_every: 100, picture_every: 100000, tensorboard: false, device: cpu}
"""


def begin(recipe: Path, out: Path, points: int, steps: int, jobs: int) -> subprocess.Popen[bytes]:
    """Start the sweep, or go on with it."""
    command = [sys.executable, "-m", "unbraid", "sweep", str(recipe), f"train.steps={steps}", "weights.beta=1,4",
               f"seed=0..{points // 2 - 1}", "--out", str(out), "--jobs", str(jobs), "--no-evaluate"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(p) for p in found.split()]


def finished(out: Path, steps: int) -> int:
    """How many points have their last checkpoint."""
    return len(list(out.glob(f"runs/*/checkpoints/step-{steps:08d}/state.json")))


def logged(out: Path) -> int:
    """How many steps all points have logged together."""
    return sum(file.read_bytes().count(b"\n") for file in out.glob("runs/*/metrics.jsonl"))


def inspected(run: Run, steps: int, reference: Run) -> dict[str, object]:
    """What became of a point."""
    sessions = run.record()["sessions"]
    logged = [m["step"] for m in run.metrics()]
    taken = [s["to_step"] - s["from_step"] for s in sessions if "to_step" in s]
    files = [r.last_checkpoint() for r in (run, reference)]
    weights = [load_file(f / "networks.safetensors") for f in files if f]
    same = len(weights) == 2 and all(weights[1][k].equal(t) for k, t in weights[0].items())
    return {"sessions": len(sessions), "cut off": sum("to_step" not in s for s in sessions), "steps of sessions":
            sum(taken), "logged once": logged == list(range(1, steps + 1)), "weights equal": same}


def main() -> int:
    """Kill and go on; 1 where something was lost or repeated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="keep everything in this new folder")
    options = parser.parse_args()
    if options.out is None:
        options.out = Path(tempfile.mkdtemp()) / "kills"
    options.out.mkdir(parents=True)
    recipe = options.out / "small.yaml"
    recipe.write_text(RECIPE)
    dice = random.Random(options.seed)
    arguments = (options.points, options.steps, options.jobs)
    killed, moments = options.out / "killed", []
    for number in range(options.kills):
        until = logged(killed) + dice.randint(1, 2 * options.points * options.steps // (options.kills + 1))
        sweep = begin(recipe, killed, *arguments)
        while logged(killed) < until and sweep.poll() is None:
            time.sleep(0.01)
        trainings = children_of(sweep.pid)
        victims = [sweep.pid, *(trainings if number % 3 == 2 else [])]
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sweep.wait()
        moments.append({"with trainings": len(victims) > 1, "trainings": len(trainings), "logged": logged(killed),
                        "finished": finished(killed, options.steps)})
        print(f"kill {number + 1}: {moments[-1]}", flush=True)
    code = begin(recipe, killed, *arguments).wait()
    print(f"the last sweep ended with {code}; now one without a break", flush=True)
    begin(recipe, options.out / "whole", *arguments).wait()
    found = {run.name: inspected(Run(run), options.steps, Run(options.out / "whole" / "runs" / run.name))
             for run in sorted((killed / "runs").iterdir())}
    perfect = sum(bool(f["logged once"] and f["weights equal"]) for f in found.values())
    result = {"exit code": code, "points": len(found), "perfect": perfect, "kills": moments, "runs": found}
    (options.out / "result.json").write_text(json.dumps(result, indent=1))
    for name, f in found.items():
        print(name, f)
    print(f"{len(moments)} kills: {perfect} of {len(found)} points have every step once and the weights of a training "
          "without a break")
    return 0 if code == 0 and perfect == len(found) == options.points else 1


if __name__ == "__main__":
    sys.exit(main())
