"""`unbraid train --profile`: where the time of a step goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli.tables import columns

if TYPE_CHECKING:
    from unbraid.profiling import Profile
    from unbraid_configs import Recipe


def say_profile(recipe: Recipe, folder: Path) -> int:
    """Watch some steps of a recipe's training and print what they spend; nothing is trained or written."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")          # a machine without a GPU is no error
    from unbraid import distributed
    from unbraid.devices import device_of
    from unbraid.engine import Training
    from unbraid.profiling import profile
    from unbraid.record import Run

    training = Training.start(recipe, Run(folder), distributed.own(device_of(recipe.train.device)))
    try:
        found = profile(training)
    finally:
        training.close()
    if distributed.rank() == 0:
        click.echo(table(found))
    return 0


def table(found: Profile) -> str:
    """A line for each network, and each other part, of every player's turn."""
    step = 1000 * found.observed
    rows = [(s.player or "all", s.what, f"{s.forward:.2f}", f"{s.backward:.2f}" if s.backward else "",
             f"{100 * (s.forward + s.backward) / step:.0f} %") for s in found.spent]
    text = columns(rows, ("player", "what", "forward", "backward", "share"), numbers=(2, 3, 4))
    return (f"{1000 * found.seconds:.1f} ms a step on {found.device} ({1 / found.seconds:.1f} steps/s; "
            f"{step:.1f} ms while it was observed). Milliseconds a step:\n{text}")
