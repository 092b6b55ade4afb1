"""Lets the disk fail at every point of a training, and goes on with it when the disk is well again.

    python tests/attacks/failing_disk.py                            # the n-th write is refused, and all after it
    python tests/attacks/failing_disk.py --small                    # real small file systems, where mounting is allowed
    python tests/attacks/failing_disk.py --read-only                # real folders that become read-only; by root, too

After each failure: one error with a place and a remedy, only whole checkpoints, and the training that goes on is
that of a disk that never failed, bit for bit.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from killed_training import Undisturbed, faults

from unbraid.engine import Players, train
from unbraid.runs import Run
from unbraid_configs import Recipe, load_recipe
from unbraid_registry import UnbraidError

HERE = Path(__file__).parent
TRAINING = ("train.steps=6", "train.log_every=1", "train.checkpoint_every=2", "train.picture_every=3",
            "train.tensorboard=true", "train.keep_best=autoencoder/rebuild", "data.workers=0")
REFUSALS = (errno.ENOSPC, errno.EROFS, errno.EACCES)
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate")


class Disk:
    """What is written below a folder, counted; from a number on it is refused.  There is one, as audit hooks stay."""

    def __init__(self) -> None:
        self.folder, self.count, self.first, self.number = "", 0, 0, 0
        sys.addaudithook(self._see)

    @contextmanager
    def refusing(self, folder: Path, first: int, number: int) -> Iterator[None]:
        """Within: the first-th write below the folder and all after it fail with this error (first 0: none does)."""
        self.folder, self.count, self.first, self.number = str(folder), 0, first, number
        save_file = safetensors.torch.save_file

        def seen(tensors: dict[str, torch.Tensor], filename: Path, metadata: dict[str, str] | None = None) -> None:
            sys.audit("open", str(filename), "wb", os.O_WRONLY)         # it writes from Rust, which no hook sees
            save_file(tensors, filename, metadata)

        safetensors.torch.save_file = seen
        try:
            yield
        finally:
            self.folder, safetensors.torch.save_file = "", save_file

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder and (event in CHANGES or event == "open") and str(arguments[0]).startswith(self.folder):
            if event == "open" and not (arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or
                                        set(arguments[1] or "") & set("wax+")):
                return
            self.count += 1
            if self.first and self.count >= self.first:
                raise OSError(self.number, os.strerror(self.number), str(arguments[0]))


DISK = Disk()


def went_wrong(run: Run, recipe: Recipe, whole: Undisturbed) -> tuple[list[str], UnbraidError | None]:
    """What is wrong with how a training into a failing disk ends; the error that it ended with."""
    found, told = [], None
    try:
        train(recipe, run.folder, resume=run.record_file.exists())
    except UnbraidError as error:
        told = error
        if str(run.folder) not in error.message or not error.hint:
            found.append(f"the error names no place or no remedy: {error}")
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    return found + (faults(run, whole, 0) if run.folder.is_dir() else []), told


def goes_on(run: Run, recipe: Recipe, whole: Undisturbed) -> list[str]:
    """What is wrong with how it goes on when the disk is well again."""
    train(recipe, run.folder, resume=run.record_file.exists())
    found = faults(run, whole, recipe.train.steps)
    if run.metrics() != whole.lines:
        found.append("the log is not that of the undisturbed training")
    if left := [p.name for p in run.checkpoints.glob(".*")]:
        found.append(f"left behind: {left}")
    return found


def undisturbed(recipe: Recipe, folder: Path) -> tuple[Undisturbed, int]:
    """A training that nothing disturbs, and how often it writes."""
    with DISK.refusing(folder, 0, 0):
        run = train(recipe, folder)
    return Undisturbed.of(run), DISK.count


def refuse_all(place: Path, every: int) -> tuple[int, int, list[str]]:
    """Refuse the n-th write of a training, for every n (or each of `every`).  Tries, errors, what went wrong."""
    recipe = load_recipe(HERE / "small.yaml", TRAINING)
    whole, writes = undisturbed(load_recipe(HERE / "small.yaml", [*TRAINING, "train.keep=1000"]), place / "whole")
    tried, errors, found = 0, 0, list[str]()
    for n in range(1, writes + 1, every):
        number, run = REFUSALS[n % len(REFUSALS)], Run(place / f"refused-{n}")
        with DISK.refusing(run.folder, n, number):
            wrong, told = went_wrong(run, recipe, whole)
        wrong += goes_on(run, recipe, whole)
        found += [f"write {n} refused ({errno.errorcode[number]}): {w}" for w in wrong]
        tried, errors = tried + 1, errors + (told is not None)
        shutil.rmtree(run.folder)
    return tried, errors, found


def mount(*options: str) -> None:
    """Mount something; raises CalledProcessError where that is not allowed."""
    subprocess.run(["mount", *options], check=True, capture_output=True)


def small_disks(place: Path, every: int) -> tuple[int, int, list[str]]:
    """Train into file systems of all sizes (each of `every` pages).  Tries, errors, what went wrong."""
    recipe = load_recipe(HERE / "small.yaml", TRAINING)
    whole, _ = undisturbed(load_recipe(HERE / "small.yaml", [*TRAINING, "train.keep=1000"]), place / "whole")
    finished = train(recipe, place / "finished")
    most = sum(-(-p.stat().st_size // 4096) + 1 for p in finished.folder.rglob("*"))          # pages
    tried, errors, found = 0, 0, list[str]()
    disk = place / "disk"
    disk.mkdir()
    for pages in range(2, most, every):
        mount("-t", "tmpfs", "-o", f"size={4 * pages}k", "none", str(disk))
        try:
            run = Run(disk / "run")
            wrong, told = went_wrong(run, recipe, whole)
            mount("-o", f"remount,size={16 * most}k", str(disk))
            wrong += goes_on(run, recipe, whole)
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
        found += [f"a disk of {4 * pages} KiB: {w}" for w in wrong]
        tried, errors = tried + 1, errors + (told is not None)
    return tried, errors, found


@contextmanager
def after_step(last: int, act: Callable[[], object]) -> Iterator[None]:
    """Within: when a step (counted from 0) is computed, something happens."""
    step = Players.step

    def stepped(self: Players, number: int, *, watch: bool = False) -> Any:
        report = step(self, number, watch=watch)
        if number == last:
            act()
        return report

    Players.step = stepped  # type: ignore[method-assign]
    try:
        yield
    finally:
        Players.step = step  # type: ignore[method-assign]


def read_only(place: Path, every: int) -> tuple[int, int, list[str]]:
    """Take away the right to write after each step (each of `every`).  Tries, errors, what went wrong."""
    recipe = load_recipe(HERE / "small.yaml", TRAINING)
    whole, _ = undisturbed(load_recipe(HERE / "small.yaml", [*TRAINING, "train.keep=1000"]), place / "whole")
    tried, errors, found = 0, 0, list[str]()
    for step in range(0, recipe.train.steps, every):
        run = Run(place / f"read-only-{step}")

        def allow(mode: int, run: Run = run) -> None:
            for folder in [run.folder, *(f for f in run.folder.rglob("*") if f.is_dir())]:
                folder.chmod(mode)

        with after_step(step, lambda allow=allow: allow(0o555)):
            wrong, told = went_wrong(run, recipe, whole)
        if told is None or "allow writing there" not in (told.hint or ""):
            wrong.append(f"no error told to allow writing: {told}")
        allow(0o755)
        wrong += goes_on(run, recipe, whole)
        found += [f"read-only after step {step}: {w}" for w in wrong]
        tried, errors = tried + 1, errors + (told is not None)
    return tried, errors, found


def main() -> int:
    """Attack, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="only each of so many points")
    parser.add_argument("--small", action="store_true", help="real small file systems; needs the right to mount")
    parser.add_argument("--read-only", action="store_true", help="folders that become read-only; of root, by setpriv")
    asked = parser.parse_args()
    if asked.small and os.environ.get("UNBRAID_MAY_MOUNT") != "1":               # in a world of its own
        os.execvpe("unshare", ["unshare", "-rm", sys.executable, *sys.argv], {**os.environ, "UNBRAID_MAY_MOUNT": "1"})
    if asked.read_only and os.geteuid() == 0 and os.environ.get("UNBRAID_MAY_NOT_WRITE") != "1":
        os.execvpe("setpriv", ["setpriv", "--bounding-set", "-dac_override", sys.executable, *sys.argv],
                   {**os.environ, "UNBRAID_MAY_NOT_WRITE": "1"})        # a root that may no more than others
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        fail = small_disks if asked.small else read_only if asked.read_only else refuse_all
        tried, errors, found = fail(Path(folder), asked.every)
    print(*found[:20], sep="\n")
    print(f"{tried} disks failed, {errors} errors were told; {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
