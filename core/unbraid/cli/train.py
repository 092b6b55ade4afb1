"""`unbraid train`: train a recipe, perhaps on one's own images, into a run's folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli.arguments import SET
from unbraid.cli.prompts import SIGNALS, announce, ask_before, asked_about_changes, echo, recipe_on
from unbraid.cli.recipes import OVERRIDES
from unbraid.cli.session import Session

if TYPE_CHECKING:
    from unbraid.engine import Training
    from unbraid.runs import Run
    from unbraid_configs import Recipe

@click.command("train")
@click.argument("recipe", required=False, metavar="RECIPE")
@OVERRIDES
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Train on the pictures of this folder (or an .npz file) instead of the recipe's own data.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The run's folder (default: a new one, runs/RECIPE).")
@SET
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of --out, as if it had never stopped.")
@click.option("--accept-changes", is_flag=True, help="With --resume: go on although the recipe or the data changed.")
@click.option("--yes", is_flag=True, help="Do not ask before a long training.")
@click.pass_obj
def command(session: Session, recipe: str | None, overrides: tuple[str, ...], data: Path | None, out: Path | None,
            resume: bool, accept_changes: bool, yes: bool) -> int:
    """Train a recipe.

    RECIPE is a name (unbraid list recipes) or a YAML file; a.b=c changes a value of it: train.steps=500.
    """
    if resume and out is None:
        raise click.UsageError("--resume needs --out: the folder of the run to go on with")
    if accept_changes and not resume:
        raise click.UsageError("--accept-changes is for --resume: a new training has nothing that could change")
    if recipe is None and not resume:
        raise click.UsageError("name a recipe, for example: unbraid train mixing-sprites  (all: unbraid list recipes)")
    if recipe is not None and resume and "=" in recipe:
        overrides = (recipe, *overrides)
        recipe = None
    from unbraid.engine import distributed

    with distributed.together():
        return train_one(session, recipe, (*overrides, *session.overrides), data, out, resume, sure=resume or yes,
                         accept_changes=accept_changes)


def train_one(session: Session, recipe: str | None, overrides: tuple[str, ...], data: Path | None, out: Path | None,
              resume: bool, *, sure: bool, accept_changes: bool) -> int:
    """Train a recipe or resume a run, and return the exit code.  Raises UnbraidError."""
    from unbraid.engine import Stopped, distributed, train
    from unbraid.runs import Run
    from unbraid_registry import refuse_missing, registry

    if recipe is None:
        refuse_missing(Run.at(out or Path()).plugins().recorded, registry())
    name = recipe if recipe is not None else str(Run.at(out or Path()).recipe_file)
    read, stopped_by = recipe_on(name, overrides, data), ""

    def ready(training: Training) -> None:
        session.run = training.run.folder
        ask_before(announce(read, training), sure=sure or distributed.launched() > 1)

    try:
        run = train(read, out, resume=resume, name=Path(name).stem, show=True, ready=ready,
                    accept_changes=accept_changes or asked_about_changes())
    except Stopped as stopped:
        run, stopped_by = stopped.run, stopped.signal_name
    return farewell(run, read) if distributed.rank() == 0 else SIGNALS.get(stopped_by, 0)


def farewell(run: Run, recipe: Recipe) -> int:
    """Print where the results are and what to do next, and return the exit code."""
    last, steps = run.record()["sessions"][-1], recipe.train.steps
    folder = shlex.quote(str(run.folder))
    if last["exit"] == "nothing left to do":
        echo(f"\nThe run was finished already, after step {last['to_step']}." + " To train it further:" * bool(steps))
        if steps:
            echo(f"  unbraid train --resume --out {folder} train.steps={2 * last['to_step']}")
        return 0
    if last["exit"] != "finished":
        echo(f"\nStopped after step {last['to_step']} of {steps} ({last['exit']}). Go on with:")
        echo(f"  unbraid train --resume --out {folder}")
        return SIGNALS.get(last["exit"], 0)
    did = f"Trained {last['to_step']} steps" if steps else "Fitted to all images"
    echo(f"\n{did}. Everything is in {run.folder}:")
    for what, text in (("pictures", "what the model makes of test images"), ("metrics.jsonl", "the losses"),
                       ("tensorboard", f"tensorboard --logdir {folder}"), ("recipe.yaml", "the recipe as it was run")):
        if (run.folder / what).exists():
            echo(f"  {what:<14} {text}")
    echo(f"Next:  unbraid evaluate {folder}")
    several = len(recipe.code) > 1 or any(f.count for f in recipe.code.values())
    if several and all(len(recipe.functions[n].parameters) == 1 for n in ("encode", "decode") if n in recipe.functions
                       ) and {"encode", "decode"} <= recipe.functions.keys():
        echo(f"       unbraid edit {folder} swap A.png B.png")
    return 0
