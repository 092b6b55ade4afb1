"""`unbraid export`: write functions of a trained model for other programs, and codes as tables."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid.cli import DEVICE, RUN, columns as in_columns, overrides_given
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from unbraid_plugins.tools.export import Exported

OF_PROGRAMS = {"factors": "--factor", "batch": "--batch", "tolerance": "--tolerance"}
OF_TABLES = {"source": "--source", "split": "--split", "images": "--images"}
EVERY = 10.0                                       # seconds between lines about the progress


@click.command("export")
@RUN
@click.argument("function", metavar="FUNCTION")
@click.option("--to", required=True, metavar="PATH", help="The file to write; for the projector, a folder.")
@click.option("--format", "form", type=click.Choice(["onnx", "torch", "npz", "parquet", "projector"]),
              help="The format, where PATH does not tell.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--factor", "factors", multiple=True, metavar="NAME",
              help="For swap: a factor that comes from the second image; may be given several times.")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Fix the size of the batch (default: any size).")
@click.option("--seed", type=click.IntRange(0), metavar="N",
              help="Keep the noise of this seed in the program (default: noise is an input); of --images.")
@click.option("--tolerance", type=click.FloatRange(0, min_open=True), metavar="X",
              help="How far the program may be from the model, as a part of its largest number, at least of 1 "
              "(default: 0.0001).")
@click.option("--source", metavar="NAME", help="Of the images, where the recipe has several sources.")
@click.option("--split", metavar="NAME", help="Of which images: test, train, ..., all (default: test if there is one).")
@click.option("--images", type=click.IntRange(1), metavar="N",
              help="At most so many images, at random (default: all; 10000 for the projector).")
@click.option("--step", type=click.IntRange(0), metavar="N", help="The checkpoint (default: the last).")
@DEVICE
def command(run: Path, function: str, to: str, form: str | None, force: bool, seed: int | None, step: int | None,
            device: str, **options: Any) -> None:
    """Write a function as a program, or codes as a table.

    \b
    FUNCTION   encode, decode, ...: a function of the recipe
               codes              the codes of images
               reconstruct        decode(encode(x))
               swap               a with the --factor of b
    PATH       .onnx              for onnxruntime and others; checked with it
               .pt2               for torch.export.load
               .npz, .parquet     codes with known factors, of all images
               a folder           the same, for TensorBoard's embedding projector

    A program takes batches of any size. It is run on images of the run's data and compared with the model.
    """
    from unbraid_plugins.tools.export import export_codes, export_function
    from unbraid_plugins.tools.export.formats import TABLES, format_of

    chosen = format_of(to, form)
    table = chosen in TABLES
    foreign = [flag for name, flag in (OF_PROGRAMS if table else OF_TABLES).items() if options[name]]
    if foreign:
        raise click.UsageError(f"{foreign[0]} is not for {'codes' if table else 'programs'} ({chosen})")
    from unbraid.model import load

    if table:
        model = load(run, device=device_name(device), step=step, overrides=overrides_given())
        done = export_codes(model, to, function=function, format=form, source=options["source"],
                            split=options["split"], images=options["images"], seed=seed or 0, force=force,
                            tell=Teller())
        echo(f"wrote {done.path}: {done.images:,} images ({', '.join(done.splits)}), {len(done.columns)} numbers "
                   f"({done.columns[0]} ... {done.columns[-1]}), "
                   f"{'factors ' + ', '.join(done.factors) if done.factors else 'no known factors'}")
        if done.format == "projector":
            echo(f"  look at it: tensorboard --logdir {shlex.quote(str(done.path))}")
        return
    tolerance = {} if options["tolerance"] is None else {"tolerance": options["tolerance"]}
    model = load(run, step=step, overrides=overrides_given())
    describe(export_function(model, function, to, format=form, factors=options["factors"],
                             batch=options["batch"], seed=seed, force=force, **tolerance))


def device_name(device: str) -> str:
    """Return the name of a device; `auto` becomes the chosen one."""
    from unbraid.engine import device_of

    return str(device_of(device))


def describe(done: Exported) -> None:
    """Print what was written and how close it is to the model."""
    echo(f"wrote {done.path}")
    rows = [[way, port.name, port.dtype, " x ".join(map(str, port.shape)) or "a number",
             port.about.get("distribution", "") and f"{port.about['distribution']} noise"]
            for way, ports in (("takes", done.inputs), ("gives", done.outputs)) for port in ports]
    echo(in_columns(rows, indent="  "))
    near = done.agreement
    echo(f"  compared with the model on {near.of}: it differs by at most {near.largest:.2g}"
               f"{f' ({near.output})' if len(done.outputs) > 1 else ''}, allowed {near.allowed:.2g}")


class Teller:
    """Progress printer that reports at most every 10 seconds how many images are encoded."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` images are encoded."""
        if time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            echo(f"encoded {done:,} of {total:,} images", err=True)
