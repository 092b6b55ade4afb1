"""`unbraid render`: a mesh, or one that a trained model makes, as pictures, turntables and files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.film import MOVING, STILL, write_film, write_still
from unbraid_plugins.opengl.learned import FROM_IMAGES, FROM_NOISE, learned_mesh
from unbraid_plugins.opengl.mesh_file import FORMATS, read_mesh, write_mesh
from unbraid_plugins.opengl.showing import LAYERS, Look, fitted, sheet, surroundings, views

FRAMES = 36                                        # of a turntable
MOST = 2**28                                       # pixels of a sheet or a film


def finite(_: click.Context, __: click.Parameter, given: Any) -> Any:
    """A number, several or none, as they are.  Raises a usage error where one is NaN or infinite."""
    numbers = given if isinstance(given, tuple) else () if given is None else (given,)
    if not all(map(math.isfinite, numbers)):
        raise click.BadParameter("expected a finite number")
    return given


def size_of(_: click.Context, __: click.Parameter, text: str) -> tuple[int, int]:
    """`256`, or `320x240` for width x height, as (height, width).  Raises a usage error."""
    numbers = text.lower().split("x")
    if len(numbers) > 2 or not all(n.isdecimal() and 0 < int(n) <= 4096 for n in numbers):
        raise click.BadParameter(f"{text!r} is no size; expected pixels up to 4096, like 256 or 320x240")
    return int(numbers[-1]), int(numbers[0])


def lamp_of(_: click.Context, __: click.Parameter, text: str) -> tuple[float, float] | None:
    """`-20,35` in degrees as radians, `none` as None.  Raises a usage error."""
    if text == "none":
        return None
    try:
        azimuth, elevation = (math.radians(float(n)) for n in text.split(","))
        if not math.isfinite(azimuth + elevation):
            raise ValueError
    except ValueError:
        raise click.BadParameter(f"{text!r} is no place of a lamp; expected AZIMUTH,ELEVATION in degrees, or none"
                                 ) from None
    return azimuth, elevation


@click.command("render")
@click.argument("scene", type=click.Path(path_type=Path), metavar="MESH|RUN")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("render.png"), show_default=True,
              metavar="FILE", help="A picture (.png .jpg .webp), a turntable (.gif .webp .apng .mp4), or a mesh (.obj "
              ".ply .glb).")
@click.option("--views", "count", type=click.IntRange(1, 360), metavar="N",
              help=f"From how many sides: more than one make a contact sheet (default: 1; of a turntable {FRAMES}).")
@click.option("--show", "layers", multiple=True, type=click.Choice(LAYERS), default=["colour"], show_default=True,
              help="What is drawn; may be given several times.")
@click.option("--size", default="256", show_default=True, callback=size_of, metavar="N|WxH",
              help="Of a view, in pixels.")
@click.option("--azimuth", default=30.0, show_default=True, callback=finite, metavar="DEGREES",
              help="Of the camera, 0 in front (+z), growing to its right (+x).")
@click.option("--elevation", "elevations", multiple=True, default=[20.0], show_default=True,
              type=click.FloatRange(-90, 90), callback=finite, metavar="DEGREES",
              help="Of the camera; each one given is a row of a contact sheet.")
@click.option("--distance", type=click.FloatRange(0, min_open=True), callback=finite, metavar="X",
              help="Of the camera, in radii of the mesh (default: as near as it fits in).")
@click.option("--fov", "field_of_view", default=30.0, show_default=True, type=click.FloatRange(1, 170), callback=finite,
              metavar="DEGREES", help="The camera's angle from bottom to top.")
@click.option("--light", "lamp", default="-20,35", show_default=True, callback=lamp_of, metavar="A,E|none",
              help="Azimuth and elevation of a lamp, as the camera sees it; none shows the colours alone.")
@click.option("--ambient", default=0.35, show_default=True, type=click.FloatRange(0, 1), callback=finite, metavar="X",
              help="How much of the light comes from everywhere.")
@click.option("--background", default="white", show_default=True, metavar="COLOUR|FILE|none",
              help="A colour (navy, #203040), a picture of all that is around, or none: transparent.")
@click.option("--flat", is_flag=True, help="Every face has one shade.")
@click.option("--shape-alone", is_flag=True, help="Without the mesh's colours and textures.")
@click.option("--unscaled", is_flag=True, help="Leave the mesh where it is and as large as it is.")
@click.option("--rate", default=15.0, show_default=True, type=click.FloatRange(1, 60), callback=finite, metavar="X",
              help="Frames of a turntable in a second.")
@click.option("--backend", type=click.Choice(["auto", "gl", "torch"]), default="auto", show_default=True,
              help="Who finds the faces: OpenGL or torch.")
@click.option("--image", type=click.Path(path_type=Path), metavar="FILE",
              help=f"Of a run: the picture whose mesh is drawn, by the function {FROM_IMAGES}(x).")
@click.option("--function", metavar="NAME", help="Of a run: a function of one image or code that gives a mesh "
              f"(default: {FROM_IMAGES}; without --image {FROM_NOISE}).")
@click.option("--seed", default=0, show_default=True, help="Of a run: of the noise that a mesh is made of.")
def command(scene: Path, out: Path, count: int | None, layers: tuple[str, ...], size: tuple[int, int], azimuth: float,
            elevations: tuple[float, ...], unscaled: bool, rate: float, shape_alone: bool, image: Path | None,
            function: str | None, seed: int, background: str, field_of_view: float, **options: Any) -> None:
    """Draw a mesh, or one that a model made, as a picture, contact sheet or turntable.

    \b
    unbraid render spot.obj                                     a picture: render.png
    unbraid render spot.obj --views 8 --show colour --show depth --show normals
    unbraid render spot.obj --out spot.gif                      a turntable
    unbraid render runs/cars --image car.png --out car.glb      what a model sees in a picture, as a mesh
    """
    suffix = out.suffix.lower()
    moving = suffix in MOVING and (suffix not in STILL or (count or 1) > 1)
    if suffix not in (*STILL, *MOVING, *FORMATS):
        raise click.BadParameter(f"no format {suffix or 'without a suffix'}; there is "
                                 f"{', '.join(dict.fromkeys((*STILL, *MOVING, *FORMATS)))}", param_hint="--out")
    if scene.is_dir():
        from unbraid import load

        mesh = learned_mesh(load(scene), image, function=function, seed=seed)
    elif not scene.exists() and scene.suffix.lower() not in FORMATS:
        raise UnbraidError(f"neither a run nor a mesh file at {scene}",
                           hint=f"a run is a folder, a mesh a file that ends in {', '.join(FORMATS)}")
    elif image is not None or function is not None:
        raise click.UsageError("--image and --function are for runs, and this is a file")
    else:
        mesh = read_mesh(scene, materials=not shape_alone)
    if suffix in FORMATS:
        click.echo(f"wrote {write_mesh(out, mesh)}")
        return
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
    click.echo(f"wrote {out}: {sides} of {len(mesh.faces):,} faces" + (f", {number / rate:.1f} s" if moving else ""))


def contact(rows: Sequence[Iterator[list[np.ndarray]]], layers: int) -> Iterator[list[np.ndarray]]:
    """The rows of a contact sheet: for each elevation a row of each layer; a single one is broken into several."""
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
    """What a background's name means: a colour, a picture's surroundings, or nothing.  Raises a usage error."""
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
