"""`unbraid edit`: reconstructions, swaps, mixtures, interpolations and blends of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import DEVICE, RUN, factors_of, model_of, write
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from torch import Tensor

    from unbraid.model import Model

ACTIONS = ("reconstruct", "swap", "mix", "interpolate", "blend")


@click.command("edit")
@RUN
@click.argument("action", type=click.Choice(ACTIONS), metavar="ACTION")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="A.png [B.png ...]")
@click.option("--factor", "factors", multiple=True, metavar="NAME",
              help="A factor of the code; may be given several times (default: all).")
@click.option("--by", "shares", multiple=True, metavar="FACTOR=X",
              help="For blend: how far a factor goes from A's (0) to B's (1); may be given several times.")
@click.option("--steps", default=8, show_default=True, type=click.IntRange(2, 100),
              help="How many images interpolate and mix make.")
@click.option("--seed", default=0, show_default=True, help="Of the mixtures.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The picture to write (default: ACTION.png).")
@DEVICE
def command(run: Path, action: str, images: tuple[Path, ...], factors: tuple[str, ...], shares: tuple[str, ...],
            steps: int, seed: int, out: Path | None, device: str) -> None:
    """Reconstruct, swap, mix, interpolate or blend images.

    \b
    reconstruct A ...   the images above their reconstructions
    swap A B            A with each factor of B, one by one
    mix A B             mixtures: every factor from A or from B, at random
    interpolate A B     from A to B, along the whole code or along each --factor
    blend A B           A with each factor as far towards B's as --by says
    """
    if (action == "blend") != bool(shares):
        raise click.UsageError("blend needs --by FACTOR=X" if action == "blend" else f"--by is for blend, not {action}")
    if action != "reconstruct" and len(images) != 2:
        raise click.UsageError(f"{action} takes two images, found {len(images)}")
    model = model_of(run, device)
    pictures = model.images(list(images))
    match action:
        case "reconstruct":
            rows = [pictures, model.reconstruct(pictures)]
            says = ["the images", "what the model makes of their codes"]
        case "swap":
            rows, says = swapped(model, pictures, factors_of(model, factors))
        case "mix":
            rows, says = mixed(model, pictures, factors_of(model, factors), steps, seed)
        case "blend":
            by = dict(map(share, shares))
            factors_of(model, tuple(by))
            rows = [blend(model, pictures[:1], pictures[1:], by)]
            says = [f"A with {', '.join(f'{x:g} of the way to the {name} of B' for name, x in by.items())}"]
        case _:
            rows, says = interpolated(model, pictures, factors_of(model, factors) if factors else [], steps)
    from unbraid_plugins.tools.display import grid, scale_for

    write(out or Path(f"{action}.png"), grid([r.cpu() for r in rows], scale=scale_for(model.image_shape)))
    for number, text in enumerate(says, 1):
        echo(f"  row {number}: {text}")


def swapped(model: Model, pictures: Tensor, factors: Sequence[str]) -> tuple[list[Tensor], list[str]]:
    """Return one row: A, B, the reconstruction of A, and A with each factor of B; and its description."""
    import torch

    a, b = pictures[:1], pictures[1:]
    row = torch.cat([a, b, model.reconstruct(a), *(model.swap(a, b, name) for name in factors)])
    return [row], [f"A, B, A from its code, then A with B's {', '.join(factors)}"]


def mixed(model: Model, pictures: Tensor, factors: Sequence[str], count: int, seed: int
          ) -> tuple[list[Tensor], list[str]]:
    """Return one row: A, B and mixtures, and its description; factors that are not named stay as in A."""
    import random

    import torch

    a, b = pictures[:1], pictures[1:]
    chance, made, says = random.Random(seed), [], []
    for _ in range(count):
        taken = [name for name in factors if chance.random() < 0.5]
        made.append(model.swap(a, b, *taken) if taken else model.reconstruct(a))
        says.append("+".join(taken) or "nothing")
    return [torch.cat([a, b, *made])], [f"A, B, then A with B's {', '.join(says)}"]


def interpolated(model: Model, pictures: Tensor, factors: Sequence[str], steps: int) -> tuple[list[Tensor], list[str]]:
    """Return a row for the whole code, or one for each factor, with their descriptions."""
    a, b = pictures[:1], pictures[1:]
    if not factors:
        return [model.interpolate(a, b, steps)], ["from A to B"]
    return ([model.interpolate(a, b, steps, name) for name in factors],
            [f"A with {name} going from A's to B's" for name in factors])


def share(text: str) -> tuple[str, float]:
    """Parse `chunk3=0.4`.  Raises a usage error."""
    name, _, number = text.partition("=")
    try:
        by = float(number)
    except ValueError:
        by = -1.0
    if not name or not 0 <= by <= 1:
        raise click.BadParameter(f"{text!r} is no share of a factor; expected FACTOR=X with X from 0 to 1",
                                 param_hint="--by")
    return name, by


def blend(model: Model, a: Tensor, b: Tensor, by: Mapping[str, float]) -> Tensor:
    """Return images a with each factor moved towards b's: 0 keeps a's, 1 takes b's; of a group, all its parts."""
    from unbraid_plugins.tools.editing.code_walks import blended

    return model.decoded(blended(model.code(a), model.code(b), by))
