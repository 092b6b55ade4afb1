"""`unbraid train RECIPE --seeds 0..7`: several seeds as one model, each into a run of its own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unbraid.cli.recipes import read_recipe
from unbraid.cli.train import SIGNALS, announce, ask_before, asked_about_changes, echo, recipe_on
from unbraid_registry.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.engine import Training


def train_several(text: str, recipe: str | None, overrides: tuple[str, ...], data: Path | None, out: Path | None,
                  resume: bool, *, sure: bool, accept_changes: bool) -> int:
    """Train seeds together, or go on with them; returns the exit code.  Raises UnbraidError."""
    from unbraid.lockstep import Stopped
    from unbraid.record import Run, new_folder
    from unbraid.seeds import train_together
    from unbraid.seeds.training import estimate, folders

    seeds = seeds_of(text)
    name = recipe if recipe is not None else str(Run.at(folders(out or Path(), seeds)[0]).recipe_file)
    out = out.expanduser() if out is not None else new_folder(Path(name).stem)
    recipe_on(name, overrides, data)               # what is wrong with it is told once
    recipes = [read_recipe(name, (*overrides, f"train.seed={seed}"), data) for seed in seeds]

    def ready(trainings: Sequence[Training]) -> None:
        echo(f"{len(seeds)} seeds as one model: {', '.join(map(str, seeds))}")
        ask_before(announce(recipes[0], trainings[0], lambda: estimate(trainings), out), sure=sure)

    try:
        runs = train_together(recipes, folders(out, seeds), resume=resume, show=True, ready=ready,
                              accept_changes=accept_changes or asked_about_changes())
    except Stopped as stopped:
        echo(f"\nStopped with checkpoints ({stopped.signal_name}). Go on with:")
        echo(f"  unbraid train --resume --seeds {text} --out {shlex.quote(str(out))}")
        return SIGNALS.get(stopped.signal_name, 0)
    echo(f"\nTrained {len(runs)} seeds up to step {recipes[0].train.steps}. Each has a run of its own:")
    for run in runs:
        echo(f"  {run.folder}")
    echo(f"Next:  unbraid evaluate {' '.join(shlex.quote(str(run.folder)) for run in runs)}")
    return 0


def seeds_of(text: str) -> list[int]:
    """`0..7` or `0,3,5` as numbers.  Raises UnbraidError."""
    from unbraid.study.axes import read_axis

    try:
        return [int(value) for (value,) in read_axis(f"seed={text}").values]
    except ValueError:
        raise UnbraidError(f"--seeds {text!r} are no whole numbers", hint="--seeds 0..7, or --seeds 0,3,5") from None
