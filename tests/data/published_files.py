"""Tiny files of the exact formats in which data sets were published."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)
DSPRITES = np.array(list(itertools.product([0], [0, 1, 2], [0, 1], [0], [0, 1], [0, 1])))
DSPRITES_IMAGES = RNG.integers(0, 2, (len(DSPRITES), 64, 64), dtype=np.uint8)
SHAPES3D = np.array(list(itertools.product([0, 0.1], [0], [0, 0.5], [0.75, 1.25], [0, 1, 2], [-30, 30.0])))
SHAPES3D_IMAGES = RNG.integers(0, 256, (len(SHAPES3D), 64, 64, 3), dtype=np.uint8)
MPI3D_SIZES = (2, 1, 2, 1, 1, 3, 2)
MPI3D_IMAGES = RNG.integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
NORB = {"smallnorb-5x46789x9x18x6x2x96x96-training": 6, "smallnorb-5x01235x9x18x6x2x96x96-testing": 4}
CAR_IMAGES = {f"car_{n}_mesh": RNG.integers(0, 256, (16, 16, 3, 3, 2), dtype=np.uint8) for n in ("020", "003")}


def dsprites_npz(folder: Path) -> Path:
    np.savez_compressed(folder / "dsprites.npz", imgs=DSPRITES_IMAGES, latents_classes=DSPRITES.astype(np.int64),
                        latents_values=DSPRITES.astype(float), metadata=np.array({"author": "pickled"}, object))
    return folder / "dsprites.npz"


def dsprites_hdf5(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "dsprites.hdf5", "w") as file:
        file.create_dataset("imgs", data=DSPRITES_IMAGES, chunks=(8, 64, 64), compression="gzip")
        file.create_dataset("latents/classes", data=DSPRITES.astype(np.int64))
        file.create_dataset("latents/values", data=DSPRITES.astype(float))
        file.create_group("metadata").attrs["author"] = "somebody"
    return folder / "dsprites.hdf5"


def shapes3d(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "3dshapes.h5", "w") as file:
        file.create_dataset("images", data=SHAPES3D_IMAGES, chunks=(8, 64, 64, 3), compression="gzip")
        file.create_dataset("labels", data=SHAPES3D)
    return folder / "3dshapes.h5"


def mpi3d(folder: Path) -> Path:
    np.savez_compressed(folder / "mpi3d_toy.npz", images=MPI3D_IMAGES)
    return folder / "mpi3d_toy.npz"


def matrix(path: Path, array: np.ndarray) -> None:
    """In LeCun's format: magic, dimensions, at least three sizes, and the numbers, little endian."""
    magic = {"u1": 0x1E3D4C55, "i4": 0x1E3D4C54}[array.dtype.str[1:]]
    sizes = (*array.shape, 1, 1, 1)[:max(3, array.ndim)]
    path.write_bytes(gzip.compress(struct.pack(f"<ii{len(sizes)}i", magic, array.ndim, *sizes) + array.tobytes()))


def norb_tables(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    info = np.stack([rng.integers(0, 10, count), rng.integers(0, 9, count), rng.integers(0, 18, count) * 2,
                     rng.integers(0, 6, count)], axis=1).astype("<i4")
    return rng.integers(0, 256, (count, 2, 96, 96), dtype=np.uint8), rng.integers(0, 5, count).astype("<i4"), info


def small_norb(folder: Path) -> Path:
    for name, count in NORB.items():
        for part, array in zip(("dat", "cat", "info"), norb_tables(count, count), strict=True):
            matrix(folder / f"{name}-{part}.mat.gz", array)
    return folder


def cars3d(folder: Path) -> Path:
    from scipy.io import savemat

    with tarfile.open(folder / "nips2015-analogy-data.tar.gz", "w:gz") as archive:
        for name, array in CAR_IMAGES.items():
            content = io.BytesIO()
            savemat(content, {"im": array, "mask": np.zeros((16, 16, 3, 2), np.uint8)}, do_compression=True)
            _add(archive, f"data/cars/{name}.mat", content.getvalue())
        _add(archive, "data/cars/list.txt", "\n".join(CAR_IMAGES).encode())
        _add(archive, "../outside_mesh.mat", b"never read")
    return folder / "nips2015-analogy-data.tar.gz"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def picture(number: int, kind: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (20 * number, 100, 200)).save(file, kind)
    return file.getvalue()


def celeba(folder: Path) -> Path:
    names = [f"{i:06}.jpg" for i in range(1, 7)]
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for i in (3, 1, 2, 6, 5, 4):
            archive.writestr(f"img_align_celeba/{i:06}.jpg", picture(i, "JPEG", (178, 218)))
    rows = [f"{n}  {1 if i % 2 else -1} -1" for i, n in enumerate(names)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["6", "5_o_Clock_Shadow Bald ", *rows, ""]))
    (folder / "list_eval_partition.txt").write_text("\n".join(f"{n} {i // 2}" for i, n in enumerate(names)) + "\n")
    people = (2880, 7, 7, 90, 2880, 1)
    (folder / "identity_CelebA.txt").write_text("\n".join(f"{n} {p}" for n, p in zip(names, people, strict=True)))
    return folder


def omniglot(folder: Path) -> Path:
    for archive_name, alphabets in (("images_background", ("Greek", "Latin")), ("images_evaluation", ("Tengwar",))):
        with zipfile.ZipFile(folder / f"{archive_name}.zip", "w") as archive:
            for alphabet in alphabets:
                for character, drawer in itertools.product((1, 2), (1, 2, 3)):
                    archive.writestr(f"{archive_name}/{alphabet}/character{character:02}/{character:04}_{drawer:02}.png",
                                     picture(drawer, "PNG", (105, 105)))
    return folder


def emnist(folder: Path, part: str = "letters") -> Path:
    """Two classes, 1 and 2; an image has one bright pixel, in the second row before it is turned upright."""
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        archive.writestr(f"gzip/emnist-{part}-mapping.txt", "1 65 97\n2 66 98\n")
        for split, count in (("train", 4), ("test", 2)):
            images, labels = np.zeros((count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 2 + 1
            images[:, 1, 5] = 255
            for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
                head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
                archive.writestr(f"gzip/emnist-{part}-{split}-{kind}-ubyte.gz", gzip.compress(head + array.tobytes()))
    return folder / "gzip.zip"


def multi_pie(folder: Path) -> Path:
    for subject, camera, light in itertools.product((1, 7), ("051", "190"), (0, 18)):
        place = folder / "session01" / "multiview" / f"{subject:03}" / "01" / f"{camera[:2]}_{camera[2]}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{subject:03}_01_01_{camera}_{light:02}.png").write_bytes(picture(subject, "PNG", (64, 48)))
    (folder / "readme.png").write_bytes(picture(1, "PNG", (8, 8)))
    return folder


def usps(folder: Path) -> Path:
    for name, count in (("usps.bz2", 3), ("usps.t.bz2", 2)):
        lines = [f"{i + 1} " + " ".join(f"{k + 1}:{v:.4f}" for k, v in enumerate(np.linspace(-1, 1, 256))) + " "
                 for i in range(count)]
        (folder / name).write_bytes(bz2.compress("\n".join(lines).encode() + b"\n"))
    return folder
