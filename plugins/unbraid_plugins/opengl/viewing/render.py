"""The work of `unbraid render`: pictures, contact sheets, turntables and files of meshes from files and models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene import FORMATS, WRITTEN, is_mesh, read_mesh, written
from unbraid_plugins.opengl.viewing.choices import FRAMES
from unbraid_plugins.opengl.viewing.film import MOVING, STILL, write_film, write_still
from unbraid_plugins.opengl.viewing.model_meshes import learned_mesh
from unbraid_plugins.opengl.viewing.views import Look, fitted, sheet, surroundings, views

MOST = 2**28                                       # pixels of a sheet or a film


def render(scene: Path, out: Path, count: int | None, layers: tuple[str, ...], size: tuple[int, int], azimuth: float,
           elevations: tuple[float, ...], unscaled: bool, rate: float, shape_alone: bool, image: Path | None,
           function: str | None, seed: int, background: str, field_of_view: float, normals: str | float | None,
           textures: Path | None, **options: Any) -> str:
    """Draw a mesh file, or the mesh that a run's model makes, and return a description of the output.

    The options are those of `unbraid render --help`.  Raises UnbraidError, and usage errors.
    """
    suffix = out.suffix.lower()
    moving = suffix in MOVING and (suffix not in STILL or (count or 1) > 1)
    if suffix not in (*STILL, *MOVING, *WRITTEN):
        raise click.BadParameter(f"no format {suffix or 'without a suffix'}; there is "
                                 f"{', '.join(dict.fromkeys((*STILL, *MOVING, *WRITTEN)))}", param_hint="--out")
    if scene.is_dir() or scene.suffix == ".safetensors" or str(scene).startswith("hub:"):
        if normals is not None or textures is not None:
            raise click.UsageError("--normals and --textures are for files, and this is a run")
        from unbraid import load
        from unbraid.cli import overrides_given

        mesh = learned_mesh(load(scene, overrides=overrides_given()), image, function=function, seed=seed)
    elif not scene.exists() and not is_mesh(scene):
        raise UnbraidError(f"neither a run nor a mesh file at {scene}",
                           hint=f"a run is a folder, a mesh a file that ends in {', '.join(FORMATS)}")
    elif image is not None or function is not None:
        raise click.UsageError("--image and --function are for runs, and this is a file")
    else:
        chosen: Any = "file" if normals is None else normals
        mesh = read_mesh(scene, materials=not shape_alone, normals=chosen, textures=textures)
    if suffix in WRITTEN:
        return ", ".join(map(str, written(out, mesh)))
    mesh = mesh if unscaled else fitted(mesh)
    look = Look(size=size, field_of_view=math.radians(field_of_view), background=behind(background), **options)
    number = count or (FRAMES if moving else 1)
    pictures = number * len(elevations) * len(layers)
    if pictures * size[0] * size[1] > MOST:
        raise click.UsageError(f"{pictures} pictures of {size[1]}x{size[0]} are too many: lower --views or --size")
    azimuths = [math.radians(azimuth + 360 * i / number) for i in range(number)]
    rows = [views(mesh, look, azimuths, math.radians(e), layers) for e in elevations]
    if moving:
        write_film(out, (sheet(frame) for frame in zip(*rows, strict=True)), rate=rate)
    else:
        write_still(out, sheet(list(contact(rows, len(layers)))))
    sides = f"{number} views" if number > 1 else "a view"
    return f"{out}: {sides} of {len(mesh.faces):,} faces" + (f", {number / rate:.1f} s" if moving else "")


def contact(rows: Sequence[Iterator[list[np.ndarray]]], layers: int) -> Iterator[list[np.ndarray]]:
    """Yield the rows of a contact sheet: for each elevation a row of each layer.

    The layers of a single view are one row. A single long row is broken into several.
    """
    for row in rows:
        shots = list(row)
        if len(shots) == 1:
            yield shots[0]
            continue
        width = len(shots) if len(rows) > 1 or layers > 1 else math.ceil(math.sqrt(1.6 * len(shots)))
        for layer in range(layers):
            line = [shot[layer] for shot in shots]
            yield from (line[i:i + width] for i in range(0, len(line), width))


def behind(text: str) -> Any:
    """Return the background that a text names: a colour, the surroundings of a picture file, or None.

    Raises a usage error for an unknown name, and UnbraidError for a broken picture.
    """
    import torch
    from PIL import ImageColor

    from unbraid import BadPicture, picture_size, read_picture

    if text == "none":
        return None
    try:
        return torch.tensor([ImageColor.getrgb(text)[:3]]) / 255
    except ValueError:
        file = Path(text).expanduser()
        if not file.is_file():
            raise click.BadParameter(f"{text!r} is no colour and no picture; expected a name, #rrggbb, a file, or none",
                                     param_hint="--background") from None
    try:
        return surroundings(read_picture(file, picture_size(file), 3))
    except BadPicture as error:
        raise UnbraidError(f"can't read the picture {file}: {error}") from None
