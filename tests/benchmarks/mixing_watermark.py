"""Does the chunk classifier read the mix from what one sees, or from a watermark?  For every chunk of a mixing run:

    unbraid train mixing-sprites --out RUN
    python tests/benchmarks/mixing_watermark.py RUN [RUN ...] [--pairs 400]

*own*: how often the run's classifier tells from which of two test images the chunk of their mixture came. *read*: how
often a classifier of the same shape does that was trained afterwards, on mixtures of training images, the model at
rest; so runs with and without a classifier compare. *blurred*, *noisy*: the same after a change that hardly shows (a
3 x 3 binomial filter; noise of 4 of 255 grey levels). *seen*: how often a line tells it from what oracles believe of
the three images, classifiers of the attributes that never saw the model. *changed*: how often an oracle's answer
changes where the chunk alone is the other image's; *pixels*: how much a pixel changes. *unmoved*, in the last line:
how often the oracles give the same answer after that filter and that noise. A mix that is read where nothing is seen,
and no longer after a filter that leaves the oracles' answers, is a watermark.
*visible*, *readable*: how many chunks
change an oracle's answer in a quarter of the pairs, and are read in six of ten.
Writes RUN/watermark.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, conv2d, pad

import unbraid
from unbraid import Code, Context, write_whole
from unbraid.data import Data, open_data
from unbraid.model import Model
from unbraid.runs import Run
from unbraid_plugins.papers.mixing import ChunkClassifier
from unbraid_plugins.shared.metrics import oracles
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

NOISE = 4 / 255
BATCH, WIDTH = 32, 16
VISIBLE, READABLE = 0.25, 0.6                     # shares from which a chunk counts


def blurred(images: Tensor) -> Tensor:
    """Images after a 3 x 3 binomial filter."""
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(images.shape[1], 1, 3, 3)
    return conv2d(pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=images.shape[1])


def noisy(images: Tensor) -> Tensor:
    """Images with noise of a few grey levels."""
    return (images + NOISE * torch.randn(images.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)


def judges(data: Data) -> Oracles:
    """Oracles of all attributes, trained on the training images."""
    train, test = data.rows("train"), data.rows("test")
    factors = {name: f.values for name, f in data.images_of["source"].fields.items() if f.classes and f.classes > 1}
    return oracles(data.images(test).numpy(), {n: v[test] for n, v in factors.items()},
                   data.images(train).numpy(), {n: v[train] for n, v in factors.items()})


def overlaps(see: Oracles, one: Tensor, other: Tensor, mixed: Tensor) -> np.ndarray:
    """For each attribute, how much the belief about the mixture agrees with that about either image."""
    assert see.believe is not None
    of = [see.believe(x.numpy()) for x in (one, other, mixed)]
    return np.stack([(of[2][name] * side[name]).sum(1) for name in of[0] for side in of[:2]], 1)


def mixture(model: Model, one: Code, other: Code, mask: Tensor) -> Tensor:
    """Images of the chunks of `one` where the mask is true, and of `other` elsewhere."""
    wide = torch.cat([mask[:, [i]].expand(-1, p.size) for i, p in enumerate(one.layout.parts)], 1)
    return model.decoded(Code(torch.where(wide, one.tensor, other.tensor), one.layout))


def coins(rng: np.random.Generator, count: int, chunks: int) -> Tensor:
    """A fair coin for every chunk of every pair."""
    return torch.from_numpy(rng.random((count, chunks)) < 0.5)


def reader(model: Model, images: Tensor, steps: int) -> torch.nn.Module:
    """A classifier of the mix that is trained on mixtures of a model that stays as it is."""
    rng, codes = np.random.default_rng(2), model.code(images)
    torch.manual_seed(0)
    shape = Context(name="reader", code=codes.layout, image=tuple(images.shape[1:]))
    net = ChunkClassifier(width=WIDTH).build(shape, *[images[:2]] * 3)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(steps):
        a, b = (torch.from_numpy(rng.integers(len(images), size=BATCH)) for _ in range(2))
        mask = coins(rng, BATCH, len(codes.layout.parts))
        mixed = mixture(model, Code(codes.tensor[a], codes.layout), Code(codes.tensor[b], codes.layout), mask)
        logits = net(torch.cat([images[a], images[b], mixed.clone()], 1))
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(logits, mask.float()).backward()
        optimizer.step()
    return net.eval()


def measured(model: Model, see: Oracles, read: torch.nn.Module, one: Tensor,
             other: Tensor) -> dict[str, dict[str, float]]:
    """The measures of every chunk, and of them all."""
    a, b = model.code(one), model.code(other)
    parts, rng = a.layout.parts, np.random.default_rng(0)
    mask = coins(rng, len(one), len(parts))
    mixed = mixture(model, a, b, mask)
    shown = {"read": mixed, "blurred": blurred(mixed), "noisy": noisy(mixed)}
    with torch.no_grad():
        right = {name: (read(torch.cat([one, other, x], 1)) > 0) == mask for name, x in shown.items()}
        if "classifier" in model.modules:
            right["own"] = (model.modules["classifier"].eval()(one, other, mixed) > 0) == mask
    seen, half = overlaps(see, one, other, mixed), len(one) // 2
    before, found = see.see(mixed.numpy()), {}
    for i, part in enumerate(parts):
        y = mask[:, i].numpy()
        line = LogisticRegression(max_iter=1000).fit(seen[:half], y[:half])
        turned = mask.clone()
        turned[:, i] = ~turned[:, i]
        swapped = mixture(model, a, b, turned)
        after = see.see(swapped.numpy())
        found[part.name] = {**{name: float(hits[half:, i].float().mean()) for name, hits in right.items()},
                            "seen": float(line.score(seen[half:], y[half:])),
                            "changed": float(np.mean(np.any([before[n] != after[n] for n in before], 0))),
                            "pixels": float((swapped - mixed).abs().mean())}
    every = {name: float(np.mean([row[name] for row in found.values()])) for name in next(iter(found.values()))}
    every["visible"] = sum(row["changed"] >= VISIBLE for row in found.values())
    every["readable"] = sum(row["read"] >= READABLE for row in found.values())
    every["own, readable"] = sum(row.get("own", 0) >= READABLE for row in found.values())
    for name in ("blurred", "noisy"):
        again = see.see(shown[name].numpy())
        every[f"unmoved, {name}"] = float(np.mean([before[n] == again[n] for n in before]))
    return {**found, "all": every}


def main() -> None:
    """Print a table for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1000, help="of the reader")
    asked = parser.parse_args()
    for run in asked.runs:
        data, model = open_data(Run(run).recipe().data), unbraid.load(run)
        rows = np.random.default_rng(0).choice(data.rows("test"), (2, asked.pairs))
        read = reader(model, data.images(data.rows("train")), asked.steps)
        found = measured(model, judges(data), read, *(data.images(r) for r in rows))
        print(f"{run.name}, step {model.step}")
        for name, row in found.items():
            print(f"  {name:>8}  " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
        write_whole(run / "watermark.json", json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
