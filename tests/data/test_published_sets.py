"""Published data sets are read as they are: pixels, factors in the right order, nothing unpickled, unpacked once."""

from __future__ import annotations

import gzip
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import published_files as files
import pytest

from unbraid import DataError
from unbraid.testing import SourceSuite
from unbraid_plugins.shared.published import (
    Cars3d,
    Celeba,
    Dsprites,
    Emnist,
    Mpi3d,
    MultiPie,
    Omniglot,
    Shapes3d,
    SmallNorb,
)
from unbraid_plugins.shared.published.small_norb import read_matrix
from unbraid_plugins.shared.sources import Usps


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("UNBRAID_CACHE", str(folder))
    return folder


class TestDspritesNpz(SourceSuite):
    component = Dsprites
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return Dsprites(path=str(files.dsprites_npz(folder)))


class TestDspritesHdf5(TestDspritesNpz):
    def make(self, folder):
        pytest.importorskip("h5py")
        return Dsprites(path=str(files.dsprites_hdf5(folder)))


class TestShapes3d(SourceSuite):
    component = Shapes3d
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        pytest.importorskip("h5py")
        return Shapes3d(path=str(files.shapes3d(folder)))


class TestMpi3d(SourceSuite):
    component = Mpi3d
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return Mpi3d(path=str(files.mpi3d(folder)), sizes=files.MPI3D_SIZES)


class TestSmallNorb(SourceSuite):
    component = SmallNorb
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return SmallNorb(path=str(files.small_norb(folder)), camera="both")


class TestCars3d(SourceSuite):
    component = Cars3d
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return Cars3d(path=str(files.cars3d(folder)), size=16)


class TestCeleba(SourceSuite):
    component = Celeba
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return Celeba(path=str(files.celeba(folder)), size=16)


class TestOmniglot(SourceSuite):
    component = Omniglot
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return Omniglot(path=str(files.omniglot(folder)), size=16)


class TestEmnist(SourceSuite):
    component = Emnist
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return Emnist(path=str(files.emnist(folder)), part="letters", size=16)


class TestMultiPie(SourceSuite):
    component = MultiPie
    options = {"path": "."}  # noqa: RUF012

    def make(self, folder):
        return MultiPie(path=str(files.multi_pie(folder)), size=16)


def values(images, name):
    return images.fields[name].values.tolist()


def named(images, name):
    field = images.fields[name]
    return [field.names[v] for v in field.values]


@pytest.mark.parametrize("form", ["npz", "hdf5"])
def test_dsprites_are_white_on_black_with_their_classes(tmp_path, form):
    if form == "hdf5":
        pytest.importorskip("h5py")
    images = Dsprites(path=str(getattr(files, f"dsprites_{form}")(tmp_path))).open()
    assert np.array_equal(images.read(np.arange(24))[:, 0], files.DSPRITES_IMAGES * 255)
    assert list(images.fields) == ["color", "shape", "scale", "orientation", "pos_x", "pos_y"]
    assert np.array_equal(np.stack([f.values for f in images.fields.values()], 1), files.DSPRITES)
    assert set(named(images, "shape")) == {"square", "ellipse", "heart"}
    small = Dsprites(path=str(getattr(files, f"dsprites_{form}")(tmp_path)), size=32).open()
    assert small.read(np.array([3, 1])).shape == (2, 1, 32, 32)


def test_3dshapes_get_classes_from_their_values_and_are_unpacked_once(tmp_path, cache, monkeypatch):
    pytest.importorskip("h5py")
    path = files.shapes3d(tmp_path)
    images = Shapes3d(path=str(path)).open()
    rows = np.array([47, 0, 17])
    assert np.array_equal(images.read(rows), files.SHAPES3D_IMAGES[rows].transpose(0, 3, 1, 2))
    assert [float(v) for v in named(images, "orientation")] == files.SHAPES3D[:, 5].tolist()
    assert [float(v) for v in named(images, "scale")] == files.SHAPES3D[:, 3].tolist()
    assert [f.classes for f in images.fields.values()] == [2, 1, 2, 2, 3, 2]
    kept, = cache.glob("data/*.npy")
    before = kept.stat().st_mtime_ns
    assert len(Shapes3d(path=str(path)).open()) == 48
    assert kept.stat().st_mtime_ns == before
    again = pickle.loads(pickle.dumps(images.images))
    assert len(pickle.dumps(images.images)) < 1000
    assert np.array_equal(again.read(rows), images.read(rows))


def test_hdf5_without_h5py_names_the_pip_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n")
    for source in (Shapes3d, Dsprites):
        with pytest.raises(DataError, match=r"pip install 'unbraid\[data\]'"):
            source(path=str(tmp_path / "a.h5")).open()


def test_hdf5_of_another_form_or_with_links_to_other_files(tmp_path):
    h5py = pytest.importorskip("h5py")
    files.shapes3d(tmp_path)
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["images"] = h5py.ExternalLink(str(tmp_path / "3dshapes.h5"), "images")
        file["labels"] = files.SHAPES3D
    with pytest.raises(DataError, match="no array 'images'"):
        Shapes3d(path=str(tmp_path / "linked.h5")).open()
    (tmp_path / "broken.h5").write_bytes((tmp_path / "3dshapes.h5").read_bytes()[:3000])
    with pytest.raises(DataError, match="not a whole HDF5 file"):
        Shapes3d(path=str(tmp_path / "broken.h5")).open()
    with pytest.raises(DataError, match="not a whole HDF5 file"):
        Dsprites(path=str(tmp_path / "3dshapes.h5")).open()


def test_mpi3d_has_its_factors_from_the_order(tmp_path, cache):
    path = files.mpi3d(tmp_path)
    images = Mpi3d(path=str(path), sizes=files.MPI3D_SIZES).open()
    i = 1 * 12 + 0 * 12 + 1 * 6 + 0 + 0 + 2 * 2 + 1            # mixed radix, by hand
    assert [values(images, name)[i] for name in images.fields] == [1, 0, 1, 0, 0, 2, 1]
    assert next(iter(images.fields)) == "object_color"
    assert np.array_equal(images.read(np.array([i, 2])), files.MPI3D_IMAGES[[i, 2]].transpose(0, 3, 1, 2))
    assert len(list(cache.glob("data/*.npy"))) == 1
    with pytest.raises(DataError, match="24 images, expected 1,036,800 or 460,800"):
        Mpi3d(path=str(path)).open()
    with pytest.raises(DataError, match="not all combinations"):
        Mpi3d(path=str(path), sizes=(2, 1, 2, 1, 1, 3, 3)).open()


def test_a_cut_mpi3d_leaves_nothing_in_the_cache(tmp_path, cache):
    path = files.mpi3d(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255                        # zip's checksum finds it at the end
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not a whole \.npz file"):
        Mpi3d(path=str(path), sizes=files.MPI3D_SIZES).open()
    assert not list(cache.rglob("*.npy"))


def test_small_norb(tmp_path):
    files.small_norb(tmp_path)
    images = SmallNorb(path=str(tmp_path)).open()
    pairs, category, info = files.norb_tables(6, 6)
    assert np.array_equal(images.read(np.arange(6))[:, 0], pairs[:, 0])
    assert images.splits is not None
    assert [len(r) for r in images.splits.values()] == [6, 4]
    assert values(images, "category")[:6] == category.tolist()
    assert values(images, "azimuth")[:6] == (info[:, 2] // 2).tolist()
    assert [int(n) for n in named(images, "azimuth")[:6]] == (info[:, 2] * 10).tolist()
    assert [int(n) for n in named(images, "elevation")[:6]] == (info[:, 1] * 5 + 30).tolist()
    both = SmallNorb(path=str(tmp_path), camera="both", size=48).open()
    assert len(both) == 20
    assert values(both, "camera")[:4] == [0, 1, 0, 1]
    assert np.array_equal(SmallNorb(path=str(tmp_path), camera="right").open().read(np.arange(6))[:, 0], pairs[:, 1])


@pytest.mark.parametrize(("head", "told"), [
    (struct.pack("<ii3i", 0x1E3D4C99, 1, 2, 1, 1), "no matrix"), (struct.pack("<ii", 0x1E3D4C55, 3), "ends within"),
    (struct.pack("<ii4i", 0x1E3D4C55, 4, 2, 2, 2 ** 30, 2 ** 30), "claims to hold"),
    (struct.pack("<ii3i", 0x1E3D4C55, 3, -1, 2, 2), "claims to hold"),
    (struct.pack("<ii3i", 0x1E3D4C54, 1, 2, 1, 1) + b"123", "holds only 3 bytes, its header says 8"),
    (struct.pack("<ii3i", 0x1E3D4C55, 1, 2, 1, 1) + b"123", "holds more bytes")])
def test_matrices_that_lie(tmp_path, head, told):
    (tmp_path / "a.mat.gz").write_bytes(gzip.compress(head))
    with pytest.raises(DataError, match=told):
        read_matrix(tmp_path / "a.mat.gz")
    (tmp_path / "b.mat").write_bytes(head)
    with pytest.raises(DataError, match=told):
        read_matrix(tmp_path / "b.mat")


def test_cars_are_sorted_by_name_and_read_by_name(tmp_path):
    images = Cars3d(path=str(files.cars3d(tmp_path)), size=16).open()
    assert images.fields["car"].names == ("car_003_mesh", "car_020_mesh")
    assert len(images) == 12
    for row in (0, 3, 7, 11):
        car, azimuth, elevation = (values(images, n)[row] for n in ("car", "azimuth", "elevation"))
        expected = files.CAR_IMAGES[images.fields["car"].names[car]][:, :, :, azimuth, elevation]
        assert np.array_equal(images.read(np.array([row]))[0], expected.transpose(2, 0, 1))
    assert "order of their names" in images.notes[0]
    content = (tmp_path / "nips2015-analogy-data.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(content[:len(content) // 2])
    with pytest.raises(DataError, match="not a whole archive"):
        Cars3d(path=str(tmp_path / "cut.tar.gz")).open()


def test_celeba(tmp_path):
    images = Celeba(path=str(files.celeba(tmp_path)), size=16).open()
    assert images.shape == (3, 16, 16)
    reds = images.read(np.array([5, 0, 2]))[:, 0].mean((1, 2))
    assert np.abs(reds - [120, 20, 60]).max() < 6             # in the order of their names, through JPEG
    assert named(images, "five_o_clock_shadow") == ["no", "yes"] * 3
    assert named(images, "bald") == ["no"] * 6
    assert named(images, "identity") == ["2880", "7", "7", "90", "2880", "1"]
    assert {n: r.tolist() for n, r in images.splits.items()} == {"train": [0, 1], "validation": [2, 3], "test": [4, 5]}
    assert images.notes == ["without list_landmarks_align_celeba.txt"]
    assert np.array_equal(pickle.loads(pickle.dumps(images.images)).read(np.array([1])), images.read(np.array([1])))
    (tmp_path / "list_attr_celeba.txt").write_text("7\nBald\n000001.jpg 1\n")
    with pytest.raises(DataError, match="its first line says 7 rows, it has 1"):
        Celeba(path=str(tmp_path)).open()
    (tmp_path / "list_attr_celeba.txt").write_text("1\nBald\n000001.jpg 1\n")
    with pytest.raises(DataError, match=r"no row for the picture '000002.jpg'"):
        Celeba(path=str(tmp_path)).open()


def test_a_page_in_place_of_celeba(tmp_path):
    files.celeba(tmp_path)
    (tmp_path / "img_align_celeba.zip").write_bytes(b"<!DOCTYPE html><title>Quota exceeded</title>")
    with pytest.raises(DataError, match="not a whole zip archive"):
        Celeba(path=str(tmp_path)).open()


def test_a_bomb_among_zipped_pictures(tmp_path, monkeypatch):
    files.celeba(tmp_path)
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("img_align_celeba/000007.jpg", bytes(65 << 20))
    for table in tmp_path.glob("*.txt"):
        table.unlink()
    images = Celeba(path=str(tmp_path)).open()
    with pytest.raises(DataError, match="more than"):
        images.read(np.array([6]))


def test_omniglot(tmp_path):
    images = Omniglot(path=str(files.omniglot(tmp_path)), size=16).open()
    assert [len(r) for r in images.splits.values()] == [12, 6]
    assert named(images, "alphabet")[-1] == "Tengwar"
    assert named(images, "character")[0] == "Greek/character01"
    assert values(images, "drawer")[:4] == [0, 1, 2, 0]


def test_emnist(tmp_path):
    images = Emnist(path=str(files.emnist(tmp_path)), part="letters").open()
    assert [len(r) for r in images.splits.values()] == [4, 2]
    assert images.fields["label"].names == ("A/a", "B/b")
    assert values(images, "label") == [0, 1, 0, 1, 0, 1]
    assert np.argwhere(images.images[0, 0]).tolist() == [[5, 1]]                        # upright
    with pytest.raises(DataError, match=r"gzip/emnist-digits-mapping.txt.*"):
        Emnist(path=str(tmp_path / "gzip.zip"), part="digits").open()
    with zipfile.ZipFile(tmp_path / "gzip.zip", "a") as archive:
        archive.writestr("gzip/emnist-mnist-mapping.txt", "0 48\n")
        archive.writestr("gzip/emnist-mnist-train-images-idx3-ubyte.gz", gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12))
    with pytest.raises(DataError, match="claims to hold"):
        Emnist(path=str(tmp_path / "gzip.zip"), part="mnist").open()


def test_multi_pie(tmp_path):
    images = MultiPie(path=str(files.multi_pie(tmp_path)), size=16).open()
    assert len(images) == 8
    assert set(named(images, "camera")) == {"05_1", "19_0"}
    assert set(named(images, "identity")) == {"001", "007"}
    assert set(named(images, "light")) == {"00", "18"}
    assert "1 other file skipped: readme.png" in images.notes[0]


def test_usps(tmp_path):
    images = Usps(path=str(files.usps(tmp_path))).open()
    assert values(images, "label") == [0, 1, 2, 0, 1]
    assert images.images[0, 0].reshape(-1)[[0, 255]].tolist() == [0, 255]
