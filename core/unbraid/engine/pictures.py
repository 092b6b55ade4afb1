"""Pictures that plugins make of a training: images and meshes, by the hook `unbraid_pictures`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from unbraid.runs import Picture
from unbraid_registry import UnbraidError, registry


def pictures_from_plugins(**arguments: Any) -> dict[str, Picture]:
    """Return the pictures of all plugins by name; if a name is taken, the later plugin's name is put before it.

    arguments: the arguments of the hook.
    """
    found: dict[str, Picture] = {}
    for plugin, shown in registry().call_by_plugin("unbraid_pictures", check=_checked, **arguments).items():
        found |= {name if name not in found else f"{plugin}-{name}": picture for name, picture in shown.items()}
    return found


def _checked(shown: Any) -> dict[str, Picture]:
    """Check the pictures that a plugin returned, and return them.  Raises UnbraidError."""
    if not isinstance(shown, Mapping):
        raise UnbraidError(f"it returned {type(shown).__name__}; expected name -> picture")
    for name, picture in shown.items():
        if not (isinstance(name, str) and re.fullmatch(r"[\w-]+", name)):
            raise UnbraidError(f"{name!r} can't be a picture's name: letters, digits, _ and - make a file's")
        is_image = isinstance(picture, Tensor) and picture.ndim == 3 and picture.shape[0] in (1, 3)
        is_mesh = isinstance(picture, tuple) and len(picture) == 3
        if not is_image and not is_mesh:
            what = f"a tensor of shape {tuple(picture.shape)}" if isinstance(picture, Tensor) else (
                type(picture).__name__)
            raise UnbraidError(f"the picture {name!r} is {what}; expected an image (C, H, W), or a mesh (vertices, "
                               "faces, colours)")
    return dict(shown)
