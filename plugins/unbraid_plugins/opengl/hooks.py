"""Plugin hooks of the renderer: its components, the source that it draws, and a line for `unbraid doctor`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the renderers, and the sources that they draw."""
    from unbraid_plugins.opengl.boxes import TexturedBoxes
    from unbraid_plugins.opengl.faces.source import MorphableFaces
    from unbraid_plugins.opengl.faces.turning import FaceTurner
    from unbraid_plugins.opengl.image_renderers import MatteCompose, ShLambert
    from unbraid_plugins.opengl.margin_renderer import Margin
    from unbraid_plugins.opengl.mesh_folder import MeshFolder
    from unbraid_plugins.opengl.renderer import MeshRenderer

    return [MeshRenderer, Margin, ShLambert, MatteCompose, FaceTurner, MorphableFaces, TexturedBoxes, MeshFolder]


@hookimpl
def unbraid_doctor() -> list[tuple[str, str, bool]]:
    """Report whether OpenGL draws here without a window, and on which device."""
    from unbraid_plugins.opengl.raster.gl_context import new_context

    try:
        context = new_context()
    except Exception as error:                     # whatever a driver raises
        reason = " ".join(str(error).split()) or type(error).__name__
        return [("opengl", f"no context without a window (EGL): {reason[:120]}; drawing falls back to torch", False)]
    try:
        return [("opengl", f"{context.info['GL_RENDERER']}, OpenGL {context.version_code / 100:.1f}", True)]
    finally:
        context.release()
