"""`unbraid render`: a mesh, or one that a trained model makes, as pictures, turntables and files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from unbraid.cli import SET
from unbraid_plugins.opengl.viewing.choices import FRAMES, FROM_IMAGES, FROM_NOISE, LAYERS, NORMALS
from unbraid_registry.terminal import echo


def finite(_: click.Context, __: click.Parameter, given: Any) -> Any:
    """Return a number, several numbers or None unchanged.  Raises a usage error where a number is NaN or infinite."""
    numbers = given if isinstance(given, tuple) else () if given is None else (given,)
    if not all(map(math.isfinite, numbers)):
        raise click.BadParameter("expected a finite number")
    return given


def size_of(_: click.Context, __: click.Parameter, text: str) -> tuple[int, int]:
    """Parse `256`, or `320x240` for width x height, as (height, width).  Raises a usage error."""
    numbers = text.lower().split("x")
    if len(numbers) > 2 or not all(n.isdecimal() and 0 < int(n) <= 4096 for n in numbers):
        raise click.BadParameter(f"{text!r} is no size; expected pixels up to 4096, like 256 or 320x240")
    return int(numbers[-1]), int(numbers[0])


def lamp_of(_: click.Context, __: click.Parameter, text: str) -> tuple[float, float] | None:
    """Parse `-20,35` in degrees as radians, `none` as None.  Raises a usage error."""
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


def normals_of(_: click.Context, __: click.Parameter, text: str | None) -> str | float | None:
    """Parse `file`, `smooth`, `flat` or an angle in degrees.  Raises a usage error."""
    if text is None or text in NORMALS:
        return text
    try:
        angle = float(text)
    except ValueError:
        angle = math.nan
    if not 0 <= angle <= 180:
        raise click.BadParameter(f"{text!r} is no choice; expected {', '.join(NORMALS)}, or degrees from 0 to 180")
    return angle


@click.command("render")
@SET
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
@click.option("--normals", callback=normals_of, metavar="file|smooth|flat|DEGREES",
              help="Of a file: hard edges as it has them, none, all, or those beyond an angle (default: file).")
@click.option("--cull", is_flag=True, help="Leave out faces seen from inside.")
@click.option("--mipmaps", is_flag=True, help="Average textures that are finer than the picture.")
@click.option("--textures", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="FOLDER",
              help="Of a file: one more folder where its textures may be.")
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
def command(**options: Any) -> None:
    """Draw a mesh, or one that a model made, as a picture, contact sheet or turntable.

    \b
    unbraid render spot.obj                                     a picture: render.png
    unbraid render spot.obj --views 8 --show colour --show depth --show normals
    unbraid render spot.obj --out spot.gif                      a turntable
    unbraid render runs/cars --image car.png --out car.glb      what a model sees in a picture, as a mesh
    """
    from unbraid_plugins.opengl.viewing.render import render

    echo(f"wrote {render(**options)}")
