"""`unbraid pack` and `unbraid push`: a trained model as one file, and on a hub."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from unbraid.cli import RUN, overrides_given
from unbraid_registry.terminal import echo

LICENCE = click.option("--licence", default="", metavar="ID", help="Of the weights: an SPDX identifier, as CC-BY-4.0.")
DATA_LICENCE = click.option("--data-licence", default="", metavar="ID", help="Of the data that it was trained on.")


@click.command("pack")
@RUN
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The file to write (default: NAME.safetensors).")
@LICENCE
@DATA_LICENCE
@click.option("--step", type=click.IntRange(0), metavar="N", help="The checkpoint (default: the last).")
@click.option("--all", "everything", is_flag=True, help="Also the networks that no function uses, such as critics.")
@click.option("--half", is_flag=True, help="Weights in half precision.")
@click.option("--card", "with_card", is_flag=True, help="Write a model card beside it, NAME.md.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def pack_command(run: Path, to: Path | None, licence: str, data_licence: str, step: int | None, everything: bool,
                 half: bool, with_card: bool, force: bool) -> None:
    """Write a trained model as one file to pass on.

    The file has the networks that the functions use, the recipe, facts about the data, licences and scores. It has no
    paths, names of machines or people, and no data. Whoever gets it loads it as a run: unbraid edit FILE ...
    """
    from unbraid_plugins.tools.packs.card import card
    from unbraid_plugins.tools.packs.pack import Pack
    from unbraid_plugins.tools.packs.packing import write_pack
    from unbraid_registry.files import write_whole

    done = write_pack(run, to, licence=licence, data_licence=data_licence, step=step, everything=everything, half=half,
                      force=force, overrides=overrides_given())
    echo(f"wrote {done.path}: {done.size:,} bytes, {', '.join(done.networks)}")
    for line in done.left_out:
        echo(f"  left out: {line}")
    if half:
        echo(f"  half precision: weights differ by at most {done.error:.1e} of each tensor's largest")
    if not licence:
        echo("  no licence is stated; --licence says what others may do with the weights")
    if with_card:
        found = Pack.at(done.path)
        echo(f"wrote {write_whole(done.path.with_suffix('.md'), card(done.path.name, found.about, found.data))}")


@click.command("push")
@RUN
@click.argument("name", metavar="OWNER/NAME")
@LICENCE
@DATA_LICENCE
@click.option("--private", is_flag=True, help="Make the repository private where it is made.")
def push_command(run: Path, name: str, licence: str, data_licence: str, private: bool) -> None:
    """Put a run or a pack on the Hugging Face hub.

    The repository gets the pack, a model card and a picture. Others load it with unbraid.load("hub:OWNER/NAME").
    """
    from unbraid.runs import Run
    from unbraid_plugins.tools.packs.card import card
    from unbraid_plugins.tools.packs.hub import push
    from unbraid_plugins.tools.packs.pack import Pack
    from unbraid_plugins.tools.packs.packing import write_pack

    with tempfile.TemporaryDirectory(prefix="unbraid-push-") as folder:
        found = Run.at(run)
        if not isinstance(found, Pack):
            done = write_pack(run, Path(folder) / "model.safetensors", licence=licence, data_licence=data_licence,
                              overrides=overrides_given())
            found = Pack.at(done.path)
        hub = f"hub:{name}"
        echo(f"pushed: {push(found, name, card(hub, found.about, found.data), private=private)}")
    echo(f"  load it with: unbraid.load(\"{hub}\")")
