"""`unbraid profile`: show how a training step's time is spent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import OVERRIDES, RECIPE, columns, recipe_on
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from unbraid_configs import Recipe
    from unbraid_plugins.tools.profiling.profiler import Profile


@click.command("profile")
@RECIPE
@OVERRIDES
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER",
              help="On the pictures of this folder (or an .npz file) instead of the recipe's own data.")
def command(recipe: str, overrides: tuple[str, ...], data: Path | None) -> None:
    """Say where a training step's time goes, by player and network.

    It measures some steps, forward and backward, on copies of the networks. Nothing is trained or written.
    """
    from unbraid.engine import distributed

    with distributed.together():
        if found := profile_recipe(recipe_on(recipe, overrides, data)):
            echo(table(found))


def profile_recipe(recipe: Recipe) -> Profile | None:
    """Profile the training of a recipe; return None in all processes but the first."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")          # no error message on a machine without a GPU
    from unbraid.engine import Training, device_of, distributed
    from unbraid.runs import Run
    from unbraid_plugins.tools.profiling.profiler import profile

    training = Training.start(recipe, Run(Path("runs")), distributed.own(device_of(recipe.train.device)))
    try:
        found = profile(training)
    finally:
        training.close()
    return found if distributed.rank() == 0 else None


def table(found: Profile) -> str:
    """Format a profile as a table: a line for each network, and each other part, of every player's turn."""
    step = 1000 * found.observed
    rows = [(s.player or "all", s.what, f"{s.forward:.2f}", f"{s.backward:.2f}" if s.backward else "",
             f"{100 * (s.forward + s.backward) / step:.0f} %") for s in found.spent]
    text = columns(rows, ("player", "what", "forward", "backward", "share"), numbers=(2, 3, 4))
    return (f"{1000 * found.seconds:.1f} ms a step on {found.device} ({1 / found.seconds:.1f} steps/s; "
            f"{step:.1f} ms while it was observed). Milliseconds a step:\n") + text
