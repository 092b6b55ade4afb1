"""`unbraid call`: any function of a model, on images, clips and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid.cli import DEVICE, RUN, model_of
from unbraid_registry.files import to_json
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from unbraid.model import Model


@click.command("call", context_settings={"ignore_unknown_options": True})
@RUN
@click.argument("function", metavar="FUNCTION")
@click.argument("arguments", nargs=-1, metavar="[FILE|NUMBERS ...]")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="What to write: a picture, a film (.gif, .webp, .apng, .mp4), a folder of frames, or .json "
                   "(default: FUNCTION.png, FUNCTION.gif, or numbers on the screen).")
@click.option("--frames", type=click.IntRange(1), metavar="N", help="Take only the first N frames of a clip.")
@click.option("--scale", type=click.IntRange(1, 32), metavar="N",
              help="Enlarge each pixel of a picture or film N times (default: small images to about 64 pixels).")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of what is random in the function.")
@DEVICE
def command(run: Path, function: str, arguments: tuple[str, ...], out: Path | None, frames: int | None,
            scale: int | None, seed: int, device: str) -> None:
    """Call any function that the recipe declares.

    \b
    unbraid call RUN analogy a.png b.png                    two images, one for each parameter
    unbraid call RUN predict clip.gif --out next.gif        a clip: an animated picture, or a folder of frames
    unbraid call RUN encode a.png                           numbers, on the screen or into a .json
    unbraid call RUN turn a.png 0.3,-1                      numbers, where a parameter is no image

    A function that takes several images takes their files in the order of its parameters. Images and frames are scaled
    to fill the size of the training images, and cut around their middle.
    """
    from unbraid_plugins.tools.calling.outputs import as_numbers, write_result
    from unbraid_plugins.tools.display import scale_for

    model = model_of(run, device)
    given = read_arguments(model, function, arguments, frames)
    result = model(function, *given, seed=seed)
    written = write_result(result, out, function, scale or scale_for(model.image_shape))
    for path in written[:1] + written[1:][-1:]:
        echo(f"wrote {path}" if len(written) == 1 or path == written[0] else f"  to {path}")
    if not written:
        echo(to_json(as_numbers(result), indent=1))


def read_arguments(model: Model, function: str, texts: tuple[str, ...], frames: int | None) -> list[Any]:
    """Return the arguments of a function, read from files or parsed as numbers.  Raises ModelError, PictureError."""
    from unbraid.model import ModelError
    from unbraid_plugins.tools.calling.kinds import kinds_of
    from unbraid_registry import closest

    if function not in model.functions:
        known = "; ".join(signature(model, name) for name in model.functions) or "none"
        raise ModelError(f"the model has no function {function!r}", hint=closest(function, model.functions)
                         or f"it has {known}")
    kinds = kinds_of(model, function)
    if unknown := [text for text in texts if text.startswith("--")]:
        raise click.UsageError(f"No such option: {unknown[0]}")
    if len(texts) != len(kinds):
        raise ModelError(f"{signature(model, function)} takes {len(kinds)} arguments, found {len(texts)}",
                         hint="one file or list of numbers for each parameter")
    if frames is not None and "clip" not in kinds.values():
        raise ModelError(f"{signature(model, function)} takes no clip: --frames means nothing to it")
    return [_argument(model, function, name, kind, text, frames)
            for (name, kind), text in zip(kinds.items(), texts, strict=True)]


def signature(model: Model, function: str) -> str:
    """Return a function with the kinds of its parameters: predict(seen: clip)."""
    from unbraid_plugins.tools.calling.kinds import kinds_of

    return f"{function}({', '.join(f'{name}: {kind}' for name, kind in kinds_of(model, function).items())})"


def _argument(model: Model, function: str, name: str, kind: str, text: str, frames: int | None) -> Any:
    import torch

    from unbraid.model import ModelError
    from unbraid.values import Label, plain, tensors
    from unbraid_plugins.tools.calling.clip_files import read_clip

    known = model.method.parameters[function].get(name)
    if kind == "image":
        return model.images(text)
    if kind == "clip":
        return read_clip(model, Path(text).expanduser(), frames)
    try:
        numbers = [float(n) for n in text.split(",")]
    except ValueError:
        raise ModelError(f"{name} of {signature(model, function)} is given as numbers, 0.3,-1; found {text!r}",
                         hint="only what the recipe calls with images takes a file") from None
    if isinstance(known, Label):
        return torch.tensor(numbers).long()
    wanted = None if known is None else next(tensors(plain(known))).shape[1:]
    if wanted is not None and len(wanted) == 1 and len(numbers) != wanted[0]:
        raise ModelError(f"{name} of {signature(model, function)} has {wanted[0]} numbers; found {len(numbers)}")
    return torch.tensor([numbers])
