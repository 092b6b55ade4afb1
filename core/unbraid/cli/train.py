"""`unbraid train`: a recipe, perhaps on one's own images, into a run's folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from unbraid.cli.program import Command
from unbraid.cli.recipes import OVERRIDES, read_recipe, unset_variables
from unbraid.cli.session import Session
from unbraid.cli.tables import indented
from unbraid_registry.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.engine import Estimate, Training
    from unbraid.record import Run
    from unbraid_configs import Recipe

LONG = 3600                                        # seconds; beyond, a person at a terminal is asked first
SIGNALS = {"SIGINT": 130, "SIGTERM": 143}          # exit codes of a training that a signal stopped


@click.command("train", cls=Command)
@click.argument("recipe", required=False, metavar="RECIPE")
@OVERRIDES
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Train on the pictures of this folder (or an .npz file) instead of the recipe's own data.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The run's folder (default: a new one, runs/RECIPE).")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of --out, as if it had never stopped.")
@click.option("--accept-changes", is_flag=True, help="With --resume: go on although the recipe or the data changed.")
@click.option("--seeds", metavar="0..7", help="Train several seeds as one model, into DIR/seed=0, DIR/seed=1, ...")
@click.option("--profile", is_flag=True, help="Say where a step's time goes, by player and network; train nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before a long training.")
@click.pass_obj
def command(session: Session, recipe: str | None, overrides: tuple[str, ...], data: Path | None, out: Path | None,
            resume: bool, accept_changes: bool, seeds: str | None, profile: bool, yes: bool) -> int:
    """Train a recipe.

    RECIPE is a name (unbraid list recipes) or a YAML file; a.b=c changes a value of it: train.steps=500.
    """
    if profile and (recipe is None or resume or seeds is not None):
        raise click.UsageError("--profile looks at a recipe: unbraid train RECIPE --profile")
    if resume and out is None:
        raise click.UsageError("--resume needs --out: the folder of the run to go on with")
    if accept_changes and not resume:
        raise click.UsageError("--accept-changes is for --resume: a new training has nothing that could change")
    if recipe is None and not resume:
        raise click.UsageError("name a recipe, for example: unbraid train mixing-sprites  (all: unbraid list recipes)")
    if recipe is not None and resume and "=" in recipe:
        overrides = (recipe, *overrides)
        recipe = None
    if seeds is not None:
        from unbraid.cli.train_seeds import train_several

        return train_several(seeds, recipe, overrides, data, out, resume, sure=resume or yes,
                             accept_changes=accept_changes)
    from unbraid.distributed import together

    with together():
        if profile:
            from unbraid.cli.profile import say_profile

            return say_profile(recipe_on(recipe or "", overrides, data), out or Path("runs"))
        return train_one(session, recipe, overrides, data, out, resume, sure=resume or yes,
                         accept_changes=accept_changes)


def train_one(session: Session, recipe: str | None, overrides: tuple[str, ...], data: Path | None, out: Path | None,
              resume: bool, *, sure: bool, accept_changes: bool) -> int:
    """Train a recipe, or go on with a run; returns the exit code.  Raises UnbraidError."""
    from unbraid.distributed import launched, rank
    from unbraid.engine import train
    from unbraid.lockstep import Stopped
    from unbraid.record import Run

    name = recipe if recipe is not None else str(Run.at(out or Path()).recipe_file)
    read, stopped_by = recipe_on(name, overrides, data), ""

    def ready(training: Training) -> None:
        session.run = training.run.folder
        ask_before(announce(read, training), sure=sure or launched() > 1)

    try:
        run = train(read, out, resume=resume, name=Path(name).stem, show=True, ready=ready,
                    accept_changes=accept_changes or asked_about_changes())
    except Stopped as stopped:
        run, stopped_by = stopped.run, stopped.signal_name
    return farewell(run, read) if rank() == 0 else SIGNALS.get(stopped_by, 0)


def recipe_on(name: str, overrides: tuple[str, ...], data: Path | None) -> Recipe:
    """The recipe; where it waits for a folder of pictures, the error says how to give one."""
    from unbraid_configs import RecipeError

    try:
        return read_recipe(name, overrides, data)
    except RecipeError as error:
        if data is None and unset_variables(error) and any(m.path.startswith("data.source") for m in error.mistakes):
            raise UnbraidError(f"{name} is trained on your own pictures, and does not know yet where they are",
                               hint=f"unbraid train {name} --data FOLDER") from error
        raise


def announce(recipe: Recipe, training: Training, estimate: Callable[[], Estimate] | None = None,
             into: Path | None = None) -> float:
    """Say what is about to happen: the data, the networks, the time and the memory; returns the seconds."""
    from unbraid.data import describe

    echo(click.style(recipe.title or "A method without a title", bold=True))
    echo(indented(describe(training.data)))
    sizes = [f"{n} {sum(p.numel() for p in m.parameters()):,}" for n, m in training.method.modules.items()]
    echo(f"  networks {', '.join(sizes)} parameters")
    echo(f"  device   {training.players.device}")
    if training.step:
        echo(f"Going on from step {training.step} of {recipe.train.steps}.")
    seconds = 0.0
    if training.step < recipe.train.steps:
        expected = (estimate or training.estimate)()
        seconds = expected.seconds_per_step * expected.steps
        echo(f"This takes {expected}. Ctrl-C stops it with a checkpoint.")
    echo(f"Writing into {into or training.run.folder}")
    return seconds


def ask_before(seconds: float, *, sure: bool) -> None:
    """Let a person at a terminal think again before a long training."""
    if seconds > LONG and not sure and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Begin?", default=True, abort=True, err=True)


def asked_about_changes() -> Callable[[list[str]], bool] | Literal[False]:
    """Who shows changes to a person at a terminal and asks, once for equal ones; nobody where there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False

    @cache
    def sure(lines: tuple[str, ...]) -> bool:
        echo("\n".join(("This run was trained otherwise so far:", *(f"  {line}" for line in lines))))
        return click.confirm("Go on with these changes?", default=False, err=True)

    return lambda lines: sure(tuple(lines))


def farewell(run: Run, recipe: Recipe) -> int:
    """Where everything is and what to do next; returns the exit code."""
    last = run.record()["sessions"][-1]
    folder = shlex.quote(str(run.folder))
    if last["from_step"] >= recipe.train.steps:
        echo(f"\nThe run was finished already, after step {last['to_step']}. To train it further:")
        echo(f"  unbraid train --resume --out {folder} train.steps={2 * last['to_step']}")
        return 0
    if last["exit"] != "finished":
        echo(f"\nStopped after step {last['to_step']} of {recipe.train.steps} ({last['exit']}). Go on with:")
        echo(f"  unbraid train --resume --out {folder}")
        return SIGNALS.get(last["exit"], 0)
    echo(f"\nTrained {last['to_step']} steps. Everything is in {run.folder}:")
    for what, text in (("pictures", "what the model makes of test images"), ("metrics.jsonl", "the losses"),
                       ("tensorboard", f"tensorboard --logdir {folder}"), ("recipe.yaml", "the recipe as it was run")):
        if (run.folder / what).exists():
            echo(f"  {what:<14} {text}")
    echo(f"Next:  unbraid evaluate {folder}")
    if len(recipe.code) > 1 or any(f.count for f in recipe.code.values()):
        echo(f"       unbraid edit {folder} swap A.png B.png")
    return 0


def echo(text: str) -> None:
    """A line for a person, from one process of several; what a program reads goes to stdout."""
    from unbraid.distributed import rank

    if rank() == 0:
        click.echo(text, err=True)
