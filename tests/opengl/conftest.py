"""What the renderer's tests share: the backends that can be had here, and a camera."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_run import pictures, tiny, trained  # noqa: F401

from unbraid_plugins.opengl.raster.gl_context import why_not
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic, perspective


@pytest.fixture(params=["gl", "torch"])
def backend(request) -> str:
    """Both; OpenGL is skipped where no context can be made."""
    if request.param == "gl" and (reason := why_not()):
        pytest.skip(reason)
    return request.param


@pytest.fixture
def opengl() -> None:
    """Skips where no OpenGL context can be made."""
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture
def camera() -> Camera:
    """Three views of the origin."""
    return Camera(orbiting(torch.tensor([0.2, 1.5, 2.9]), torch.tensor([0.3, -0.2, 0.7]), 4.0),
                  perspective(math.radians(36)))


@pytest.fixture
def front() -> Camera:
    """A parallel view along -z; x and y are within [-1, 1]."""
    zero = torch.zeros(1, dtype=torch.float64)
    return Camera(orbiting(zero, zero, 4.0), orthographic(2.0).double())
