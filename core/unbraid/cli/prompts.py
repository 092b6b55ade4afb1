"""Messages and questions before a training."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from unbraid.cli.recipes import read_recipe
from unbraid_registry import UnbraidError, terminal
from unbraid_registry.tables import indented
from unbraid_registry.terminal import style

if TYPE_CHECKING:
    from unbraid.engine import Estimate, Training
    from unbraid_configs import Recipe

LONG = 3600                                        # seconds; a longer training asks first at a terminal
SIGNALS = {"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143}           # exit codes of a training that a signal stopped


def recipe_on(name: str, overrides: tuple[str, ...], data: Path | None) -> Recipe:
    """Read a recipe; if it lacks the places of its data, raise an error that says how to give them."""
    from unbraid_configs import RecipeError

    try:
        return read_recipe(name, overrides, data)
    except RecipeError as error:
        unset = all("environment variable" in m.message for m in error.mistakes)
        if not unset or not any(m.path.startswith("data.source") for m in error.mistakes):
            raise
        sources = read_recipe(name, overrides, data, on_paper=True).data.sources
        places = "--data FOLDER" if [s.component.name for s in sources.values()] == ["folder"] else " ".join(
            f"{m.path}=PATH" for m in error.mistakes)
        raise UnbraidError(f"{name} is trained on data of your own, and does not know yet where it is",
                           hint=f"unbraid train {shlex.quote(name)} {places}") from error


def announce(recipe: Recipe, training: Training, estimate: Callable[[], Estimate] | None = None,
             into: Path | None = None) -> float:
    """Print the data, the memory, the networks, the device, the time and the folder; return the expected seconds."""
    from unbraid.cli.data_summary import describe

    echo(style(recipe.title or "A method without a title", bold=True))
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
    """Ask at a terminal before a long training, unless `sure`.  Raises click.Abort."""
    if seconds > LONG and not sure and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Begin?", default=True, abort=True, err=True)


def asked_about_changes() -> Callable[[list[str]], bool] | Literal[False]:
    """Return a function that shows changes at a terminal and asks, once for equal ones; False without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False

    @cache
    def sure(lines: tuple[str, ...]) -> bool:
        echo("\n".join(("This run was trained otherwise so far:", *(f"  {line}" for line in lines))))
        return click.confirm("Go on with these changes?", default=False, err=True)

    return lambda lines: sure(tuple(lines))


def echo(text: object) -> None:
    """Print a line on stderr, in the first of several processes only; stdout is for output that programs read."""
    from unbraid.engine import distributed

    if distributed.rank() == 0:
        terminal.echo(text, err=True)
