"""`unbraid traverse`: pictures of the effect of each dimension of a code."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import DEVICE, RUN, factors_of, model_of, out_option, write
from unbraid_registry import UnbraidError
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from unbraid.model import Model

ROWS = 16                                          # largest number of rows when no dimension is named


@click.command("traverse")
@RUN
@click.argument("image", required=False, type=click.Path(path_type=Path), metavar="[IMAGE]")
@click.option("--factor", metavar="NAME", help="Move along the dimensions of this factor of the code.")
@click.option("--dim", "dimensions", multiple=True, type=click.IntRange(0), metavar="N",
              help="Move along this dimension of the code, counted from 0; may be given several times.")
@click.option("--from", "low", type=float, metavar="X", help="Where each dimension begins (default: by its prior).")
@click.option("--to", "high", type=float, metavar="X", help="Where it ends.")
@click.option("--steps", default=9, show_default=True, type=click.IntRange(2, 100), help="Images in a row.")
@click.option("--rows", default=1, show_default=True, type=click.IntRange(1, 100),
              help="Without an image: so many codes from the prior, a row for each.")
@click.option("--seed", default=0, show_default=True, help="Of these codes.")
@out_option("traversal.png")
@DEVICE
def command(run: Path, image: Path | None, factor: str | None, dimensions: tuple[int, ...], low: float | None,
            high: float | None, steps: int, rows: int, seed: int, out: Path, device: str) -> None:
    """Move along the dimensions of a code: an image's, or one from the prior.

    Each row is an image in which one dimension moves --from ... --to, by default over its prior: -3 to 3, -1 to 1, or 0
    to 1 for binary factors. A factor of classes has one row, with an image for every class. Without --factor or --dim:
    the first 16.
    """
    if factor is not None and dimensions:
        raise click.UsageError("give --factor or --dim, not both")
    if image is not None and rows > 1:
        raise click.UsageError("--rows is for codes from the prior; the image has one code")
    model = model_of(run, device)
    import torch

    from unbraid.values import Code
    from unbraid_plugins.tools.display import grid, scale_for
    from unbraid_plugins.tools.editing.code_walks import walks

    wanted = list(walks(model.layout, list(dimensions) or dimensions_of(model, factor), low, high))
    shown = wanted[:max(ROWS // rows, 1)] if not (dimensions or factor) else wanted
    f = model.prior(rows, seed) if image is None else model.code(image)
    codes = [walk.along(Code(start, f.layout), steps) for walk in shown for start in f.tensor.split(1)]
    images = model.decoded(Code(torch.cat([c.tensor for c in codes]), f.layout))
    write(out, grid(list(images.split([len(c.tensor) for c in codes])), scale=scale_for(model.image_shape)))
    more = f" (of {len(wanted)}; choose others with --dim)" if len(shown) < len(wanted) else ""
    for (first, last, single), same in itertools.groupby(shown, lambda w: (w.first, w.last, isinstance(w.spot, int))):
        alike = list(same)
        what = spans([w.spot for w in alike if isinstance(w.spot, int)]) or ", ".join(w.what for w in alike)
        rows_are = f"dimensions {what} of the code{more}" if single else f"the classes of {what}{more}"
        echo(f"  rows: {rows_are}, from {first:g} to {last:g}")


def spans(numbers: list[int]) -> str:
    """Return numbers as text, with three or more consecutive numbers as a span.

    >>> spans([0, 1, 2, 3, 7, 9])
    '0 to 3, 7, 9'
    """
    runs = [[n for _, n in run] for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{r[0]} to {r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs)


def dimensions_of(model: Model, factor: str | None) -> list[int]:
    """Return the dimensions of a factor, or of the whole code.  Raises UnbraidError."""
    if factor is None:
        return list(range(model.layout.size))
    factors_of(model, (factor,))
    dimensions = [n for a, b in model.layout.spans([factor]) for n in range(a, b)]
    if not dimensions:
        raise UnbraidError(f"the factor {factor!r} has no dimensions")
    return dimensions
