"""Whether gradients of outlines are right, beside DEODR's where it is installed, and those of crisp pixels.

    OMP_NUM_THREADS=1 LP_NUM_THREADS=1 python tests/benchmarks/renderer_gradients.py [NAME ...]

The trials of `tests/opengl/trials.py` at full size; names choose among them. Needs OpenGL for its fine images.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "opengl"))

import trials
from deodr_peer import INSTALLED, deodr_images
from trials import Renderer

RENDERERS: dict[str, Renderer] = {"OpenGL": trials.ours("gl"), "torch": trials.ours("torch"),
                                  "crisp": trials.ours(smooth=False)}
if INSTALLED:
    RENDERERS["DEODR"] = deodr_images
SILHOUETTES = [(2, 64), (3, 64), (4, 64), (5, 64), (6, 64), (3, 256), (5, 256)]


def percents(*numbers: float) -> str:
    """An error, and a bias."""
    first, *rest = numbers
    return f"{100 * first:.2f} %" + "".join(f" ({100 * n:+.3f})" for n in rest)


ROWS: dict[str, Callable[[Renderer], str]] = {
    **{f"silhouette {20 * 4**level} @ {size}":
       lambda r, level=level, size=size: percents(*trials.silhouette_error(r, level, size))
       for level, size in SILHOUETTES},
    **{f"triangle @ {size}": lambda r, size=size: percents(*trials.triangle_error(r, size))
       for size in (16, 32, 64, 128)},
    "occlusion @ 64": lambda r: percents(trials.occlusion_error(r, 64)),
    **{f"poses found, seed {seed}": lambda r, seed=seed: percents(trials.pose_recovery(r, seed=seed))
       for seed in (0, 1)},
    "poses found, seeds 2 to 9": lambda r: percents(fmean(trials.pose_recovery(r, seed=s) for s in range(2, 10))),
    "overlap of the fit": lambda r: f"{trials.fit_overlap(r):.4f}",
}


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    rows = {name: row for name, row in ROWS.items() if not sys.argv[1:] or any(a in name for a in sys.argv[1:])}
    print(f"{'':26}" + "".join(f"{name:>20}" for name in RENDERERS))
    for name, row in rows.items():
        found = [row(r) for r in RENDERERS.values()]
        print(f"{name:26}" + "".join(f"{f:>20}" for f in found), flush=True)


if __name__ == "__main__":
    main()
