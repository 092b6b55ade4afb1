"""`unbraid translate`: images of one domain in another."""

from __future__ import annotations

from pathlib import Path

import click

from unbraid.cli import DEVICE, RUN, model_of, out_option, write
from unbraid_registry.terminal import echo


@click.command("translate")
@RUN
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="A.png [B.png ...]")
@click.option("--from", "source", metavar="DOMAIN", help="The domain of the images (with --to alone: the other one).")
@click.option("--to", "target", metavar="DOMAIN", help="The domain that they should be in.")
@out_option("translate.png")
@DEVICE
def command(run: Path, images: tuple[Path, ...], source: str | None, target: str | None, out: Path,
            device: str) -> None:
    """Translate images from one domain to another.

    The picture has the images, their translations below them, and at the bottom the translations back, if the model has
    the reverse function. The domains are those of the recipe's functions: `a_to_b(x)`.
    """
    model = model_of(run, device)
    source, target = direction(list(model.translations), source, target)
    from unbraid_plugins.tools.editing.pictures import translations

    write(out, translations(model, model.images(list(images)), source, target))
    says = [f"the images ({source})", f"translated to {target}"]
    if (target, source) in model.translations:
        says.append(f"and back to {source}")
    for number, text in enumerate(says, 1):
        echo(f"  row {number}: {text}")


def direction(known: list[tuple[str, str]], source: str | None, target: str | None) -> tuple[str, str]:
    """Return the source and the target domain: the only pair that fits the user's choice.

    Raises UnbraidError where no pair fits, or several.
    """
    from unbraid.model import ModelError

    fitting = [(a, b) for a, b in known if source in (None, a) and target in (None, b)]
    if len(fitting) == 1:
        return fitting[0]
    possible = ", ".join(f"--from {a} --to {b}" for a, b in known)
    if not known:
        raise ModelError("the model does not translate: its recipe has no function between domains",
                         hint="such a function is called  a_to_b(x)")
    wanted = " ".join(f"--{name} {v}" for name, v in (("from", source), ("to", target)) if v) or "nothing"
    raise ModelError(f"the model does not translate so: {wanted}" if not fitting else
                     f"{wanted} does not say from where to where", hint=f"possible: {possible}")
