"""3D Shapes (Burgess and Kim 2018): an object in a room, all combinations of six factors."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import Images, source
from unbraid_plugins.shared.published.grids import value_fields
from unbraid_plugins.shared.published.hdf5 import dataset
from unbraid_plugins.shared.published.mapped_arrays import mapped
from unbraid_plugins.shared.sources.hdf5_file import opened_hdf5
from unbraid_plugins.shared.sources.sizes import existing

FACTORS = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
AT_ONCE = 4096                                     # images
MOST = 32 << 30                                    # bytes of unpacked images


@source
@attrs.frozen(kw_only=True)
class Shapes3d:
    """3D Shapes (Burgess and Kim 2018), its file 3dshapes.h5 (extra `data`), 64 x 64 RGB.

    Fields: floor_hue, wall_hue, object_hue, scale, shape, orientation, whose classes are the values in the file by
    size. The images are unpacked once into the cache, 5.9 GB, and mapped from there.
    """

    path: str

    def open(self) -> Images:
        """Return the images and their factors."""
        path = existing(self.path, folder=False)
        with opened_hdf5(path, " of this set", "fetch it again, with: unbraid data get") as opened:
            packed, labels = dataset(opened, "images", "u", 4), dataset(opened, "labels", "f", 2)
            if packed.dtype != np.uint8 or packed.shape[-1] != 3 or labels.shape != (len(packed), len(FACTORS)) or (
                    int(np.prod(packed.shape, dtype=object)) > MOST):
                raise ValueError(f"its images are {packed.dtype} {packed.shape}, its labels {labels.shape}")

            def fill(array: np.ndarray) -> None:
                for i in range(0, len(array), AT_ONCE):
                    array[i:i + AT_ONCE] = packed[i:i + AT_ONCE]

            return Images(mapped(path, packed.shape, fill), value_fields(labels[:], FACTORS))
