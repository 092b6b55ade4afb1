"""`unbraid sample`: new images from a method that has a prior."""

from __future__ import annotations

import math
from pathlib import Path

import click

from unbraid.cli import DEVICE, Session, model_of, out_option, write


@click.command("sample")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-n", "--n", "count", default=16, show_default=True, type=click.IntRange(1, 10_000),
              help="How many images.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same images.")
@click.option("--set", "chosen", multiple=True, metavar="FACTOR=VALUE",
              callback=lambda context, _, given: of_the_recipe(context, given),
              help="A factor of the code as it should be, a class by its number: c1=3, c2=-0.5; may be given several "
                   "times. With a dot in its name a value of the run's recipe: networks.encoder.width=32.")
@click.option("--like", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="IMAGE",
              help="Take the factors that have no prior from this image.")
@out_option("samples.png")
@DEVICE
def command(run: Path, count: int, seed: int, chosen: tuple[str, ...], like: Path | None, out: Path,
            device: str) -> None:
    """Make new images, of factors that are chosen or drawn."""
    from unbraid_plugins.tools.display import grid, scale_for

    model = model_of(run, device)
    images = model.sample(count, seed, dict(map(choice, chosen)), like)
    columns = min(count, max(1, round(math.sqrt(count * 1.6))))
    write(out, grid(list(images.split(columns)), scale=scale_for(model.image_shape)))


def of_the_recipe(context: click.Context, given: tuple[str, ...]) -> tuple[str, ...]:
    """Note changes of the run's recipe, which have a dot in their names, and return the other texts."""
    ours = [text for text in given if "." in text.partition("=")[0]]
    context.ensure_object(Session).overrides.extend(ours)
    return tuple(text for text in given if text not in ours)


def choice(text: str) -> tuple[str, float | list[float]]:
    """Parse `c1=3`, or `c2=-1,0.5` for a factor of two dimensions.  Raises a usage error."""
    name, sign, value = text.partition("=")
    try:
        numbers = [float(v) for v in value.split(",")]
    except ValueError:
        numbers = []
    if not sign or not numbers:
        raise click.BadParameter(f"{text!r} is no choice of a factor; expected FACTOR=NUMBER, like c1=3",
                                 param_hint="--set")
    return name, numbers[0] if len(numbers) == 1 else numbers
