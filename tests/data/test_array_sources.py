""".npz and IDX files: every layout is understood, nothing is unpickled, nothing runs away with the memory."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from unbraid import DataError
from unbraid.testing import SourceSuite
from unbraid_plugins.shared.sources import Idx, Mnist, Npz, Svhn, Usps

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 12, 10), dtype=np.uint8)
RGB = RNG.integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)


def save(folder: Path, **arrays: object) -> str:
    np.savez_compressed(folder / "a.npz", **arrays)
    return str(folder / "a.npz")


class TestNpz(SourceSuite):
    component = Npz
    options = {"path": "a.npz"}  # noqa: RUF012

    def make(self, folder: Path) -> object:
        return Npz(path=save(folder, images=RGB, factors=np.arange(12).reshape(6, 2) % 3, factor_names=["a", "b"],
                             angle=np.linspace(0, 1, 6)))


@pytest.mark.parametrize(("array", "options", "shape"), [
    (GREY, {}, (6, 1, 12, 10)), (RGB, {}, (6, 3, 12, 10)), (RGB.transpose(0, 3, 1, 2), {}, (6, 3, 12, 10)),
    (GREY[..., None], {}, (6, 1, 12, 10)), (GREY[:, None], {}, (6, 1, 12, 10)),
    (RGB.reshape(2, 3, 12, 10, 3), {}, (6, 3, 12, 10)),
    (RGB.reshape(2, 3, 12, 10, 3).transpose(0, 1, 4, 2, 3), {}, (6, 3, 12, 10)),
    (GREY.reshape(2, 3, 12, 10), {"layout": "NTHW"}, (6, 1, 12, 10)),
    (RGB, {"size": 8}, (6, 3, 8, 8)), (RGB, {"size": (24, 20)}, (6, 3, 24, 20)),
])
def test_layouts(tmp_path, array, options, shape):
    images = Npz(path=save(tmp_path, images=array), **options).open()
    assert images.images.shape == shape
    if "size" not in options:
        plain = GREY[:, None] if shape[1] == 1 else RGB.transpose(0, 3, 1, 2)
        assert np.array_equal(images.images, plain)


def test_values_become_bytes(tmp_path):
    half = Npz(path=save(tmp_path, images=np.full((2, 8, 8), 0.5))).open().images
    assert set(np.unique(half)) == {128}
    bits = Npz(path=save(tmp_path, images=GREY > 128)).open().images
    assert set(np.unique(bits)) == {0, 255}
    ones = Npz(path=save(tmp_path, images=(GREY > 128).astype(np.uint8))).open().images
    assert np.array_equal(ones, bits)
    sixteen = Npz(path=save(tmp_path, images=np.full((2, 8, 8), 16, np.uint8)), white=16).open().images
    assert set(np.unique(sixteen)) == {255}
    clear = np.zeros((2, 8, 8, 4), np.uint8)
    assert set(np.unique(Npz(path=save(tmp_path, images=clear), white=255).open().images)) == {255}


def test_factors_names_labels_and_splits(tmp_path):
    path = save(tmp_path, images=RGB, factors=np.asarray([[0, 2]] * 6), factor_names=["skin", "hair"],
                values__hair=["long", "short", "none"], labels=np.arange(6) % 2, character=np.asarray([5, -1] * 3),
                drawer=["anna", "bert"] * 3, angle=np.linspace(0, 1, 6), points=np.zeros((6, 4, 2)),
                masks=np.full((6, 12, 10), 255, np.uint8), split=["train"] * 4 + ["test"] * 2,
                other=np.zeros(3), serial=np.arange(6) * 1_000_000)
    images = Npz(path=path, rename={"label": "kind"}).open()
    f = images.fields
    assert {k: v.classes for k, v in f.items()} == {
        "skin": 1, "hair": 3, "kind": 2, "character": 6, "drawer": 2, "angle": None, "points": None, "masks": None,
        "serial": 6}
    assert f["hair"].names == ("long", "short", "none")
    assert f["drawer"].names == ("anna", "bert")
    assert f["serial"].names[5] == "5000000"
    assert f["masks"].shape == (1, 12, 10)
    assert f["masks"].is_picture
    assert {k: v.tolist() for k, v in images.splits.items()} == {"train": [0, 1, 2, 3], "test": [4, 5]}
    assert images.notes == ["arrays without a row per image are not used: other"]
    assert list(Npz(path=path, fields=("hair",)).open().fields) == ["hair"]


def test_the_factors_of_a_clip_hold_for_its_frames(tmp_path):
    path = save(tmp_path, images=RGB.reshape(2, 3, 12, 10, 3), factors=np.asarray([[4], [7]]), factor_names=["who"],
                split=["train", "test"], phase=np.arange(6).reshape(2, 3) / 6)
    images = Npz(path=path).open()
    assert images.fields["who"].values.tolist() == [4, 4, 4, 7, 7, 7]
    assert images.fields["clip"].values.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.fields["frame"].values.tolist() == [0, 1, 2, 0, 1, 2]
    assert images.fields["phase"].values == pytest.approx(np.arange(6) / 6)
    assert images.splits["test"].tolist() == [3, 4, 5]


def test_packed_bits_and_latents_as_in_dsprites(tmp_path):
    bits = GREY[:, :9, :9] > 128
    path = save(tmp_path, images_packed=np.packbits(bits.reshape(6, -1), axis=1),
                latents_classes=np.arange(12).reshape(6, 2) % 4, latents_names=["shape", "scale"],
                latents_sizes=np.asarray([4, 6]), latents_values=np.zeros((6, 2)))
    images = Npz(path=path).open()
    assert np.array_equal(images.images[:, 0] == 255, bits)
    assert {k: v.classes for k, v in images.fields.items()} == {"shape": 4, "scale": 6}


class Danger:
    opened = False

    def __reduce__(self):
        return (setattr, (Danger, "opened", True))


def test_nothing_is_unpickled(tmp_path):
    objects = np.asarray([Danger()], object)
    with pytest.raises(DataError, match="pickled Python objects"):
        Npz(path=save(tmp_path, images=objects)).open()
    with pytest.raises(DataError, match="pickled Python objects"):
        Npz(path=save(tmp_path, things=objects)).open()
    images = Npz(path=save(tmp_path, imgs=GREY, metadata=objects)).open()     # as in the original dSprites
    assert images.notes == ["arrays of Python objects are never loaded: metadata"]
    assert not Danger.opened


def claim(folder: Path, shape: tuple[int, ...], content: bytes) -> str:
    """An .npz whose array claims a shape."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", member.getvalue() + content)
    return str(folder / "a.npz")


def test_damaged_and_boastful_files_are_refused(tmp_path):
    whole = Path(save(tmp_path, images=RGB)).read_bytes()
    for spoiled in (whole[:len(whole) // 2], b"", b"PK\x03\x04 and nothing", whole[:60] + b"\0" * 40 + whole[100:]):
        (tmp_path / "a.npz").write_bytes(spoiled)
        with pytest.raises(DataError, match=r"not a whole .npz file"):
            Npz(path=str(tmp_path / "a.npz")).open()
    with pytest.raises(DataError, match=r"claims .* but has only"):
        Npz(path=claim(tmp_path, (10 ** 6, 64, 64), b"12")).open()
    with pytest.raises(DataError, match="more in it than its header"):
        Npz(path=claim(tmp_path, (1, 8, 8), b"1" * 65)).open()
    with pytest.raises(DataError, match=r"(?s)claim 0\.0 GiB, more than 0\.0 GiB.*option `limit`"):
        Npz(path=claim(tmp_path, (50, 256, 256), b"\0" * (50 * 256 * 256)), limit=0.001).open()


@pytest.mark.parametrize(("arrays", "options", "message"), [
    ({"pictures": GREY}, {}, "(?s)no array of images; there is pictures.*option `images`"),
    ({"images": GREY}, {"images": "imgs"}, "no array 'imgs'; there is images"),
    ({"images": GREY * 1.0}, {}, "(?s)values from .* expected 0 ... 1.*`white`"),
    ({"images": GREY - 300.0}, {"white": 255}, "values from"),
    ({"images": np.where(np.arange(len(GREY))[:, None, None] == 2, np.nan, GREY * 1.0)}, {"white": 255},
     "image 2 has values that are not finite"),
    ({"images": np.where(np.arange(len(GREY))[:, None, None] == 1, np.inf, GREY * 1.0)}, {}, "image 1 has values that"),
    ({"images": GREY.astype(complex)}, {}, "must be numbers"),
    ({"images": GREY[:0]}, {}, "is empty"),
    ({"images": GREY[None]}, {}, "(?s)several ways.*`layout`"),
    ({"images": GREY, "factors": np.zeros((5, 2), int)}, {}, "'factors' must be .6, number of factors"),
    ({"images": GREY, "factors": np.zeros((6, 2), int), "factor_names": ["a"]}, {}, "names a; .* has 2 columns"),
    ({"images": GREY}, {"rename": {"a": "b"}}, "rename: no field 'a'"),
    ({"images": GREY}, {"fields": ("a",)}, "no field 'a'"),
    ({"images": RGB.reshape(2, 3, 12, 10, 3), "frame": np.zeros(2, int)}, {}, "a field frame of their own"),
])
def test_what_does_not_fit_is_refused(tmp_path, arrays, options, message):
    with pytest.raises(DataError, match=message) as error:
        Npz(path=save(tmp_path, **arrays), **options).open()
    assert "a.npz" in error.value.message


def idx(array: np.ndarray) -> bytes:
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_mnist(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train-images-idx3-ubyte").write_bytes(idx(GREY))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(6, dtype=np.uint8)))
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(GREY[:2])))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.asarray([9, 9], np.uint8))))
    return folder


class TestIdx(SourceSuite):
    component = Idx
    options = {"path": "a"}  # noqa: RUF012

    def make(self, folder: Path) -> object:
        return Idx(path=str(write_mnist(folder)))


def test_idx_files_in_a_folder_or_alone(tmp_path):
    folder = write_mnist(tmp_path)
    images = Idx(path=str(folder)).open()
    assert np.array_equal(images.images[:, 0], np.concatenate([GREY, GREY[:2]]))
    assert images.fields["label"].values.tolist() == [0, 1, 2, 3, 4, 5, 9, 9]
    assert images.splits["test"].tolist() == [6, 7]
    alone = Idx(path=str(folder / "train-images-idx3-ubyte"), labels=str(folder / "train-labels-idx1-ubyte"), size=16)
    assert alone.open().images.shape == (6, 1, 16, 16)


@pytest.mark.parametrize(("content", "message"), [
    (b"", "no IDX file"), (b"\0\0\x0d\x03" + b"\0" * 20, "no IDX file"),
    (idx(GREY)[:-1], "holds only 719 bytes, its header says 720"), (idx(GREY) + b"x", "holds more bytes"),
    (idx(GREY[0]), "(?s)has 2 dimensions, expected 3.*mixed up"),
    (b"\0\0\x08\x03" + b"\xff" * 12, "claims to hold 4294967295 x"), (b"\0\0\x08\x03\0\0", "ends within its header"),
])
def test_bad_idx_files_are_refused(tmp_path, content, message):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match=message):
        Idx(path=str(tmp_path / "a")).open()
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=message):
        Idx(path=str(tmp_path / "a.gz")).open()


def test_a_truncated_gzip_file_is_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(GREY))[:-30])
    with pytest.raises(DataError, match=r"not a whole .gz file"):
        Idx(path=str(tmp_path / "a.gz")).open()


def test_torchvisions_folder_of_mnist(tmp_path):
    write_mnist(tmp_path / "MNIST" / "raw")
    assert len(Mnist(path=str(tmp_path)).open()) == 8


@pytest.mark.parametrize("target", [Mnist, Usps, Svhn])
def test_an_absent_set_is_never_fetched_unasked(tmp_path, target):
    with pytest.raises(DataError, match=r"(?s)there is no .*`download: true`"):
        target(path=str(tmp_path)).open()


def test_usps_as_torchvision_reads_it(tmp_path):
    import bz2

    line = "3 " + " ".join(f"{i + 1}:{v:.4f}" for i, v in enumerate(np.linspace(-1, 1, 256)))
    for name in ("usps.bz2", "usps.t.bz2"):
        (tmp_path / name).write_bytes(bz2.compress(f"{line}\n{line}\n".encode()))
    images = Usps(path=str(tmp_path)).open()
    assert images.images.shape == (4, 1, 16, 16)
    assert images.fields["label"].values.tolist() == [2] * 4
    assert images.splits["test"].tolist() == [2, 3]


def test_only_some_images_are_taken(tmp_path) -> None:
    images = np.arange(6, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    np.savez(tmp_path / "a.npz", images=images, factors=np.array([[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]),
             factor_names=np.array(["pose", "side"]), values__side=np.array(["left", "right"]),
             split=np.array(["train", "train", "test", "train", "test", "train"]))
    taken = Npz(path=str(tmp_path / "a.npz"), only={"side": "right", "pose": 2}).open()
    assert taken.images[:, 0, 0, 0].tolist() == [5]
    taken = Npz(path=str(tmp_path / "a.npz"), only={"side": "right"}).open()
    assert taken.images[:, 0, 0, 0].tolist() == [3, 4, 5]
    assert list(taken.fields) == ["pose"]
    assert {name: rows.tolist() for name, rows in taken.splits.items()} == {"train": [0, 2], "test": [1]}
    for only, words in (({"sid": 0}, "no field"), ({"side": "up"}, "it has left, right"), ({"pose": 3}, "0 ... 2")):
        with pytest.raises(DataError, match=words):
            Npz(path=str(tmp_path / "a.npz"), only=only).open()


def test_a_crop_keeps_the_middle_before_anything_is_scaled(tmp_path: Path) -> None:
    path = save(tmp_path, images=GREY, masks=GREY // 2)
    found = Npz(path=path, crop=(8, 6)).open()
    np.testing.assert_array_equal(found.images[:, 0], GREY[:, 2:10, 2:8])
    np.testing.assert_array_equal(found.fields["masks"].values[:, 0], GREY[:, 2:10, 2:8] // 2)
    assert Npz(path=path, crop=8, size=16).open().images.shape == (6, 1, 16, 16)
    with pytest.raises(DataError, match=r"crop: 11 x 11 is more than the images of 12 x 10 have"):
        Npz(path=path, crop=11).open()
