"""`unbraid sample`: new images from a method that has a prior."""

from __future__ import annotations

import math
from pathlib import Path

import click

from unbraid.cli.models import DEVICE, RUN, model_of, out_option, write
from unbraid.cli.program import Command


@click.command("sample", cls=Command)
@RUN
@click.option("-n", "--n", "count", default=16, show_default=True, type=click.IntRange(1, 10_000),
              help="How many images.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same images.")
@out_option("samples.png")
@DEVICE
def command(run: Path, count: int, seed: int, out: Path, device: str) -> None:
    """Make new images."""
    from unbraid.pictures import grid, scale_for

    model = model_of(run, device)
    images = model.sample(count, seed)
    columns = min(count, max(1, round(math.sqrt(count * 1.6))))
    write(out, grid(list(images.split(columns)), scale=scale_for(model.image_shape)))
