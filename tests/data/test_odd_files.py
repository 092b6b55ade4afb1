"""Arrays, pictures and folders that mean something else than they seem to: read as meant, or told."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid import BadPicture, DataError, read_picture
from unbraid.data.image_files import PictureError, read_image
from unbraid_plugins.shared.sources import Folder, Npz

RAMP = np.tile(np.linspace(0, 255, 32).round().astype(np.uint8), (32, 1))
IMAGES = np.arange(12 * 16 * 16 * 3, dtype=np.uint8).reshape(12, 16, 16, 3)


def opened(folder: Path, **arrays: np.ndarray):
    np.savez(folder / "a.npz", **arrays)
    return Npz(path=str(folder / "a.npz")).open()


def png_of_16_bits(file: Path, values: np.ndarray) -> Path:
    """Write an RGB picture of 16 bits a channel, which Pillow can't write."""
    head = struct.pack(">IIBBBBB", values.shape[1], len(values), 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + np.repeat(row.astype(">u2"), 3).tobytes() for row in values)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in chunks))
    return file


# -- pictures ---------------------------------------------------------------------------------------------------------


def test_bytes_in_16_bits_are_no_black_picture(tmp_path):
    Image.fromarray(RAMP.astype(np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(BadPicture, match="16 bits end at 255"):
        read_picture(tmp_path / "a.png", (32, 32), 1)
    assert np.abs(read_picture(tmp_path / "a.png", (32, 32), 1, white=255)[0].astype(int) - RAMP).max() <= 1
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(tmp_path / "b.png")
    assert not read_picture(tmp_path / "b.png", (32, 32), 1).any()


def test_the_remedy_for_dark_colours_of_16_bits_works(tmp_path):
    file = png_of_16_bits(tmp_path / "a.png", RAMP.astype(np.uint16) * 16)
    with pytest.raises(BadPicture, match="make 8 of them, or set the source's `white`, to 65535 if it is dark"):
        read_picture(file, (32, 32), 3)
    assert read_picture(file, (32, 32), 3, white=65535).max() == 15
    assert read_picture(png_of_16_bits(file, RAMP.astype(np.uint16) * 257), (32, 32), 3).max() == 255


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_floats_that_are_not_finite(tmp_path, wrong):
    values = RAMP.astype(np.float32) / 255
    values[3, 3] = wrong
    Image.fromarray(values).save(tmp_path / "a.tif")
    for white in (None, 1.0):
        with pytest.raises(BadPicture, match=r"go from (nan|0) to (nan|inf); mend it"):
            read_picture(tmp_path / "a.tif", (32, 32), 1, white)


def test_a_float_map_is_not_read_as_16_bits(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"Pf\n32 32\n-1.0\n" + (RAMP / 255).astype("<f4").tobytes())
    assert np.abs(read_picture(tmp_path / "a.ppm", (32, 32), 1)[0].astype(int) - RAMP).max() <= 1


def test_a_picture_for_a_model_has_a_remedy_that_is_there(tmp_path):
    Image.fromarray(RAMP.astype(np.uint16) * 16).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="make 8 of them"):
        read_image(tmp_path / "a.png", (32, 32), 1)


# -- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("folders", "there"), [(("train", "val"), "train, val"), (("train", "test", "more"), "more"),
                                                (("train", "test", "."), "1.png")])
def test_folders_that_are_nearly_splits_are_told(tmp_path, folders, there):
    for number, name in enumerate(folders):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.new("L", (8, 8), 50 * number).save(tmp_path / name / "1.png")
    images = Folder(path=str(tmp_path), size=8).open()
    assert images.splits is None
    assert f"its folders are not used as splits: there is {there};" in " ".join(images.notes)
    assert not Folder(path=str(tmp_path), size=8, split_folders=False).open().notes


# -- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_picture_is_not_taken_for_many(tmp_path, channels):
    with pytest.raises(DataError, match="several ways"):
        opened(tmp_path, images=np.zeros((64, 64, channels), np.uint8))
    np.savez(tmp_path / "a.npz", images=np.zeros((64, 64, channels), np.uint8))
    assert len(Npz(path=str(tmp_path / "a.npz"), layout="NHW").open()) == 64


@pytest.mark.parametrize("images", [IMAGES / 250, IMAGES / 255 - 0.01])
def test_images_that_overshoot_get_a_remedy_that_keeps_them(tmp_path, images):
    with pytest.raises(DataError, match=r"np.clip\(images, 0, 1\)"):
        opened(tmp_path, images=images)
    assert np.asarray(opened(tmp_path, images=np.clip(images, 0, 1)).images).max() >= 252


def test_splits_that_are_python_objects_are_not_forgotten(tmp_path):
    split = np.array(["train"] * 8 + ["test"] * 4, object)
    with pytest.raises(DataError, match=r"'split' holds pickled(.|\n)*split=np.array\(split, dtype=str\)"):
        opened(tmp_path, images=IMAGES, split=split)
    assert [*opened(tmp_path, images=IMAGES, split=np.array(split, dtype=str)).splits] == ["train", "test"]


def test_names_of_splits(tmp_path):
    split = np.array(["Train "] * 7 + ["TEST"] * 4 + ["Extra"])
    assert {s: len(r) for s, r in opened(tmp_path, images=IMAGES, split=split).splits.items()} == {
        "train": 7, "test": 4, "Extra": 1}
    split[0] = ""
    with pytest.raises(DataError, match="'split' is empty for 1 images"):
        opened(tmp_path, images=IMAGES, split=split)


def test_an_array_that_is_there_twice(tmp_path):
    content = io.BytesIO()
    np.save(content, IMAGES)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", content.getvalue())
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("images.npy", content.getvalue())
    with pytest.raises(DataError, match="'images' twice"):
        Npz(path=str(tmp_path / "a.npz")).open()


def test_two_arrays_in_one_npy(tmp_path):
    with open(tmp_path / "a.npy", "wb") as file:
        np.save(file, IMAGES)
        np.save(file, IMAGES)
    with pytest.raises(DataError, match="maybe a second array"):
        Npz(path=str(tmp_path / "a.npy")).open()


def test_a_number_alone_is_no_label(tmp_path):
    assert "labels" in " ".join(opened(tmp_path, images=IMAGES, labels=np.array(3)).notes)


@pytest.mark.parametrize("arrays", [{"a" * 201: np.arange(12)}, {"factors": np.zeros((12, 1), int),
                                                                 "factor_names": np.array(["b" * 201])}])
def test_names_that_no_reader_of_results_takes(tmp_path, arrays):
    with pytest.raises(DataError, match="has 201 characters"):
        opened(tmp_path, images=IMAGES, **arrays)
