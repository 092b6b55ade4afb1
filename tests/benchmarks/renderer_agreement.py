"""How far our images are from those of an independent renderer, mesh by mesh, and a picture of the differences.

    OMP_NUM_THREADS=1 python tests/benchmarks/renderer_agreement.py [--backend gl|torch] [--every N] [--out FILE.png]

All 1656 images of `rendered/objects_multiview.npz` of the shared data (UNBRAID_SHARED). Once as they are drawn, 64 x 64
with smooth outlines; once with theirs' 3 x 3 samples in a pixel.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "opengl"))

from agreement import SAMPLES, Theirs, Views, compared, drawn  # noqa: E402

from unbraid.runs import write_image  # noqa: E402
from unbraid_plugins.tools.display import grid  # noqa: E402

SHOWN = ("spot.obj", "q_bicycle.ply", "k_car_police.obj", "q_basiccar.ply", "q_smallplane.ply", "k_chair_A.obj")


def differences(ours: Views, theirs: Views) -> torch.Tensor:
    """Theirs, ours, and four times the difference in grey, next to each other, (3 * B, 3, H, W)."""
    apart = 1 - (4 * (ours.colour - theirs.colour).abs()).clamp(0, 1)
    return torch.stack([theirs.colour, ours.colour, apart], 1).flatten(0, 1)


def main() -> None:
    """Print a table, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="auto", choices=["auto", "gl", "torch"])
    parser.add_argument("--every", type=int, default=1, help="only each N-th image of a mesh")
    parser.add_argument("--out", type=Path, help="a picture: theirs, ours, four times the difference")
    given = parser.parse_args()
    theirs = Theirs.of(Path(os.environ.get("UNBRAID_SHARED", ROOT.parent / "shared")))
    print(f"{'':20}  {'64 x 64, smooth outlines':^37}  {'3 x 3 samples':^37}")
    print(f"{'mesh':20}" + 2 * f"  {'IoU':>7} {'worst':>7} {'colour':>8} {'depth %':>8} ")
    rows, shown = [], []
    for mesh, name in enumerate(theirs.names):
        images = theirs.numbers(mesh)[::given.every]
        expected = theirs.views(images)
        row = []
        for samples in (1, SAMPLES):
            ours = drawn(theirs, images, samples=samples, backend=given.backend)
            found = compared(ours, expected)
            row += [found["iou"], found["worst"], found["colour"], 100 * found["depth"]]
            if name in SHOWN:
                step = max(1, len(images) // 2)
                shown.append(differences(*(Views(v.colour[::step], v.alpha[::step], v.depth[::step])
                                           for v in (ours, expected))))
        rows.append(row)
        print(line(name, row), flush=True)
    print(line("mean", np.mean(rows, 0).tolist()))
    if given.out:
        pairs = [torch.cat(shown[i:i + 2]) for i in range(0, len(shown), 2)]
        print(f"wrote {write_image(given.out, grid(pairs))}")


def line(name: str, row: list[float]) -> str:
    """A line of the table."""
    parts = (f"  {a:7.4f} {b:7.4f} {c:8.4f} {d:8.3f} " for a, b, c, d in (row[:4], row[4:]))
    return f"{name:20}" + "".join(parts)


if __name__ == "__main__":
    main()
