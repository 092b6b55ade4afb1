"""3D from collections of single images (Szabó & Favaro 2018; Szabó, Meishvili, Favaro 2019).

The game itself is the recipe `shape3d`; here are its scenes, viewpoints, priors and generator. README.md says what
differs from the papers.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.shape3d.generator import Surfaces
from unbraid_plugins.papers.shape3d.priors import beyond, oversize, roughness
from unbraid_plugins.papers.shape3d.scene import mesh
from unbraid_plugins.papers.shape3d.viewpoints import angles, towards, viewpoints


@hookimpl
def unbraid_components() -> list[Any]:
    """Generator, viewpoints, meshes and priors."""
    return [Surfaces, mesh, viewpoints, towards, angles, roughness, oversize, beyond]
