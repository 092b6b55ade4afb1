"""A differentiable renderer of triangle meshes: OpenGL finds the faces, torch does the rest.

`scene` has meshes, cameras, lights and backgrounds. `raster` finds the faces in the pixels. `shading` colours them with
gradients. `viewing` makes pictures and films. `numerics` is arithmetic that the others share. In recipes the renderer
is a component; elsewhere `draw` renders a scene, and `read_mesh` and `write_mesh` are for files.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.opengl.margin_renderer import Margin as Margin
    from unbraid_plugins.opengl.renderer import MeshRenderer as MeshRenderer
    from unbraid_plugins.opengl.scene import (
        Background as Background,
        Camera as Camera,
        DirectionalLight as DirectionalLight,
        HarmonicLight as HarmonicLight,
        Materials as Materials,
        Mesh as Mesh,
        Panorama as Panorama,
        looking as looking,
        opencv_camera as opencv_camera,
        orbiting as orbiting,
        orthographic as orthographic,
        perspective as perspective,
        read_mesh as read_mesh,
        write_mesh as write_mesh,
    )
    from unbraid_plugins.opengl.shading.draw import Rendering as Rendering, draw as draw
    from unbraid_plugins.opengl.viewing.film import write_film as write_film
else:
    __getattr__, __dir__ = door(__name__)
