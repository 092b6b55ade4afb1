"""What each factor of Ma et al. moves in an image: clothes, scene and joints, in training and in unseen identities.

    unbraid train ma-persons-small --out RUN
    python tests/benchmarks/ma_control.py RUN [RUN ...] [--other persons.npz] [--picture swaps.png]

In pairs of a receiver and a donor one factor of the receiver's code becomes the donor's. The edited image is judged
from outside: the colours at chest and thighs; the pixels beyond both persons, against the drawn scenes; and the joints
that a detector sees which was trained on true images of the training identities alone. A cell of the table is the
share of pairs, among those in which the two images differ, where the edited image is nearer to the donor's.
`--other` measures on another file of persons, too: other bodies and outfits.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import unbraid
from unbraid import Code, load_recipe, write_whole
from unbraid.data import Data, open_data
from unbraid.model import Model
from unbraid.runs import write_image
from unbraid.values import seeded, swap
from unbraid_plugins.shared.keypoints.drawing import limb_mask
from unbraid_plugins.shared.keypoints.scenes import draw_scene
from unbraid_plugins.shared.keypoints.skeletons import COCO
from unbraid_plugins.shared.metrics import mask_ssim
from unbraid_plugins.shared.sources.sizes import resized
from unbraid_plugins.tools.display import grid
from unbraid_plugins.tools.encoding import fields_of
from unbraid_plugins.tools.evaluation import untrained

SEEN = slice(0, 14)                                # the joints that the rendered persons have
FACTORS = ("foreground", "background", "pose")
PAIRS, STEPS = 300, 1000
DIFFERENT = {"colours": 0.12, "scene": 0.02, "joints": 0.06}   # mean distances below which two images count as equal


class Detector(nn.Module):
    """Joints of images, (B, 14, 2) in [-1, 1]."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        here, (h, w) = 3, size
        for there in (24, 48, 64, 96):
            layers += [nn.Conv2d(here, there, 3, stride=2, padding=1), nn.BatchNorm2d(there), nn.ReLU()]
            here, h, w = there, (h + 1) // 2, (w + 1) // 2
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(96 * h * w, 256), nn.ReLU(), nn.Linear(256, 28))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 14, 2), row and column."""
        return self.body(2 * images - 1).unflatten(1, (14, 2))


def detector(images: Tensor, joints: Tensor, steps: int = STEPS) -> Detector:
    """Train a detector on true images whose colours are changed at random, so that it looks at shapes."""
    random = torch.Generator().manual_seed(0)
    with seeded(0):
        made = Detector((images.shape[2], images.shape[3]))
    optimizer = torch.optim.Adam(made.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(len(images), (64,), generator=random)
        colours = images[rows][:, torch.randperm(3, generator=random)]
        gain = 0.6 + 0.8 * torch.rand(64, 3, 1, 1, generator=random)
        noise = 0.03 * torch.randn(colours.shape, generator=random)
        loss = (made((colours * gain + noise).clamp(0, 1)) - joints[rows, SEEN, :2]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return made.eval()


def colours(images: Tensor, joints: Tensor) -> Tensor:
    """The colours at the chest and the thighs, (N, 9)."""
    j = joints[..., :2]
    points = torch.stack([j[:, [2, 5, 8, 11]].mean(1), j[:, [8, 9]].mean(1), j[:, [11, 12]].mean(1)], 1)
    around = functional.avg_pool2d(images, 3, stride=1, padding=1)
    return functional.grid_sample(around, points.flip(-1)[:, None], align_corners=False)[:, :, 0].flatten(1)


@attrs.frozen
class Side:
    """The images of one side of the pairs."""

    images: Tensor
    joints: Tensor
    scenes: Tensor
    code: Code

    def mask(self) -> Tensor:
        """The persons, with a margin, (N, 1, H, W)."""
        size = self.images.shape[-2:]
        drawn = limb_mask(self.joints, COCO.limbs, (size[0], size[1]), 9 * size[0] / 128, 3)
        return (drawn > 0).float()


def side(model: Model, data: Data, rows: np.ndarray) -> Side:
    """The images of these rows with what is known of them, and their codes."""
    images, fields = data.images(rows), data.images_of["source"].fields
    height, width = images.shape[-2:]
    drawn = np.stack([draw_scene(k, fields["scene"].classes or 1, (128, 64)) for k in fields["scene"].values[rows]])
    scenes = torch.tensor(resized(drawn, (height, width))).float() / 255
    return Side(images, data.field("joints", rows), scenes, model.code(images, fields_of(model, "encode", data, rows)))


def control(model: Model, data: Data, rows: np.ndarray, judge: Detector) -> dict[str, Any]:
    """The table of some images, and the errors of what is rebuilt."""
    random = np.random.default_rng(0)
    first, second = random.choice(rows, PAIRS), random.choice(rows, PAIRS)
    a, b = side(model, data, first), side(model, data, second)
    outside = (1 - a.mask()) * (1 - b.mask())
    weight = outside.sum((1, 2, 3)).clamp_min(1)
    true = {"colours": (colours(a.images, a.joints), colours(b.images, b.joints)),
            "joints": tuple(s.joints[:, SEEN, :2].flatten(1) for s in (a, b))}

    def far(one: Tensor, other: Tensor) -> Tensor:
        if one.ndim == 4:                          # pixels of scenes, beyond both persons
            return ((one - other).abs() * outside).sum((1, 2, 3)) / (3 * weight)
        return (one - other).abs().mean(1)

    found: dict[str, Any] = {"moved": {}}
    for factor in FACTORS:
        edited = model.decoded(swap(a.code, b.code, factor))
        at = b.joints if factor == "pose" else a.joints
        with torch.no_grad():
            seen = {"colours": colours(edited, at), "joints": judge(edited).flatten(1), "scene": edited}
        cells = {}
        for what, value in seen.items():
            own, donor = true.get(what, (a.scenes, b.scenes))
            differ = far(own, donor) > DIFFERENT[what]
            cells[what] = float((far(value, donor) < far(value, own))[differ].float().mean())
        found["moved"][factor] = cells
        if factor == "pose":
            found["pixels to the donor's joints"] = float(far(seen["joints"], true["joints"][1]).mean()
                                                          * edited.shape[2] / 2)
    rebuilt = model.decoded(a.code)
    with torch.no_grad():
        found["pixels to own joints, true image"] = float(far(judge(a.images).flatten(1), true["joints"][0]).mean()
                                                          * rebuilt.shape[2] / 2)
        found["pixels to own joints, rebuilt"] = float(far(judge(rebuilt).flatten(1), true["joints"][0]).mean()
                                                       * rebuilt.shape[2] / 2)
    found["pixels between joints of a pair"] = float(far(*true["joints"]).mean() * rebuilt.shape[2] / 2)
    found["colour error, rebuilt"] = float(far(colours(rebuilt, a.joints), true["colours"][0]).mean())
    found["l1, rebuilt"] = float((rebuilt - a.images).abs().mean())
    found["mask-SSIM, rebuilt"] = mask_ssim(rebuilt.numpy(), a.images.numpy(), a.mask().numpy()).score
    return found


def pictures(model: Model, data: Data, split: str, count: int = 10) -> Tensor:
    """Receivers, donors, receivers rebuilt, and the receivers with each factor of the donors."""
    rows = np.random.default_rng(4).choice(data.rows(split), 2 * count, replace=False)
    a, b = side(model, data, rows[:count]), side(model, data, rows[count:])
    swaps = [model.decoded(swap(a.code, b.code, factor)) for factor in FACTORS]
    return grid([a.images, b.images, model.decoded(a.code), *swaps], scale=3)


def main() -> None:
    """Measure every run, print its table, and write it as control.json into the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--picture", type=Path, help="of the first run, on unseen identities")
    parser.add_argument("--untrained", action="store_true", help="also the first run with its first weights")
    parser.add_argument("--step", type=int, help="the checkpoint to measure")
    parser.add_argument("--other", type=Path, help="another file of persons")
    asked = parser.parse_args()
    recipe = unbraid.load(asked.runs[0]).method.recipe
    data = open_data(recipe.data)
    judge = detector(data.images(data.rows("train")), data.field("joints", data.rows("train")))
    shown = {f"{split} identities": (data, data.rows(split)) for split in ("train", "test")}
    if asked.other:
        other = open_data(load_recipe(asked.runs[0] / "recipe.yaml", [f"data.source.path={asked.other}"]).data)
        shown["another file"] = other, np.arange(len(other.images_of["source"]))
    for number, run in enumerate(asked.runs):
        model = unbraid.load(run, step=asked.step)
        for name, arm in ((run.name, model), *([("untrained", untrained(model))] if asked.untrained and not number
                                               else [])):
            found = {where: control(arm, *images, judge) for where, images in shown.items()}
            if arm is model:
                write_whole(run / "control.json", json.dumps(found, indent=1))
            for where, told in found.items():
                print(f"{name}, step {model.step}, {where}")
                for factor, cells in told["moved"].items():
                    print(f"  {factor:11}" + "".join(f"  {what} {v:.2f}" for what, v in cells.items()))
                print("  " + ", ".join(f"{k} {v:.3f}" for k, v in told.items() if k != "moved"), flush=True)
    if asked.picture:
        write_image(asked.picture, pictures(unbraid.load(asked.runs[0], step=asked.step), data, "test"))


if __name__ == "__main__":
    main()
