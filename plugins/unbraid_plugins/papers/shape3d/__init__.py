"""3D from collections of single images (Szabó & Favaro 2018; Szabó, Meishvili, Favaro 2019).

The method is the recipe `shape3d`. This package has its scenes, viewpoints, priors and generator. README.md lists the
differences from the papers.
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
    """Return the generator, the viewpoints, the meshes and the priors."""
    return [Surfaces, mesh, viewpoints, towards, angles, roughness, oversize, beyond]
