"""Scenes: meshes and their files, cameras, lights, backgrounds, textures."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.opengl.scene.background import Background as Background, Panorama as Panorama, filled as filled
    from unbraid_plugins.opengl.scene.camera import (
        Camera as Camera,
        looking as looking,
        orbiting as orbiting,
        orthographic as orthographic,
        perspective as perspective,
    )
    from unbraid_plugins.opengl.scene.light import (
        DirectionalLight as DirectionalLight,
        HarmonicLight as HarmonicLight,
        Light as Light,
    )
    from unbraid_plugins.opengl.scene.materials import Materials as Materials
    from unbraid_plugins.opengl.scene.mesh import Mesh as Mesh
    from unbraid_plugins.opengl.scene.mesh_files import (
        FORMATS as FORMATS,
        is_mesh as is_mesh,
        read_mesh as read_mesh,
    )
    from unbraid_plugins.opengl.scene.mesh_writing import (
        WRITTEN as WRITTEN,
        write_mesh as write_mesh,
        written as written,
    )
    from unbraid_plugins.opengl.scene.opencv import opencv_camera as opencv_camera
    from unbraid_plugins.opengl.scene.texture import mipmapped as mipmapped, sampled as sampled, spots as spots
    from unbraid_plugins.opengl.scene.topology import (
        Topology as Topology,
        by_last_corner as by_last_corner,
        welding as welding,
    )
else:
    __getattr__, __dir__ = door(__name__)
