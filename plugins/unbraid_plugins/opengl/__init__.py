"""A differentiable renderer of triangle meshes: OpenGL finds the faces, torch does the rest.

Scenes: `mesh.Mesh`, `camera.Camera`, `light.HarmonicLight` and `DirectionalLight`, a background. `drawing.draw` renders
them outside of recipes, `mesh_file.read_mesh` and `write_mesh` are for files.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.opengl.margin_renderer import Margin
from unbraid_plugins.opengl.renderer import MeshRenderer


@hookimpl
def unbraid_components() -> list[Any]:
    """The renderers."""
    return [MeshRenderer, Margin]


@hookimpl
def unbraid_commands() -> list[Any]:
    """`unbraid render`."""
    from unbraid_plugins.opengl.command import command

    return [command]
