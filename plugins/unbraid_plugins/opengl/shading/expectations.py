"""Checks of a scene before it is drawn: its parts, numbers that would give a blank picture, and the camera's range."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid.values import tensors
from unbraid_plugins.opengl.numerics.ranges import expect_colours, expect_floats, expect_size
from unbraid_plugins.opengl.scene.background import Panorama
from unbraid_plugins.opengl.scene.camera import Camera
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight, Light
from unbraid_plugins.opengl.scene.mesh import Mesh


def expect_scene(mesh: Any, camera: Any, light: Any, background: Any, size: Any) -> tuple[int, int]:
    """Return the size of the images.  Raises UnbraidError where a part of the scene is of another kind."""
    for part, found, kinds in (("mesh", mesh, (Mesh,)), ("camera", camera, (Camera,)),
                               ("light", light, (HarmonicLight, DirectionalLight, type(None))),
                               ("background", background, (Tensor, Panorama, type(None)))):
        if not isinstance(found, kinds):
            names = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
            raise UnbraidError(f"a scene whose {part} is a {type(found).__name__}", hint=f"expected a {names}")
    expect_floats("the mesh's vertices", mesh.vertices)
    return expect_size(size)


def expect_numbers(mesh: Mesh, camera: Camera, light: Light | None) -> None:
    """Raise UnbraidError where colours, the camera or the light would give a blank picture."""
    expect_colours("the mesh's colours", mesh.colours)
    expect_colours("the mesh's texture", mesh.texture)
    expect_colours("the mesh's emission", mesh.emission)
    with torch.no_grad():
        view, projection = camera.view.double(), camera.projection.double()
        for part, found in (("camera", (view, projection)), ("light", tuple(tensors(light)))):
            if not all(bool(t.isfinite().all()) for t in found):
                raise UnbraidError(f"the {part} has numbers that are not finite", hint="expected finite numbers")
        last = view[:, 3] - view.new_tensor([0.0, 0, 0, 1])
        if bool((last.abs() > 1e-3).any()) or bool((torch.linalg.det(view) == 0).any()):
            raise UnbraidError("the camera's view is no movement: its last row is not 0 0 0 1, or its determinant 0",
                               hint="the view comes first, then the projection; orbiting, looking or opencv_camera "
                               "makes it")
        if bool((torch.linalg.det(projection) == 0).any()):
            raise UnbraidError("the camera's projection has the determinant 0, so that it shows nothing",
                               hint="make it by perspective or orthographic")
        if isinstance(light, DirectionalLight):
            expect_colours("the light's colour", light.colour)
            expect_colours("the light's ambient", light.ambient)
            if not bool((light.direction != 0).any(1).all()):
                raise UnbraidError("the light has the direction 0", hint="expected a direction towards the lamp")


def tell_what_is_cut_off(clip: Tensor) -> None:
    """Warn where all of the scene is in front of the camera, but nearer than it sees, or farther."""
    z, w = clip.detach()[..., 2], clip.detach()[..., 3]
    if not z.numel() or bool(z[0, 0].abs() <= w[0, 0]):
        return
    for beyond, reason in ((z > w, "farther than the camera sees: raise `far`, which may be infinite"),
                           (z < -w, "nearer than the camera sees: lower `near`")):
        if bool((beyond & (w > 0)).all()):
            warnings.warn(f"the picture is empty: all of the mesh is {reason}", stacklevel=5)
