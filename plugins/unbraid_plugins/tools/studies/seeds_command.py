"""`unbraid train-seeds`: train several seeds of a recipe as one model, each into its own run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import SIGNALS, announce, ask_before, asked_about_changes, echo, read_recipe, recipe_on
from unbraid_registry import UnbraidError

if TYPE_CHECKING:
    from unbraid.engine import Training

SEEDS = re.compile(r"\d+(\.\.\d+)?(,\d+(\.\.\d+)?)*")


@click.command("train-seeds")
@click.argument("words", nargs=-1, metavar="RECIPE 0..7 [a.b=c ...]")
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Train on the pictures of this folder (or an .npz file) instead of the recipe's own data.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The folder of the runs DIR/seed=0, DIR/seed=1, ... (default: a new one, runs/RECIPE).")
@click.option("--resume", is_flag=True,
              help="Go on with the runs in --out from the last step of which all have a checkpoint.")
@click.option("--accept-changes", is_flag=True, help="With --resume: go on although the recipe or the data changed.")
@click.option("--yes", is_flag=True, help="Do not ask before a long training.")
def command(words: tuple[str, ...], data: Path | None, out: Path | None, resume: bool, accept_changes: bool,
            yes: bool) -> int:
    """Train several seeds of a recipe as one model.

    Each seed gets its own run; the results equal those of separate trainings up to rounding. 0..7 stands for eight
    seeds, 0,3,5 for three. With --resume no recipe is needed: unbraid train-seeds 0..7 --resume --out DIR.
    """
    if resume and out is None:
        raise click.UsageError("--resume needs --out: the folder of the runs to go on with")
    if accept_changes and not resume:
        raise click.UsageError("--accept-changes is for --resume: a new training has nothing that could change")
    recipe, *rest = (None, *words) if resume and words and SEEDS.fullmatch(words[0]) else (words or (None,))
    if not rest or (recipe is None and not resume):
        raise click.UsageError("name a recipe and its seeds, for example: unbraid train-seeds beta-vae-shapes 0..7")
    return train_several(str(rest[0]), recipe, tuple(map(str, rest[1:])), data, out, resume, sure=resume or yes,
                         accept_changes=accept_changes)


def train_several(text: str, recipe: str | None, overrides: tuple[str, ...], data: Path | None, out: Path | None,
                  resume: bool, *, sure: bool, accept_changes: bool) -> int:
    """Train seeds together, or resume them; return the exit code.

    text: the seeds, such as 0..7.
    recipe: None to resume with the recipe of the runs.
    sure: start without a question about a long training.

    Raises UnbraidError.
    """
    from unbraid.engine import Stopped
    from unbraid.runs import Run, new_folder
    from unbraid_plugins.tools.studies.batched import train_together
    from unbraid_plugins.tools.studies.batched.training import estimate, folders

    seeds = seeds_of(text)
    name = recipe if recipe is not None else str(Run.at(folders(out or Path(), seeds)[0]).recipe_file)
    recipe_on(name, overrides, data)               # report its mistakes once, not per seed
    recipes = [read_recipe(name, (*overrides, f"train.seed={seed}"), data) for seed in seeds]
    out = out.expanduser() if out is not None else new_folder(Path(name).stem)

    def ready(trainings: Sequence[Training]) -> None:
        echo(f"{len(seeds)} seeds as one model: {', '.join(map(str, seeds))}")
        ask_before(announce(recipes[0], trainings[0], lambda: estimate(trainings), out), sure=sure)

    try:
        runs = train_together(recipes, folders(out, seeds), resume=resume, show=True, ready=ready,
                              accept_changes=accept_changes or asked_about_changes())
    except Stopped as stopped:
        echo(f"\nStopped with checkpoints ({stopped.signal_name}). Go on with:")
        echo(f"  unbraid train-seeds {text} --resume --out {shlex.quote(str(out))}")
        return SIGNALS.get(stopped.signal_name, 0)
    echo(f"\nTrained {len(runs)} seeds up to step {recipes[0].train.steps}. Each has a run of its own:")
    for run in runs:
        echo(f"  {run.folder}")
    echo(f"Next:  unbraid evaluate {' '.join(shlex.quote(str(run.folder)) for run in runs)}")
    return 0


def seeds_of(text: str) -> list[int]:
    """Parse seeds such as `0..7` or `0,3,5`.  Raises UnbraidError."""
    from unbraid_plugins.tools.studies.axes import read_axis

    try:
        return [int(value) for (value,) in read_axis(f"seed={text}").values]
    except ValueError:
        raise UnbraidError(f"the seeds {text!r} are no whole numbers", hint="write 0..7, or 0,3,5") from None
