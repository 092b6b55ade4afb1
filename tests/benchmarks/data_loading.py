"""Images a second that the sources give, beside what a training needs and beside torch's loader.

    OMP_NUM_THREADS=1 python tests/benchmarks/data_loading.py --pictures 2000
    OMP_NUM_THREADS=1 python tests/benchmarks/data_loading.py --many 2000 20000 200000 --plot docs/figures/loading.svg

A folder of JPEG pictures (178 x 218) is made and read as images of 64 x 64 as if it did not fit into memory, with and
without workers: decoded each time by torchvision or Pillow, and from the decoded pictures that are kept; beside it
torchvision's ImageFolder in torch's DataLoader with the same workers, in turns. What a training needs: the images of a
step by the seconds that it computes.

--many: folders of so many pictures (links to 2,000 files): the seconds until the first batch when a folder is opened
for the first time and the next, and those of an epoch, of the processor and by the clock, first and once all is kept.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import attrs
import matplotlib.pyplot as plt
import numpy as np
import torch
from engine_overhead import steps, training
from PIL import Image
from side_by_side import alternate
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from unbraid.data import Data, open_data
from unbraid.engine.devices import peak_memory
from unbraid_configs import load_recipe

SIZE, BATCH = 64, 64
NEED = frozenset([("x", None)])
PICTURE = 178, 218                                 # as large as those of faces that people train on


def pictures(folder: Path, count: int) -> None:
    """JPEG pictures with smooth content, like photographs."""
    random = np.random.default_rng(0)
    (folder / "all").mkdir()
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (8, 7, 3), dtype=np.uint8))
        coarse.resize(PICTURE, Image.Resampling.BICUBIC).save(folder / "all" / f"{number:05d}.jpg", quality=90)


def opened(folder: Path, workers: int, *options: str) -> Data:
    """The folder as a source that reads its pictures whenever they are asked for."""
    changes = [f"data.source.path={folder}", f"data.source.size={SIZE}", "data.source.check=headers",
               f"data.batch={BATCH}", f"data.workers={workers}", *(f"data.source.{option}" for option in options)]
    return open_data(load_recipe("beta-vae", changes).data, resident=0)


def ours(folder: Path, workers: int, batches: int, *options: str) -> float:
    """Images a second of the source, asked for one batch after the other; the first is not counted."""
    data = opened(folder, workers, *options)
    data.batch(0, 0, NEED)
    began = time.perf_counter()
    for number in range(1, batches):
        data.batch(number, 0, NEED)
    seconds = time.perf_counter() - began
    data.close()
    return BATCH * (batches - 1) / seconds


def torchs(folder: Path, workers: int, batches: int) -> float:
    """Images a second of torchvision's folder in torch's loader; the first batch is not counted."""
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


@attrs.frozen
class Course:
    """The seconds that a folder of so many pictures takes: until the first batch, and for an epoch.

    first, again: when it is opened for the first time, and by the next process.
    epoch, kept: (by the clock, of the processor), decoding all of it, and once it is kept.
    """

    count: int
    first: float
    again: float
    epoch: tuple[float, float]
    kept: tuple[float, float]
    memory: int


def course(folder: Path, count: int) -> Course:
    """Open a folder twice, and read all of it twice.  No worker: the processor's seconds are those of one core."""
    def start() -> tuple[Data, float]:
        began = time.perf_counter()
        data = opened(folder, 0)
        data.batch(0, 0, NEED)
        return data, time.perf_counter() - began

    def epoch(data: Data) -> tuple[float, float]:
        began, busy = time.perf_counter(), time.process_time()
        for number in range(count // BATCH):
            data.batch(number, 0, NEED)
        return time.perf_counter() - began, time.process_time() - busy

    data, first = start()
    whole = epoch(data)
    data.close()
    data, again = start()
    epoch(data)                                    # checksums are compared once in a process
    kept = epoch(data)
    data.close()
    return Course(count, first, again, whole, kept, peak_memory())


def linked(source: Path, folder: Path, count: int) -> None:
    """A folder of links to the files of another, which take no room."""
    files = sorted((source / "all").iterdir())
    (folder / "all").mkdir(parents=True)
    for number in range(count):
        (folder / "all" / f"{number:06d}.jpg").hardlink_to(files[number % len(files)])


def plot(courses: list[Course], file: Path) -> None:
    """Seconds by the number of pictures."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    counts = [c.count for c in courses]
    left.loglog(counts, [c.first for c in courses], "o-", label="opened for the first time")
    left.loglog(counts, [c.again for c in courses], "o-", label="opened again")
    left.set(title="until the first batch", ylabel="seconds")
    right.loglog(counts, [c.epoch[1] for c in courses], "o-", label="first epoch, decoded")
    right.loglog(counts, [c.kept[1] for c in courses], "o-", label="later epochs, kept")
    right.set(title="an epoch on one core")
    for axes in (left, right):
        axes.set(xlabel="pictures")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def many(counts: list[int], file: Path | None) -> None:
    """Print and plot the course of folders of these sizes."""
    courses = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["UNBRAID_CACHE"] = f"{name}/cache"
        pictures(Path(name), min(2000, min(counts)))
        for count in counts:
            folder = Path(name, f"many-{count}")
            linked(Path(name), folder, count)
            made = course(folder, count)
            courses.append(made)
            print(f"{count:7,} pictures: first batch after {made.first:6.2f} s, opened again {made.again:6.2f} s; "
                  f"epoch {made.epoch[0]:7.2f} s ({made.epoch[1]:.2f} s of the processor), kept {made.kept[0]:6.2f} s "
                  f"({made.kept[1]:.2f}); peak memory {made.memory / 2**20:,.0f} MiB", flush=True)
            shutil.rmtree(folder)
            shutil.rmtree(f"{name}/cache")
    if file is not None:
        plot(courses, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--many", type=int, nargs="+")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    if options.many:
        many(options.many, options.plot)
        return
    batches = options.pictures // BATCH
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "pictures")
        folder.mkdir()
        os.environ["UNBRAID_CACHE"] = f"{name}/cache"
        pictures(folder, options.pictures)
        for workers in (0, 1, 2):
            rates = {kind: [] for kind in ("decoded", "by Pillow", "kept", "torch")}  # type: dict[str, list[float]]
            ours(folder, workers, batches)         # keeps them
            for _ in range(3):
                rates["decoded"].append(ours(folder, workers, batches, "keep='no'"))
                rates["torch"].append(torchs(folder, workers, batches))
                rates["by Pillow"].append(ours(folder, workers, batches, "keep='no'", "decoder=pillow"))
                rates["kept"].append(ours(folder, workers, batches))
            medians = {kind: statistics.median(r) for kind, r in rates.items()}
            print(f"{workers} workers: " + ", ".join(f"{kind} {rate:6.0f} images/s ({rate / medians['torch']:.2f})"
                                                     for kind, rate in medians.items()), flush=True)
    for method in ("beta-vae", "mixing"):
        print(f"{method} needs {need(method):8.0f} images/s of {'64 x 64' if method == 'beta-vae' else '32 x 32'}")


if __name__ == "__main__":
    main()
