"""Sources of images: folders, arrays, known data sets, and figures that our code draws."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.sources.folder import Clips, Folder
from unbraid_plugins.shared.sources.idx import Idx
from unbraid_plugins.shared.sources.moving_sprites import MovingSprites
from unbraid_plugins.shared.sources.npz import Hdf5, Npz
from unbraid_plugins.shared.sources.shapes import Shapes
from unbraid_plugins.shared.sources.sprites import Sprites
from unbraid_plugins.shared.sources.torchvision_digits import FashionMnist, Mnist, Svhn, Usps


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the bundled sources."""
    return [Folder, Clips, Npz, Hdf5, Idx, Mnist, FashionMnist, Usps, Svhn, Sprites, Shapes, MovingSprites]


@hookimpl
def unbraid_doctor() -> list[tuple[str, str, bool]]:
    """Report whether torchvision, for digits and features, is built for the installed torch."""
    from unbraid import UnbraidError
    from unbraid_plugins.shared.torchvision_pair import torchvision_part

    try:
        torchvision_part("ops")
    except UnbraidError as error:
        return [("torchvision", f"{error.message}; {error.hint}", False)]
    return [("torchvision", "built for this torch", True)]
