"""Samples of stage two of Ma et al. against the codes of images, and a Gaussian of the same mean and variance.

    UNBRAID_RUN=ONE unbraid train ma-sampling-small --out TWO
    python tests/benchmarks/ma_samples.py TWO [TWO ...] [--picture samples.png]

The sliced Wasserstein distance is the mean over 500 directions of the distance of the sorted projections, of codes that
are divided by their standard deviation (the root of the mean variance). The floor is the distance of one half of the
codes from the other.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import unbraid
from unbraid import write_whole
from unbraid.data import Data, open_data
from unbraid.model import Model
from unbraid.runs import write_image
from unbraid_plugins.tools.display import grid
from unbraid_plugins.tools.encoding import fields_of

FACTORS = ("foreground", "background", "pose")


def sliced(a: np.ndarray, b: np.ndarray, directions: int = 500) -> float:
    """The sliced Wasserstein distance of two sets of equally many vectors (n, d)."""
    along = np.random.default_rng(0).normal(size=(a.shape[1], directions))
    along /= np.linalg.norm(along, axis=0)
    return float(np.abs(np.sort(a @ along, 0) - np.sort(b @ along, 0)).mean())


def compared(true: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """The distance of samples and of Gaussians from true codes (n, d), and that of one half of these from the other."""
    random = np.random.default_rng(1)
    mean, scale = true.mean(0), np.sqrt(true.var(0).mean())
    true, made = (true - mean) / scale, (made - mean) / scale
    order = random.permutation(len(true))[:len(true) // 2 * 2].reshape(2, -1)
    half, n = true[order[0]], order.shape[1]
    full = random.multivariate_normal(np.zeros(true.shape[1]), np.cov(true.T), n)
    alone = true.std(0) * random.normal(size=half.shape)
    return {"samples": sliced(half, made[:n]), "Gaussian, variances": sliced(half, alone),
            "Gaussian, covariance": sliced(half, full), "the other half": sliced(half, true[order[1]])}


def measured(model: Model, data: Data) -> dict[str, dict[str, float]]:
    """The distances of each factor and of the whole code, on the images that stage one was trained on."""
    rows = data.rows("train")
    fields = data.images_of["source"].fields
    made = model("sample", n=len(rows), seed=1)
    true = {f: fields[f].values[rows].astype(np.float64) for f in FACTORS}
    found = {f: compared(true[f], made.part(f).tensor.double().numpy()) for f in FACTORS}
    whole = np.concatenate([made.part(f).tensor.double().numpy() for f in FACTORS], 1)
    return {**found, "all": compared(np.concatenate([true[f] for f in FACTORS], 1), whole)}


def main() -> None:
    """Measure every run, print its table, and write it as samples.json into the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--picture", type=Path, help="of the first run")
    asked = parser.parse_args()
    for run in asked.runs:
        model = unbraid.load(run)
        data = open_data(model.method.recipe.data)
        found = measured(model, data)
        write_whole(run / "samples.json", json.dumps(found, indent=1))
        print(f"{run.name}, step {model.step}")
        for factor, distances in found.items():
            print(f"  {factor:11}" + "".join(f"  {what} {d:.3f}" for what, d in distances.items()), flush=True)
    if asked.picture:
        model = unbraid.load(asked.runs[0])
        data = open_data(model.method.recipe.data)
        rows = np.random.default_rng(0).choice(data.rows("train"), 10, replace=False)
        images = data.images(rows)
        new = [model(f"sample_{f}", images, fields=fields_of(model, f"sample_{f}", data, rows)).clamp(0, 1)
               for f in FACTORS]
        write_image(asked.picture, grid([model("generate", n=10, seed=3).clamp(0, 1), images, *new], scale=3))


if __name__ == "__main__":
    main()
