"""Arguments and options of the commands on trained models: the run, the device and the output file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from unbraid.cli.session import Session
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from torch import Tensor

    from unbraid.model import Model

F = TypeVar("F", bound=Callable[..., Any])

SET = click.option("--set", "set_values", multiple=True, metavar="PATH=VALUE", expose_value=False, help="Change the "
                   "run's recipe where it no longer fits: networks.encoder.width=32; null takes an option out.",
                   callback=lambda context, _, given: context.ensure_object(Session).overrides.extend(given))
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")


def RUN(command: F) -> F:
    """Add the argument RUN to a command, and the option `--set` for runs that no longer fit."""
    return click.argument("run", metavar="RUN", type=click.Path(path_type=Path))(SET(command))


def overrides_given() -> list[str]:
    """Return the changes of a run's recipe that the command line gives by `--set`."""
    context = click.get_current_context(silent=True)
    return [] if context is None else context.ensure_object(Session).overrides


def out_option(default: str) -> Callable[[F], F]:
    """Return the option `--out` for a picture."""
    return click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path(default),
                        show_default=True, metavar="FILE", help="The picture to write.")


def model_of(run: Path, device: str) -> Model:
    """Load the trained model of a run.  Raises UnbraidError."""
    from unbraid.engine import device_of
    from unbraid.model import load

    return load(run, device=str(device_of(device)), overrides=overrides_given())


def write(out: Path, picture: Tensor) -> None:
    """Write a picture and print its path."""
    from unbraid.runs import write_image

    echo(f"wrote {write_image(out, picture)}")


def factors_of(model: Model, wanted: tuple[str, ...]) -> list[str]:
    """Return the factors that the user names, or all.  Raises UnbraidError that suggests the nearest name."""
    from unbraid.model import ModelError
    from unbraid_registry import closest

    names = model.layout.all_names
    for name in wanted:
        if name not in names:
            raise ModelError(f"the code has no factor {name!r}; it has {', '.join(names)}", hint=closest(name, names))
    return list(wanted or model.layout.names)
