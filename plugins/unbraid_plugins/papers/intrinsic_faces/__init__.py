"""Neural face editing with intrinsic image disentangling (Shu, Yumer, Hadap, Sunkavalli, Shechtman, Samaras 2017).

The method is the recipe `intrinsic-faces`. This package has the paper's networks, its gauge and its energy critic;
`sh_lambert` and `matte_compose` of the plugin opengl put the layers together. docs/methods/intrinsic_faces.md maps the
equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.intrinsic_faces.edits import contact_sheet, quotient, towards, traversal
from unbraid_plugins.papers.intrinsic_faces.energy import EnergyAutoencoder, energy, tell_apart
from unbraid_plugins.papers.intrinsic_faces.labels import ball, oval
from unbraid_plugins.papers.intrinsic_faces.layers import unit_normals, white_shading
from unbraid_plugins.papers.intrinsic_faces.networks import Encoder, LightDecoder, MapDecoder

__all__ = ["traversal", "unbraid_components"]


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks, losses and operations."""
    return [Encoder, MapDecoder, LightDecoder, EnergyAutoencoder, unit_normals, white_shading, energy, tell_apart, oval,
            ball, towards, quotient, contact_sheet]
