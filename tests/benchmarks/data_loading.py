"""Images a second that the sources give, beside what a training needs and beside torch's loader.

    OMP_NUM_THREADS=1 python tests/benchmarks/data_loading.py --pictures 2000

A folder of JPEG pictures (178 x 218) is made and read as images of 64 x 64 as if it did not fit into memory, with and
without workers; beside it torchvision's ImageFolder in torch's DataLoader with the same workers, in turns. What a
training needs: the images of a step by the seconds that it computes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from engine_overhead import steps, training
from PIL import Image
from side_by_side import alternate
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from unbraid.data import Data, open_data
from unbraid_configs import load_recipe

SIZE, BATCH = 64, 64
PICTURE = 178, 218                                 # as large as those of faces that people train on


def pictures(folder: Path, count: int) -> None:
    """JPEG pictures with smooth content, like photographs."""
    random = np.random.default_rng(0)
    (folder / "all").mkdir()
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (8, 7, 3), dtype=np.uint8))
        coarse.resize(PICTURE, Image.Resampling.BICUBIC).save(folder / "all" / f"{number:05d}.jpg", quality=90)


def opened(folder: Path, workers: int) -> Data:
    """The folder as a source that reads its pictures whenever they are asked for."""
    changes = [f"data.source.path={folder}", f"data.source.size={SIZE}", "data.source.check=headers",
               f"data.batch={BATCH}", f"data.workers={workers}"]
    return open_data(load_recipe("beta-vae", changes).data, resident=0)


def ours(folder: Path, workers: int, batches: int) -> float:
    """Images a second of the source, asked for one batch after the other."""
    data = opened(folder, workers)
    began = time.perf_counter()
    for number in range(batches):
        data.batch(number, 0, frozenset([("x", None)]))
    seconds = time.perf_counter() - began
    data.close()
    return BATCH * batches / seconds


def torchs(folder: Path, workers: int, batches: int) -> float:
    """Images a second of torchvision's folder in torch's loader; what its workers take to start is not counted."""
    cut = v2.Compose([v2.Resize(SIZE), v2.CenterCrop(SIZE), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    loader = iter(DataLoader(ImageFolder(str(folder), cut), BATCH, shuffle=True, num_workers=workers))
    next(loader)
    began = time.perf_counter()
    for _ in range(batches - 1):
        next(loader)
    return BATCH * (batches - 1) / (time.perf_counter() - began)


def need(method: str) -> float:
    """Images a second that a training shows to its networks, if it never waits."""
    begun = training(method, [])
    play = steps(begun)
    seconds = statistics.median(alternate({method: play}, rounds=15, clock=time.perf_counter)[method])
    return len(begun.recipe.data.draw) * begun.recipe.data.batch / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    options = parser.parse_args()
    batches = options.pictures // BATCH
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures(folder, options.pictures)
        for workers in (0, 1, 2):
            rates = {"unbraid": [], "torch": []}  # type: dict[str, list[float]]
            for _ in range(3):
                rates["unbraid"].append(ours(folder, workers, batches))
                rates["torch"].append(torchs(folder, workers, batches))
            own, others = (statistics.median(r) for r in rates.values())
            print(f"{workers} workers: {own:8.0f} images/s, torch's loader {others:8.0f}, ratio {own / others:.2f}")
    for method in ("beta-vae", "mixing"):
        print(f"{method} needs {need(method):8.0f} images/s of {'64 x 64' if method == 'beta-vae' else '32 x 32'}")


if __name__ == "__main__":
    main()
