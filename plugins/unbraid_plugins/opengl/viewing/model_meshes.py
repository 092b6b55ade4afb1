"""Meshes that trained models make, of images and of noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.mesh_files import write_mesh
from unbraid_plugins.opengl.viewing.choices import FROM_IMAGES, FROM_NOISE

if TYPE_CHECKING:
    from unbraid import Model
from unbraid_plugins.opengl.scene.mesh import Mesh


def learned_mesh(model: Model, image: Any = None, *, function: str | None = None, seed: int = 0) -> Mesh:
    """Return the mesh that a model makes of an image, or of noise without an image.

    image: an input of the model's functions, a path, a picture, or a tensor (B, C, H, W) in [0, 1].
    function: one of the recipe's, with one parameter; by default `mesh_of` of an image, `solid` of noise.
    seed: of the noise.

    Raises UnbraidError for a model without such a function, and for a function that returns no mesh.
    """
    import torch

    from unbraid_plugins.opengl.scene.mesh import Mesh

    name = function or (FROM_NOISE if image is None else FROM_IMAGES)
    parameters = model.functions.get(name)
    if parameters is None or len(parameters) != 1:
        known = ", ".join(f"{n}({', '.join(p)})" for n, p in model.functions.items())
        raise UnbraidError(f"the model has no function {name}(x) that could give a mesh",
                           hint=f"choose another function: {known}")
    with torch.no_grad():
        found = model(name, _noise(model, name, parameters[0], seed) if image is None else image, seed=seed)
    if not isinstance(found, Mesh):
        raise UnbraidError(f"{name}({parameters[0]}) gives a {type(found).__name__}, not a mesh",
                           hint="a mesh is made by an operation such as shape3d.mesh(surface, texture)")
    return found


def export_mesh(model: Model, file: Path | str, image: Any = None, *, function: str | None = None,
                seed: int = 0) -> Path:
    """Write `learned_mesh` as .obj, .ply or .glb; of several images the first one's.  Raises UnbraidError."""
    return write_mesh(file, learned_mesh(model, image, function=function, seed=seed))


def _noise(model: Model, function: str, parameter: str, seed: int) -> Any:
    """Return normal numbers of the shape that a function was checked with.  Raises UnbraidError."""
    import torch

    known = model.method.parameters[function].get(parameter)
    if not isinstance(known, torch.Tensor) or known.ndim == 4:
        raise UnbraidError(f"{function}({parameter}) does not make a mesh of noise alone", hint="give it an image")
    return torch.randn(1, *known.shape[1:], generator=torch.Generator().manual_seed(seed))
