"""Meshes of a folder, drawn from several sides: ShapeNet, or any collection of one's own."""

from __future__ import annotations

import json
import math
import threading
import warnings
from collections import OrderedDict
from pathlib import Path

import attrs
import numpy as np
import torch
from attrs.validators import ge, gt, le, lt

from unbraid import DataError, Field, Images, UnbraidError, read_whole, source
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.viewing.views import fitted

ENDINGS = (".obj", ".ply", ".glb", ".gltf", ".stl", ".off")
CHECKED = 200                                      # meshes that are read when the folder is opened
KEPT = 8                                           # meshes in memory
AWAY = 3.2
TAXONOMY, LARGEST = "taxonomy.json", 64 << 20      # ShapeNet's names of its folders


@attrs.define(eq=False)
class MeshViews:
    """Lazy images: pictures of meshes, `views` of each, drawn when they are read.

    azimuths, elevations: (N,), the camera's, in radians.
    """

    paths: list[Path]
    views: int
    size: int
    lens: float
    azimuths: np.ndarray
    elevations: np.ndarray
    _meshes: OrderedDict[int, Mesh] = attrs.field(init=False, factory=OrderedDict)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(self.azimuths), 3, self.size, self.size

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Draw the pictures of these rows, uint8 (len(rows), 3, size, size).  Raises DataError for a broken mesh."""
        drawn = np.empty((len(rows), *self.shape[1:]), np.uint8)
        numbers = rows // self.views
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            drawn[here] = self._drawn(int(number), rows[here])
        return drawn

    def _drawn(self, number: int, rows: np.ndarray) -> np.ndarray:
        azimuth, elevation = (torch.from_numpy(a[rows]) for a in (self.azimuths, self.elevations))
        camera = Camera(orbiting(azimuth, elevation, AWAY), perspective(self.lens).to(azimuth))
        lamp = DirectionalLight(torch.tensor([[0.3, 0.6, 0.75]]), torch.full((1, 3), 0.65), torch.full((1, 3), 0.35))
        colour = draw(self._mesh(number), camera, (self.size, self.size), light=lamp, background=torch.ones(1, 3),
                      cull=False, geometry=False, mipmaps=True, backend="torch").colour
        return (colour.detach().clamp(0, 1) * 255).round().to(torch.uint8).numpy()

    def _mesh(self, number: int) -> Mesh:
        with self._lock:                           # several workers read
            mesh = self._meshes.get(number)
            if mesh is None:
                try:
                    mesh, _ = opened(self.paths[number])
                except UnbraidError as error:
                    raise DataError(error.message, hint="remove it, or set `check: true` to leave such files out"
                                    ) from error
                self._meshes[number] = mesh
                while len(self._meshes) > KEPT:
                    self._meshes.popitem(last=False)
            return mesh


@source
@attrs.frozen(kw_only=True)
class MeshFolder:
    """Meshes in a folder and the folders in it (.obj, .ply, .glb, .gltf, .stl, .off), seen from random sides on white.

    Each is scaled into the unit ball. Fields: `mesh`, its number; `category`, the first folder below `path`, by its
    name in ShapeNet's taxonomy.json where there is one; `azimuth` and `elevation`, the camera's, in radians. A mesh
    without its material is drawn without it; one that is broken or empty is left out; both are counted and named. The
    renderer draws without OpenGL, so that pictures are the same everywhere.

    pattern: of the files below `path`; ShapeNet's second version needs `*/*/models/model_normalized.obj`.
    views: pictures of each mesh.
    size: side of the pictures in pixels.
    elevations: the lowest and the highest, in degrees.
    field_of_view: of the camera, in degrees.
    check: whether all meshes are read when the folder is opened; by default if they are at most 200.
    seed: of the viewpoints.
    """

    path: str
    pattern: str = "**/*"
    views: int = attrs.field(default=8, validator=ge(1))
    size: int = attrs.field(default=64, validator=[ge(8), le(512)])
    elevations: tuple[float, float] = (0.0, 40.0)
    field_of_view: float = attrs.field(default=40.0, validator=[gt(0), lt(180)])
    check: bool | None = None
    seed: int = attrs.field(default=0, validator=ge(0))

    def open(self) -> Images:
        """Find the meshes; return their pictures, their viewpoints and their categories."""
        root = Path(self.path).expanduser()
        if not root.is_dir():
            raise DataError(f"there is no folder {root}", hint="set the option `path` to where the meshes are")
        if self.pattern.startswith("/") or ".." in self.pattern.split("/"):
            raise DataError(f"pattern: {self.pattern!r} leaves the folder")
        found = sorted(f for f in root.glob(self.pattern) if f.suffix.lower() in ENDINGS and f.is_file())
        whole = self.check if self.check is not None else len(found) <= CHECKED
        notes: list[str] = []
        paths = _good(found, whole, notes)
        if not paths:
            raise DataError(f"there are no meshes in {root} that can be read{''.join(f'; {n}' for n in notes)}",
                            hint=f"it reads {', '.join(ENDINGS)}, as `pattern` says")
        low, high = sorted(map(math.radians, self.elevations))
        free, count = np.random.default_rng(self.seed), len(paths) * self.views
        azimuths = free.uniform(-math.pi, math.pi, count).astype(np.float32)
        elevations = free.uniform(low, high, count).astype(np.float32)
        number = np.repeat(np.arange(len(paths)), self.views)
        fields = {"mesh": Field(number, len(paths), tuple(p.relative_to(root).as_posix() for p in paths)),
                  "azimuth": Field(azimuths), "elevation": Field(elevations)}
        categories = [p.relative_to(root).parts[0] if p.parent != root else "." for p in paths]
        if len(names := sorted(set(categories))) > 1:
            index = np.asarray([names.index(c) for c in categories])
            fields["category"] = Field(index[number], len(names), _named(root, names))
        lens = math.radians(self.field_of_view)
        return Images(MeshViews(paths, self.views, self.size, lens, azimuths, elevations), fields, notes=notes)


def _good(paths: list[Path], whole: bool, notes: list[str]) -> list[Path]:
    """Return the meshes that can be drawn; add notes on the others, and on those without materials."""
    bad: list[str] = []
    bare: list[str] = []
    good = []
    for path in paths:
        if not path.stat().st_size:
            bad.append(f"{path.name} (empty)")
            continue
        if whole:
            try:
                if not opened(path)[1]:
                    bare.append(path.name)
            except UnbraidError as error:
                bad.append(f"{path.name} ({error.message.rpartition(': ')[2][:80]})")
                continue
        good.append(path)
    for what, found in (("broken or empty meshes left out", bad), ("meshes without their materials", bare)):
        if found:
            notes.append(f"{len(found)} {what}: {'; '.join(found[:3])}{'; ...' * (len(found) > 3)}")
    return good


def opened(path: Path) -> tuple[Mesh, bool]:
    """Return a mesh in the unit ball, and whether its materials could be read.  Raises UnbraidError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)                 # what it leaves out is told by `unbraid render`
        try:
            return fitted(read_mesh(path)), True
        except UnbraidError:
            return fitted(read_mesh(path, materials=False)), False


def _named(root: Path, folders: list[str]) -> tuple[str, ...]:
    """Return the names of categories: as ShapeNet's taxonomy has them, else those of their folders."""
    try:
        entries = json.loads(read_whole(root / TAXONOMY, LARGEST))
        known = {e["synsetId"]: str(e["name"]).partition(",")[0] for e in entries}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return tuple(folders)
    named = tuple(known.get(f, f) for f in folders)
    return named if len(set(named)) == len(named) else tuple(folders)
