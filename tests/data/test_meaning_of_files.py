"""Meaning of files: the range of pictures, labels, splits; notes on each guess and on files left out."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from unbraid import BadPicture, DataError, Images, read_picture
from unbraid_plugins.shared.sources import Clips, Folder, Npz
from unbraid_plugins.shared.sources.npz import Hdf5

RAMP = np.linspace(0, 1, 64)[None].repeat(64, 0)
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 1), dtype=np.uint8)
K = np.arange(12) % 3


def is_ramp(pixels: np.ndarray) -> bool:
    return bool(abs(pixels[0, 5].astype(float) - 255 * np.linspace(0, 1, pixels.shape[2])).max() < 6)


def saved(path: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize(("name", "array", "white"), [
    ("a.png", (RAMP * 65535).astype(np.uint16), None), ("a.tif", (RAMP * 65535).astype(np.uint16), None),
    ("a.tif", RAMP.astype(np.float32), None), ("a.png", (RAMP * 4095).astype(np.uint16), 4095),
    ("a.tif", (RAMP * 70_000).astype(np.float32), 70_000), ("a.tif", (RAMP * 200).astype(np.int32), 200),
])
def test_a_ramp_of_any_depth_goes_from_black_to_white(tmp_path, name, array, white):
    assert is_ramp(read_picture(saved(tmp_path / name, array), (64, 64), 1, white))


@pytest.mark.parametrize(("name", "array"), [
    ("a.png", (RAMP * 4095).astype(np.uint16)), ("a.png", (RAMP * 1023).astype(np.uint16)),
    ("a.tif", (RAMP * 65535).astype(np.float32)), ("a.tif", (RAMP * 200).astype(np.int32)),
    ("a.tif", (RAMP * 4000 - 1000).astype(np.int32)),
])
def test_a_range_that_is_not_clear_is_refused_and_the_remedy_works(tmp_path, name, array):
    path = saved(tmp_path / name, array)
    with pytest.raises(BadPicture, match="set the source's `"):
        read_picture(path, (64, 64), 1)
    low, high = float(array.min()), float(array.max())
    assert is_ramp(Folder(path=str(tmp_path), size=64, channels=1, black=low, white=high).open().images[0])


def test_transparent_grey_of_16_bits_keeps_its_range(tmp_path):
    Image.fromarray((RAMP * 65535).astype(np.uint16)).save(tmp_path / "a.png", transparency=0)
    pixels = read_picture(tmp_path / "a.png", (64, 64), 1)
    assert pixels[0, 5, 0] == 255
    assert len(np.unique(pixels)) > 50


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "YCbCr", "P", "LA", "RGBA"])
def test_a_colour_stays_what_it_is(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode in ("CMYK", "LAB", "YCbCr") else "a.png")
    Image.new("RGB", (40, 40), "red").convert(mode).save(path)
    want = (76, 76, 76) if mode == "LA" else (255, 0, 0)
    assert abs(read_picture(path, (8, 8), 3)[:, 4, 4].astype(int) - want).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_does(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        right = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_picture(tmp_path / "a.png", (32, 32), 1)[0], right)


def test_what_a_folder_leaves_out_is_told(tmp_path):
    for name in ("a/1.png", "a/2.jfif", "elsewhere/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (20 * len(name), 9, 9)).save(tmp_path / name, format="PNG")
    (tmp_path / "a" / "4.PSD").write_bytes(b"x")
    frames = [Image.new("RGB", (8, 8), (i, 0, 0)) for i in (9, 200)]
    frames[0].save(tmp_path / "a" / "5.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    images = Folder(path=str(tmp_path / "a"), size=8).open()
    assert images.fields["folder"].names[:2] == (".", "linked")
    assert len(images) == 4
    told = " ".join(images.notes)
    assert "(1 .psd) left out" in told
    assert "first frame or page is used of 5.gif" in told
    assert "linked folders that are read already" in told


def test_folders_called_train_and_test_are_the_splits(tmp_path):
    for i, name in enumerate(("train/cat/1.png", "train/dog/2.png", "test/cat/3.png")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (50 * i, 0, 0)).save(tmp_path / name)
    images = Folder(path=str(tmp_path), size=8).open()
    assert images.splits is not None
    assert {name: [images.images[i, 0, 0, 0] for i in rows] for name, rows in images.splits.items()} == {
        "train": [0, 50], "test": [100]}
    assert images.fields["folder"].names == ("cat", "dog")
    assert Folder(path=str(tmp_path), size=8, split_folders=False).open().splits is None
    assert Clips(path=str(tmp_path), size=8).open().splits is None


def npz(folder: Path, **arrays: object) -> Images:
    np.savez(folder / "a.npz", **{"images": PIXELS, **arrays})
    return Npz(path=str(folder / "a.npz")).open()


@pytest.mark.parametrize(("labels", "names"), [
    (np.array([b"cat", b"dog", b"eel"])[K], ("cat", "dog", "eel")), (np.array(["cat", "dog", "eel"])[K][:, None],
                                                                     ("cat", "dog", "eel")),
    (K[:, None], None), (K.astype(float), None), (np.eye(3)[K], None), (np.eye(3, dtype=bool)[K], None),
    (K - 5, ("-5", "-4", "-3")), (K.astype(np.uint64) + np.uint64(2**63), None),
])
def test_labels_are_classes_however_they_are_written(tmp_path, labels, names):
    field = npz(tmp_path, labels=labels).fields["label"]
    assert field.values.tolist() == K.tolist()
    assert field.classes == 3
    assert names is None or field.names == names


def test_attributes_of_minus_one_and_one_have_two_classes(tmp_path):
    images = npz(tmp_path, smiling=np.where(K > 0, 1, -1), **{"5_o_Clock_Shadow": K % 2})
    assert images.fields["smiling"].values.tolist() == (K > 0).astype(int).tolist()
    assert images.fields["smiling"].names == ("-1", "1")
    assert images.fields["_5_o_Clock_Shadow"].classes == 2
    assert len(images.notes) == 2


def test_factors_may_be_floats_and_bytes(tmp_path):
    images = npz(tmp_path, factors=np.stack([K, K], 1).astype(float), factor_names=np.array([b"hue", b"size"]))
    assert {name: f.classes for name, f in images.fields.items()} == {"hue": 3, "size": 3}


def test_an_array_that_is_no_field_is_told(tmp_path):
    assert "day is not used" in npz(tmp_path, day=np.array(["2020-01-01"] * 12, "datetime64[D]")).notes[0]


@pytest.mark.parametrize("split", [K > 1, K, np.array(["train"] * 11), K.astype(float)])
def test_a_split_that_can_not_be_read_is_refused(tmp_path, split):
    with pytest.raises(DataError, match=r"(?s)split.*save the file without it"):
        npz(tmp_path, split=split)


@pytest.mark.parametrize("split", [{"split": np.array([b"train", b"test"])[K // 2]},
                                   {"split": K // 2, "split_names": np.array(["train", "test"])}])
def test_a_split_is_kept(tmp_path, split):
    splits = npz(tmp_path, **split).splits
    assert splits is not None
    assert splits["test"].tolist() == np.flatnonzero(K == 2).tolist()


@pytest.mark.parametrize(("images", "remedy"), [
    (PIXELS / 127.5 - 1, {"black": -1, "white": 1}), (PIXELS.astype(np.float32), {"white": 255}),
    (PIXELS.astype(np.uint16) * 257, {"white": 65535}),
])
def test_the_remedy_for_a_range_works(tmp_path, images, remedy):
    np.savez(tmp_path / "a.npz", images=images)
    with pytest.raises(DataError) as refused:
        Npz(path=str(tmp_path / "a.npz")).open()
    assert all(str(value) in str(refused.value.hint) for value in remedy.values())
    read = Npz(path=str(tmp_path / "a.npz"), **remedy).open().images
    assert np.array_equal(read, PIXELS.transpose(0, 3, 1, 2))


def test_npy_files_are_read_alone_or_in_a_folder(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    np.save(tmp_path / "labels.npy", K)
    alone = Npz(path=str(tmp_path / "images.npy")).open()
    both = Npz(path=str(tmp_path)).open()
    assert np.array_equal(alone.images, PIXELS.transpose(0, 3, 1, 2))
    assert np.array_equal(both.images, alone.images)
    assert both.fields["label"].values.tolist() == K.tolist()
    np.save(tmp_path / "names.npy", np.array([None] * 12), allow_pickle=True)
    assert "never loaded: names" in Npz(path=str(tmp_path)).open().notes[-1]
    (tmp_path / "labels.npy").write_bytes((tmp_path / "labels.npy").read_bytes()[:-5])
    with pytest.raises(DataError, match="labels"):
        Npz(path=str(tmp_path)).open()
    with pytest.raises(DataError, match=r"no \.npy files"):
        Npz(path=str(tmp_path.parent)).open()


def test_arrays_in_parts_are_splits(tmp_path):
    for x, y in (("x_{}", "y_{}"), ("X_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_set_x", "{}_set_y")):
        np.savez(tmp_path / "a.npz", **{x.format("train"): PIXELS[:8], y.format("train"): K[:8],
                                        x.format("test"): PIXELS[8:], y.format("test"): K[8:]})
        images = Npz(path=str(tmp_path / "a.npz")).open()
        assert np.array_equal(images.images, PIXELS.transpose(0, 3, 1, 2))
        assert images.fields["label"].values.tolist() == K.tolist()
        assert {name: rows.tolist() for name, rows in images.splits.items()} == {
            "train": [*range(8)], "test": [8, 9, 10, 11]}
    np.savez(tmp_path / "a.npz", x_train=PIXELS, x_test=PIXELS[:3], y_train=K)
    assert "y_train" in " ".join(Npz(path=str(tmp_path / "a.npz")).open().notes)
    np.savez(tmp_path / "a.npz", x_train=PIXELS, x_test=PIXELS[:, :8])
    with pytest.raises(DataError, match=r"(?s)different forms.*`images`"):
        Npz(path=str(tmp_path / "a.npz")).open()
    np.savez(tmp_path / "a.npz", x_train=PIXELS)
    with pytest.raises(DataError, match=r"(?s)there is x_train.*`images`"):
        Npz(path=str(tmp_path / "a.npz")).open()
    assert len(Npz(path=str(tmp_path / "a.npz"), images="x_train").open()) == 12


def test_hdf5_files_are_read_as_others(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = PIXELS
        file["labels"] = np.array([b"cat", b"dog", b"eel"])[K]
        file.create_dataset("names", data=["a", "bé", "c"] * 4, dtype=h5py.string_dtype())
        file["group/height"] = K.astype(float)
        file["elsewhere"] = h5py.ExternalLink("b.h5", "images")
        file["group/up"] = h5py.SoftLink("/")
        file["group"]["circle"] = file["group"]
        file.create_dataset("odd", (12,), dtype=h5py.ref_dtype)
    images = Hdf5(path=str(tmp_path / "a.h5")).open()
    assert np.array_equal(images.images, PIXELS.transpose(0, 3, 1, 2))
    assert images.fields["label"].names == ("cat", "dog", "eel")
    assert images.fields["names"].names == ("a", "bé", "c")
    assert images.fields["group_height"].values.tolist() == K.tolist()
    assert any("never loaded: odd" in note for note in images.notes)
    assert set(Npz(path=str(tmp_path / "a.h5")).open().fields) == set(images.fields)
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.create_dataset("images", (10 ** 6, 64, 64, 3), np.uint8, chunks=True)
    with pytest.raises(DataError, match=r"(?s)11\.4 GiB.*`limit`"):
        Hdf5(path=str(tmp_path / "big.h5")).open()
    (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:3000])
    with pytest.raises(DataError, match="not a whole HDF5 file"):
        Hdf5(path=str(tmp_path / "b.h5")).open()


@pytest.mark.parametrize(("ending", "module"), [(".avif", "PIL._avif"), (".heic", "pillow_heif")])
def test_pictures_of_phones_are_read(tmp_path, ending, module):
    pytest.importorskip(module)
    picture = Image.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB")
    if ending == ".heic":
        from pillow_heif import from_pillow

        from_pillow(picture).save(tmp_path / f"a{ending}", quality=95)
    else:
        picture.save(tmp_path / f"a{ending}", quality=95)
    assert is_ramp(Folder(path=str(tmp_path), size=64).open().images[0])


def test_what_reads_pictures_of_phones_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)            # as if it were not installed
    monkeypatch.setattr("unbraid_plugins.shared.sources.picture_search.find_spec", lambda name: None)
    (tmp_path / "a.HEIC").write_bytes(b"x")
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    assert "pip install 'unbraid[heic]'" in " ".join(Folder(path=str(tmp_path), size=8).open().notes)
    with pytest.raises(BadPicture, match=r"pip install 'unbraid\[heic\]'"):
        read_picture(tmp_path / "a.HEIC", (8, 8), 3)


def test_npy_files_beside_pictures_that_are_not_there_are_told(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    with pytest.raises(DataError, match="type: npz"):
        Folder(path=str(tmp_path), size=8).open()
