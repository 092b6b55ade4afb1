"""Choices of the command line, kept light so that the help loads no numerical library."""

from __future__ import annotations

from typing import Literal, get_args

Layer = Literal["colour", "depth", "normals", "alpha"]
LAYERS: tuple[str, ...] = get_args(Layer)
FROM_IMAGES, FROM_NOISE = "mesh_of", "solid"       # functions of recipes that return a mesh
NORMALS = ("file", "smooth", "flat")                # or an angle
FRAMES = 36                                        # of a turntable
