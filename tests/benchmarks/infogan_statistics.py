"""InfoGAN's category as a clustering of real digits, by the statistics of batch normalisation, at every checkpoint.

    unbraid train infogan-mnist-small train.checkpoint_every=500 train.keep=20 --out RUN
    python tests/benchmarks/infogan_statistics.py RUN [RUN ...]

The trunk normalises made and real images in turn, so the running statistics are a mixture of both, two of three made.
*trained*: the accuracy with them, as a loaded model names images. *real*: after the statistics were estimated anew on
training images alone, whose labels are not used. *batch*: normalised by each batch of 500 test images. Accuracy is that
of test images under the best one-to-one naming. Writes RUN/statistics.json, with the last checkpoint under `last`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import unbraid
from unbraid import write_whole
from unbraid.data import open_data
from unbraid.model import Model
from unbraid.runs import Run
from unbraid.runs.checkpoint import steps
from unbraid_plugins.shared.metrics import clustering_accuracy

BATCH = 500


def categories(model: Model, images: Tensor, *, training: bool) -> np.ndarray:
    """The category of each image, from c1 of Q."""
    trunk, posterior = (model.modules[name].train(training) for name in ("trunk", "posterior"))
    with torch.no_grad():
        return torch.cat([posterior(trunk(x)).part("c1").tensor.argmax(1) for x in images.split(BATCH)]).numpy()


def settle(model: Model, images: Tensor) -> None:
    """Estimate the statistics of batch normalisation on these images."""
    norms = [m for name in ("trunk", "posterior") for m in model.modules[name].modules()
             if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None                       # a mean over all batches
    categories(model, images, training=True)


def main() -> None:
    """Print a line for each checkpoint of each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    for run in parser.parse_args().runs:
        data = open_data(Run(run).recipe().data)
        train, rows = data.images(data.rows("train")), data.rows("test")
        images, digits = data.images(rows), data.images_of["source"].fields["label"].values[rows]
        found = {}
        for step in sorted(steps(Run(run).checkpoints)):
            model = unbraid.load(run, step=step)
            named = {"trained": categories(model, images, training=False)}
            settle(model, train)
            named["real"] = categories(model, images, training=False)
            named["batch"] = categories(model, images, training=True)
            found[str(step)] = {name: float(clustering_accuracy(c, digits).score) for name, c in named.items()}
            print(run.name, step, *(f"{name} {value:.3f}" for name, value in found[str(step)].items()), flush=True)
        write_whole(run / "statistics.json", json.dumps({**found, "last": found[str(step)]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
