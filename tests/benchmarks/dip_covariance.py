"""The covariance of a DIP-VAE's code at every checkpoint of a run, beside what its penalty asks for.

    unbraid train dip-vae-dsprites train.keep=6 --out RUN
    python tests/benchmarks/dip_covariance.py RUN [RUN ...] [--images 10000]

The penalty is zero where the covariance is the identity, in whatever directions the factors lie: it is the same for
rotated white codes. Of a batch of them it is not zero, for the covariance of 64 images is noise; `white` says what that
costs. Under type II a number that is silent (mean 0, sigma 1) pays nothing; under type I each must vary.
Writes RUN/covariance.json, with the last checkpoint's under `last`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import unbraid
from unbraid import Gaussian, write_whole
from unbraid.data import open_data
from unbraid.runs import Run
from unbraid.runs.checkpoint import steps
from unbraid_plugins.papers.vae import dip

BATCH = 64
USED = 0.1                                         # nats: a number below says next to nothing of its image
MEASURES = ("variance", "smallest", "largest", "off", "whole_code", "used", "kl", "penalty", "batch", "white")


def posterior(run: Path, step: int, images: Tensor) -> Gaussian:
    """q(z | x) of images by the encoder of a checkpoint."""
    encoder = unbraid.load(run, step=step).modules["encoder"].eval()
    with torch.no_grad():
        parts = [encoder(piece) for piece in images.split(500)]
    return Gaussian(torch.cat([q.mean for q in parts]), torch.cat([q.logvar for q in parts]))


def measured(q: Gaussian, off: float, diag: float, type: str) -> dict[str, float]:
    """Moments of the code, and the penalty: of all images, of batches, and of batches of white codes."""
    mean = q.mean.double()
    covariance = torch.cov(mean.T, correction=0)
    variances, size = covariance.diagonal(), len(covariance)
    values, vectors = torch.linalg.eigh(covariance)
    white = (mean - mean.mean(0)) @ vectors / values.clamp_min(1e-12).sqrt() @ vectors.T

    def cost(means: Tensor, logvar: Tensor) -> float:
        return float(dip(Gaussian(means, logvar), off=off, diag=diag, type=type))  # type: ignore[arg-type]

    def of_batches(means: Tensor, logvar: Tensor) -> float:
        return float(np.mean([cost(m, v) for m, v in zip(means.split(BATCH), logvar.split(BATCH), strict=True)
                              if len(m) == BATCH]))

    nothing = torch.full_like(q.logvar, -30.0)     # white means without a spread of their own: what type I asks for
    kl = q.kl().mean(0)
    return {"variance": float(variances.mean()), "smallest": float(variances.min()), "largest": float(variances.max()),
            "off": float(((covariance - variances.diag()).square().sum() / (size * (size - 1))).sqrt()),
            "whole_code": float((variances + q.logvar.double().exp().mean(0)).mean()),
            "used": int((kl > USED).sum()), "kl": float(kl.sum()),
            "penalty": cost(mean, q.logvar), "batch": of_batches(mean, q.logvar), "white": of_batches(white, nothing)}


def main() -> None:
    """Print a line for each checkpoint of each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--off", type=float, default=10)
    parser.add_argument("--diag", type=float, default=100)
    parser.add_argument("--type", choices=("I", "II"), default="I")
    asked = parser.parse_args()
    for run in asked.runs:
        data = open_data(Run(run).recipe().data)
        rows = np.random.default_rng(0).permutation(data.rows("train"))[:asked.images]
        images, found = data.images(rows), {}
        print(f"{run.name}\nstep " + " ".join(f"{name:>10}" for name in MEASURES))
        for step in sorted(steps(Run(run).checkpoints)):
            found[str(step)] = measured(posterior(run, step, images), asked.off, asked.diag, asked.type)
            print(f"{step:>5}" + " ".join(f"{found[str(step)][name]:>10.4g}" for name in MEASURES), flush=True)
        write_whole(run / "covariance.json", json.dumps({**found, "last": found[str(step)]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
