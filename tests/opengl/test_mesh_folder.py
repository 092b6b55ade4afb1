"""A folder of meshes as images with known viewpoints: ShapeNet's layout, broken and bare meshes, laziness."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from unbraid import DataError
from unbraid.testing import SourceSuite
from unbraid_plugins.opengl import mesh_folder
from unbraid_plugins.opengl.mesh_folder import MeshFolder


def triangle(path: Path, colour: tuple[float, float, float] | None = None, scale: float = 1.0) -> Path:
    """A flat triangle in the plane z = 0, which is seen from the front and from the back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"v {scale * x} {scale * y} 0" for x, y in ((-1, -1), (1, -1), (0, 1))]
    if colour is not None:
        path.with_suffix(".mtl").write_text(f"newmtl paint\nKd {colour[0]} {colour[1]} {colour[2]}\n")
        lines = [f"mtllib {path.with_suffix('.mtl').name}", *lines, "usemtl paint"]
    path.write_text("\n".join([*lines, "f 1 2 3", ""]))
    return path


class TestMeshFolder(SourceSuite):
    component = MeshFolder
    options = {"path": "meshes", "size": 12, "views": 3}  # noqa: RUF012

    def make(self, folder: Path) -> object:
        for name in ("a", "b", "c"):
            triangle(folder / f"{name}.obj")
        return MeshFolder(path=str(folder), size=12, views=3)


@pytest.fixture
def shapenet(tmp_path: Path) -> Path:
    """Three meshes as ShapeNet lays them: one without its material's file, one empty."""
    triangle(tmp_path / "02958343/aaa/models/model_normalized.obj", (1, 0, 0))
    bare = triangle(tmp_path / "02958343/bbb/models/model_normalized.obj", (0, 1, 0), scale=1000.0)
    bare.with_suffix(".mtl").unlink()
    triangle(tmp_path / "03001627/ccc/models/model_normalized.obj", (0, 0, 1))
    (tmp_path / "03001627/ddd/models").mkdir(parents=True)
    (tmp_path / "03001627/ddd/models/model_normalized.obj").write_text("")
    (tmp_path / "03001627/eee/models").mkdir(parents=True)
    (tmp_path / "03001627/eee/models/model_normalized.obj").write_text("v 0 0 0\nf 1 2 3\n")
    (tmp_path / "taxonomy.json").write_text(json.dumps([{"synsetId": "02958343", "name": "car,auto"},
                                                        {"synsetId": "03001627", "name": "chair"}]))
    return tmp_path


def test_shapenets_folders(shapenet: Path) -> None:
    images = MeshFolder(path=str(shapenet), pattern="*/*/models/model_normalized.obj", views=4, size=24).open()
    assert images.fields["category"].names == ("car", "chair")
    assert images.fields["category"].values.tolist() == [0] * 8 + [1] * 4
    assert images.fields["mesh"].values.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert images.fields["mesh"].names[2] == "03001627/ccc/models/model_normalized.obj"
    assert any("2 broken or empty meshes left out: model_normalized.obj (empty)" in note for note in images.notes)
    assert any("1 meshes without their materials" in note for note in images.notes)
    red, grey, blue = 255 - images.read(np.arange(12)).reshape(3, 4, 3, -1).mean((1, 3))
    assert red[0] < 0.7 * min(red[1:])             # what is missing from white
    assert np.ptp(grey) < 0.1 * grey.mean()        # its material is not there
    assert blue[2] < 0.7 * min(blue[:2])
    assert len(MeshFolder(path=str(shapenet), views=2, size=8).open()) == 6            # any pattern


def test_the_viewpoint_is_the_fields(tmp_path: Path) -> None:
    """A flat thing is widest where the camera stands in front of it, and thin where it stands beside it."""
    triangle(tmp_path / "a.obj")
    images = MeshFolder(path=str(tmp_path), views=40, size=32, elevations=(0.0, 0.0)).open()
    covered = (images.read(np.arange(40)) < 250).any(1).mean((1, 2))
    azimuth = images.fields["azimuth"].values
    assert np.corrcoef(covered, np.abs(np.cos(azimuth)))[0, 1] > 0.99
    assert (images.fields["elevation"].values == 0).all()
    low, high = np.radians((10, 20))
    other = MeshFolder(path=str(tmp_path), views=40, size=8, elevations=(10.0, 20.0)).open().fields["elevation"].values
    assert ((other >= low) & (other <= high)).all()


def test_large_folders_are_read_when_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_folder, "CHECKED", 1)
    triangle(tmp_path / "a.obj")
    (tmp_path / "b.obj").write_text("v 0 0 0\nf 1 2 3\n")
    images = MeshFolder(path=str(tmp_path), views=2, size=8).open()
    assert len(images) == 4
    images.read(np.asarray([0, 1]))
    with pytest.raises(DataError, match=r"(?s)b\.obj.*check: true"):
        images.read(np.asarray([3]))
    assert len(MeshFolder(path=str(tmp_path), views=2, size=8, check=True).open()) == 2


@pytest.mark.parametrize(("options", "told"), [({"path": "nowhere"}, "no folder"), ({"pattern": "../*"}, "leaves"),
                                               ({"pattern": "*.ply"}, "no meshes"), ({"pattern": "/etc/*"}, "leaves")])
def test_what_can_not_be_read_is_told(tmp_path: Path, options: dict[str, str], told: str) -> None:
    triangle(tmp_path / "a.obj")
    with pytest.raises(DataError, match=told):
        MeshFolder(**{"path": str(tmp_path), **options}).open()
