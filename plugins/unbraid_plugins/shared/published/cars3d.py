"""Cars of Reed et al. 2015: 183 car models from 24 sides and 4 heights, MATLAB arrays in a .tar.gz."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from pathlib import Path

import attrs
import numpy as np

from unbraid import DataError, Field, Images, open_file, source
from unbraid_plugins.shared.sources.sizes import check_size, existing, resized

MEMBER = re.compile(r"(?:\./)?data/cars/(car_\w+_mesh)\.mat", re.ASCII)
MOST_CARS = 1000
MOST_MEMBER = 256 << 20                            # bytes, packed or not
MOST_MEMBERS = 100_000


@source
@attrs.frozen(kw_only=True)
class Cars3d:
    """Cars of Reed et al. 2015, in nips2015-analogy-data.tar.gz: read by their names in it, nothing is unpacked; RGB.

    The cars are in the order of their names, which other code may number otherwise. Fields: elevation, azimuth (steps
    of 15 degrees), car.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)

    def open(self) -> Images:
        """Return the images and their factors."""
        path = existing(self.path, folder=False)
        cars = self._cars(path)
        if not cars:
            raise DataError(f"{path}: it has no data/cars/car_..._mesh.mat", hint="unbraid data get cars3d")
        names = sorted(cars)
        grids = {shape for _, shape in cars.values()}
        if len(grids) > 1:
            raise DataError(f"{path}: its cars are seen from different numbers of sides: {sorted(grids)}")
        azimuths, elevations = grids.pop()
        images = np.concatenate([cars[name][0] for name in names])
        per_car = azimuths * elevations
        view = np.tile(np.arange(per_car), len(names))
        fields = {"elevation": Field(view % elevations, elevations), "azimuth": Field(view // elevations, azimuths),
                  "car": Field(np.repeat(np.arange(len(names)), per_car), len(names), tuple(names))}
        return Images(images, fields, notes=[f"its {len(names)} cars are numbered in the order of their names"])

    def _cars(self, path: Path) -> dict[str, tuple[np.ndarray, tuple[int, int]]]:
        """Read the cars: name -> images uint8 (azimuth * elevation, 3, H, W), and the numbers of both."""
        found: dict[str, tuple[np.ndarray, tuple[int, int]]] = {}
        try:
            with open_file(path) as file, tarfile.open(fileobj=file, mode="r|*") as archive:
                for number, member in enumerate(archive):
                    if number > MOST_MEMBERS:
                        raise ValueError(f"it has more than {MOST_MEMBERS:,} members")
                    name = MEMBER.fullmatch(member.name)
                    if name is None or not member.isreg():
                        continue
                    if member.size > MOST_MEMBER or len(found) >= MOST_CARS:
                        raise ValueError(f"{member.name} has {member.size:,} bytes")
                    content = archive.extractfile(member)
                    assert content is not None
                    found[name[1]] = self._car(member.name, content.read(MOST_MEMBER))
        except (tarfile.TarError, zlib.error, EOFError, ValueError, OSError) as error:
            raise DataError(f"{path}: not a whole archive of cars: {error}", hint="fetch it again") from None
        return found

    def _car(self, name: str, content: bytes) -> tuple[np.ndarray, tuple[int, int]]:
        from scipy.io import loadmat, whosmat
        from scipy.io.matlab import MatReadError

        try:
            shapes = {n: (shape, kind) for n, shape, kind in whosmat(io.BytesIO(content))}
            shape, kind = shapes.get("im", ((), ""))
            if kind != "uint8" or len(shape) != 5 or shape[2] != 3 or np.prod(shape, dtype=object) > MOST_MEMBER:
                raise ValueError(f"{name}: its array `im` is {kind or 'not there'} {shape}, expected uint8 (H, W, 3, "
                                 "azimuths, elevations)")
            pixels = loadmat(io.BytesIO(content), variable_names=["im"])["im"]
        except (MatReadError, TypeError, KeyError, IndexError, zlib.error, MemoryError, NotImplementedError) as error:
            raise ValueError(f"{name}: {error}") from None
        images = pixels.transpose(3, 4, 2, 0, 1).reshape(-1, 3, *shape[:2])
        return resized(np.ascontiguousarray(images), self.size), (shape[3], shape[4])
