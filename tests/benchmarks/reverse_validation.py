"""The quality of an adapted classifier of digits, judged without a label of the domain that it was adapted to.

    unbraid train unit-adaptation-small --out RUN
    python tests/benchmarks/reverse_validation.py RUN [RUN ...] [--steps 400]

Reverse validation (Zhong et al. 2010; Ganin et al. 2016, section 5.1.2): a second classifier learns the target's
training images by the names that the run gives them, and is asked about the source's training images, whose labels
are known. Where digits are permuted on the way, it names the source wrongly. `right` is the share of the source's
images that it names rightly; `kinds` counts the classes that a hundredth of the target's images or more have. Nothing
here sees a test image or a label of the target. Writes RUN/reverse.json.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import unbraid
from unbraid import write_whole
from unbraid.data import open_data
from unbraid.runs import Run

BATCH, WIDTH = 32, 16


def small_classifier(classes: int) -> nn.Sequential:
    """Three convolutions of stride 2 for digits of 32 x 32."""
    sizes = (1, WIDTH, 2 * WIDTH, 4 * WIDTH)
    layers: list[nn.Module] = []
    for here, there in pairwise(sizes):
        layers += [nn.Conv2d(here, there, 5, stride=2, padding=2), nn.BatchNorm2d(there), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(sizes[-1] * 16, classes))


def learned(images: Tensor, names: Tensor, classes: int, steps: int) -> nn.Sequential:
    """A classifier that was trained on these names."""
    torch.manual_seed(0)
    judge, order = small_classifier(classes), np.random.default_rng(0)
    optimizer = torch.optim.Adam(judge.parameters(), 1e-3)
    for _ in range(steps):
        rows = torch.from_numpy(order.integers(len(images), size=BATCH))
        optimizer.zero_grad()
        cross_entropy(judge(images[rows]), names[rows]).backward()
        optimizer.step()
    return judge.eval()


def named(classify: unbraid.Model | nn.Module, images: Tensor) -> Tensor:
    """The class of each image."""
    call = classify.classify if isinstance(classify, unbraid.Model) else classify
    with torch.no_grad():
        return torch.cat([call(piece).argmax(1) for piece in images.split(500)])


def main() -> None:
    """Print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--steps", type=int, default=400)
    asked = parser.parse_args()
    for run in asked.runs:
        data = open_data(Run(run).recipe().data)
        source, target = (data.images(data.rows("train", s), s) for s in ("a", "b"))
        truth = data.field("label", data.rows("train", "a"), "a")
        classes = truth.classes
        given = named(unbraid.load(run), target)
        back = named(learned(target, given, classes, asked.steps), source)
        found = {"right": float((back == truth.index).float().mean()),
                 "kinds": int((given.bincount(minlength=classes) >= len(given) / 100).sum())}
        print(f"{run.name}: {found['right']:.3f} of the source right, {found['kinds']} kinds", flush=True)
        write_whole(run / "reverse.json", json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
