"""`unbraid traverse`: what the numbers of a code do to an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli.models import DEVICE, RUN, factors_of, model_of, out_option, write
from unbraid.cli.program import Command
from unbraid_registry.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.model import Model

ROWS = 16                                          # numbers that are shown where none are named


@click.command("traverse", cls=Command)
@RUN
@click.argument("image", type=click.Path(path_type=Path), metavar="IMAGE")
@click.option("--factor", metavar="NAME", help="Move along the numbers of this factor of the code.")
@click.option("--number", "numbers", multiple=True, type=click.IntRange(0), metavar="N",
              help="Move along this number of the code, from 0; may be given several times.")
@click.option("--from", "low", default=-3.0, show_default=True, help="Where each number begins.")
@click.option("--to", "high", default=3.0, show_default=True, help="Where it ends.")
@click.option("--steps", default=9, show_default=True, type=click.IntRange(2, 100), help="Images in a row.")
@out_option("traversal.png")
@DEVICE
def command(run: Path, image: Path, factor: str | None, numbers: tuple[int, ...], low: float, high: float, steps: int,
            out: Path, device: str) -> None:
    """Move along the numbers of an image's code.

    A row for every number: the image with it going --from ... --to. Without --factor or --number: the first 16.
    """
    if factor is not None and numbers:
        raise click.UsageError("give --factor or --number, not both")
    model = model_of(run, device)
    wanted = list(numbers) or numbers_of(model, factor)
    shown = wanted[:ROWS] if not numbers else wanted
    import numpy as np

    from unbraid.pictures import grid, scale_for

    picture, values = model.images(image), np.linspace(low, high, steps).tolist()
    write(out, grid([model.traverse(picture, n, values) for n in shown], scale=scale_for(model.image_shape)))
    more = f" (of {len(wanted)}; choose others with --number)" if len(shown) < len(wanted) else ""
    click.echo(f"  rows: numbers {', '.join(map(str, shown))} of the code{more}, from {low:g} to {high:g}")


def numbers_of(model: Model, factor: str | None) -> list[int]:
    """The numbers of a factor, or of the whole code.  Raises UnbraidError."""
    if factor is None:
        return list(range(model.layout.size))
    factors_of(model, (factor,))
    spans = model.layout.spans([factor])
    numbers = [n for a, b in spans for n in range(a, b)]
    if not numbers:
        raise UnbraidError(f"the factor {factor!r} has no numbers")
    return numbers
