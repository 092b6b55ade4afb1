"""`unbraid demo`: train a small model on built-in data and compare it with a model that was trained without mixing."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from unbraid.cli import Session
from unbraid_registry.files import write_json
from unbraid_registry.terminal import echo, style

if TYPE_CHECKING:
    from unbraid.runs import Run

RECIPE = "mixing-sprites"
STEPS = 1500                                       # about three minutes on two cores
MINUTES = 3.5                                      # the time budget of each training, for slow machines
IMAGES = 1000
METRICS = ("retrieval_map", "nearest_neighbour_accuracy", "linear_probe", "swap_accuracy", "live_factors",
           "reconstruction_error")


@attrs.frozen
class Arm:
    """A training of the demo: its name and its overrides of the recipe."""

    name: str
    overrides: tuple[str, ...] = ()
    steps: float = 1.0                             # as a fraction of the demo's steps


# the same networks and images; only the players differ
ARMS = (
    Arm("mixing"),
    Arm("without mixing", (
        "players.critic=null", "networks.critic=null", "networks.classifier=null",
        "players.autoencoder.trains=[encoder, generator]", "players.autoencoder.minimizes.cycle=null",
        "players.autoencoder.minimizes.realism=null", "players.autoencoder.minimizes.chunks=null")),
)


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The folder for everything (default: a new one, runs/demo).")
@click.option("--steps", default=STEPS, show_default=True, type=click.IntRange(1), help="How long to train.")
@click.option("--images", default=IMAGES, show_default=True, type=click.IntRange(10),
              help="How many images to measure on.")
@click.pass_context
def command(ctx: click.Context, out: Path | None, steps: int, images: int) -> None:
    """Train a small model on built-in data and show what it learned.

    The model splits small cartoon figures into chunks without any labels (Hu et al. 2018). It is compared with a plain
    autoencoder, an untrained copy and principal components of the pixels. The demo takes a few minutes on two cores
    and downloads nothing.
    """
    from unbraid.data import open_data
    from unbraid.model import load
    from unbraid.runs import RunError, new_folder, write_image
    from unbraid_plugins.tools.evaluation import LARGEST, Baselines, evaluate_model, table

    folder = out.expanduser() if out is not None else new_folder("demo")
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty", hint="give the demo a new folder with --out")
    chosen = ctx.get_parameter_source("steps") is not click.core.ParameterSource.DEFAULT
    runs, reached = {}, steps
    for number, arm in enumerate(ARMS, 1):
        echo(style(f"{number}/{len(ARMS)}  {arm.name}", bold=True), err=True)
        runs[arm.name] = trained(arm, folder, reached, None if chosen else MINUTES, ctx.obj)
        reached = min(reached, steps_of(runs[arm.name]))   # if time cut an arm short, the later ones get no more steps
    echo(style("Measuring", bold=True) + " beside baselines ...", err=True)
    first, *rest = (load(run.folder) for run in runs.values())
    run = runs[ARMS[0].name]
    recipe = first.method.recipe
    data = open_data(recipe.data, seed=recipe.train.seed)
    try:
        others = {arm.name: model for arm, model in zip(ARMS[1:], rest, strict=True)}
        result = evaluate_model(first, data, images=images, others=others, metrics=METRICS, baselines=Baselines(),
                                pictures=folder / "pictures")
    finally:
        data.close()
    write_json(run.folder / "evaluation.json", result, LARGEST)
    echo(table([(ARMS[0].name, result)]))
    echo(in_words(result))
    echo(cut_short(reached, steps), nl=reached < steps)
    samples = data.images(data.rows("test")[:2])
    pair = [write_image(folder / f"{name}.png", image) for name, image in zip("AB", samples, strict=True)]
    echo(f"\nEverything is in {folder}; look at")
    for path in result["pictures"].values():
        echo(f"  {path}")
    place, (a, b) = shlex.quote(str(run.folder)), (shlex.quote(str(p)) for p in pair)
    extra = "" if all(map(find_spec, ("starlette", "uvicorn"))) else "; it needs: pip install 'unbraid[view]'"
    echo(f"Next:  unbraid view {place}      (drag its factors in the browser{extra})\n"
         f"       unbraid edit {place} swap {a} {b}\n       unbraid draw {RECIPE}\n"
               "       unbraid train mixing --data FOLDER      (your own images)")


def in_words(result: dict[str, Any]) -> str:
    """Sum up the table in a sentence; return an empty text without a score of the model."""
    scores = {name: arm["retrieval_map"]["score"] for name, arm in result["arms"].items() if "retrieval_map" in arm}
    own = scores.pop("model", None)
    if own is None:
        return ""
    others = ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
    return ("\nNobody told the model what a figure is made of. How well one chunk of its code finds the images that\n"
            f"share a factor (mean average precision): {own:.2f}; {others}.")


def cut_short(reached: int, steps: int) -> str:
    """Return the note about a training that ended by its time budget; an empty text if it did not.

    >>> cut_short(1500, 1500)
    ''
    """
    if reached == steps:
        return ""
    return (f"\nThis machine was too slow, or too busy: the training ended after {reached} of {steps} steps, when its\n"
            f"{MINUTES} minutes were over. The numbers and pictures are those of a model that is not done. With all "
            f"the\ntime that it needs:  unbraid demo --steps {steps}")


def steps_of(run: Run) -> int:
    """Return the last step of a run."""
    return int(run.record()["sessions"][-1]["to_step"])


def trained(arm: Arm, folder: Path, steps: int, minutes: float | None, session: Session) -> Run:
    """Train one arm and return its run.  minutes: the time budget; None for no limit."""
    from unbraid.engine import train
    from unbraid_configs import load_recipe

    own = max(1, round(steps * arm.steps))
    recipe = load_recipe(RECIPE, [*arm.overrides, f"train.steps={own}", f"train.picture_every={own}",
                                  f"train.checkpoint_every={own}",
                                  f"train.max_minutes={'null' if minutes is None else minutes}"])
    session.run = folder / arm.name.replace(" ", "-")
    return train(recipe, session.run, show=True, estimate=True)
