"""Folders of pictures and of frames: what is read, and what is refused."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid import BadPicture, DataError, picture_size, read_picture
from unbraid.testing import SourceSuite
from unbraid_plugins.shared.sources import Clips, Folder, picture_files


def paint(path: Path, size: tuple[int, int] = (40, 30), colour: object = (200, 100, 50), mode: str = "RGB",
          **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)
    return path


def halves(path: Path, vertical: bool = False, **options: object) -> Path:
    """Black on the left (or top), white on the right (or bottom)."""
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[20:] = 255
    Image.fromarray(pixels if vertical else pixels.swapaxes(0, 1)).save(path, **options)
    return path


class TestFolder(SourceSuite):
    component = Folder
    options = {"path": "pictures"}  # noqa: RUF012

    def make(self, folder: Path) -> object:
        for i in range(5):
            paint(folder / "cats" / f"{i}.png", colour=(40 * i + 9, 0, 0))
        paint(folder / "dogs" / "a.jpg")
        return Folder(path=str(folder), size=16)


class TestClips(SourceSuite):
    component = Clips
    options = {"path": "clips"}  # noqa: RUF012

    def make(self, folder: Path) -> object:
        for clip in range(2):
            for frame in range(3):
                paint(folder / f"clip{clip}" / f"{frame}.png", colour=(40 * frame + 9, 90 * clip, 0))
        return Clips(path=str(folder), size=16)


def test_all_formats_and_modes_become_squares(tmp_path):
    for ending in ("png", "jpg", "webp", "bmp", "gif"):
        paint(tmp_path / f"a.{ending}")
    paint(tmp_path / "grey.png", colour=77, mode="L")
    paint(tmp_path / "deep.png", colour=77 * 257, mode="I;16")
    paint(tmp_path / "palette.png", colour=3, mode="P")
    paint(tmp_path / "UPPER.PNG", colour=1, mode="1")
    (tmp_path / "readme.txt").write_text("no picture")
    images = Folder(path=str(tmp_path), size=24).open()
    assert images.images.shape == (9, 3, 24, 24)
    assert not images.fields
    assert not images.notes
    grey = Folder(path=str(tmp_path), size=(8, 12), channels=1).open()
    assert grey.images.shape == (9, 1, 8, 12)
    by_name = dict(zip(sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".txt"), range(9), strict=True))
    for name in ("grey.png", "deep.png"):
        assert abs(int(grey.images[by_name[name], 0, 4, 4]) - 77) <= 1


def test_a_picture_fills_the_square_and_is_cut_around_its_middle(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255                                             # the middle third is white
    Image.fromarray(wide).save(tmp_path / "a.png")
    assert (Folder(path=str(tmp_path), size=20).open().images == 255).all()


def test_pictures_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6                                                 # the camera lay on its side
    halves(tmp_path / "a.png", exif=exif)
    image = Folder(path=str(tmp_path), size=16).open().images[0, 0]
    assert image[2].max() < 10
    assert image[13].min() > 245


def test_transparency_becomes_white(tmp_path):
    paint(tmp_path / "a.png", colour=(0, 0, 0, 0), mode="RGBA")
    assert (Folder(path=str(tmp_path), size=8).open().images == 255).all()


def test_labels_are_the_folders_names(tmp_path):
    for name in ("b/x/1.png", "b/2.png", "a/1.png", ".hidden/1.png"):
        paint(tmp_path / name)
    field = Folder(path=str(tmp_path), size=8).open().fields["folder"]
    assert field.names == ("a", "b", "b/x")
    assert field.values.tolist() == [0, 1, 2]


def bomb(path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
                     + chunk(b"IEND", b""))


def spoil(folder: Path) -> None:
    good = paint(folder / "z_good.jpg", size=(300, 300)).read_bytes()
    (folder / "truncated.jpg").write_bytes(good[:len(good) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("this is no picture")
    (folder / "junk.gif").write_bytes(b"GIF89a" + bytes(range(200)))
    bomb(folder / "bomb.png")


@pytest.mark.filterwarnings("error")
def test_corrupt_files_are_skipped_counted_and_named(tmp_path):
    spoil(tmp_path)
    images = Folder(path=str(tmp_path), size=16).open()
    assert len(images) == 1
    assert images.notes[0].startswith("5 corrupt files skipped: bomb.png (")
    assert "decompression bomb" in images.notes[0]
    assert "text.png" not in images.notes[0]
    assert abs(images.images[0, :, 8, 8].astype(int) - (200, 100, 50)).max() < 4


def test_a_large_folder_is_read_lazily(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_files, "DECODE_AT_ONCE", 100)
    for i in range(4):
        paint(tmp_path / f"{i}.png", colour=(50 * i, 0, 0))
    images = Folder(path=str(tmp_path), size=8).open()
    assert not isinstance(images.images, np.ndarray)
    assert images.read(np.asarray([3, 1]))[:, 0, 0, 0].tolist() == [150, 50]
    spoil(tmp_path)
    kept = Folder(path=str(tmp_path), size=8).open()                 # headers tell all but the truncated one
    with pytest.raises(DataError, match=r"(?s)truncated\.jpg.*check: all"):
        kept.read(np.arange(len(kept)))
    checked = Folder(path=str(tmp_path), size=8, check="all").open()
    assert checked.read(np.arange(len(checked))).shape == (5, 3, 8, 8)


@pytest.mark.parametrize(("make", "message"), [
    (lambda p: None, r"there are no pictures in .*it reads \.png"),
    (lambda p: (p / "a.txt").write_text("x"), "there are no pictures"),
    (lambda p: (p / "a.png").write_text("x"), r"none of the 1 pictures can be read: .*a\.png"),
])
def test_a_folder_without_pictures_is_refused(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(DataError, match=f"(?s){message}"):
        Folder(path=str(tmp_path)).open()


def test_a_missing_folder_is_refused_and_the_option_named(tmp_path):
    with pytest.raises(DataError, match=r"(?s)nothing at .*nowhere.*set the option `path`"):
        Folder(path=str(tmp_path / "nowhere")).open()
    with pytest.raises(DataError, match="is a file"):
        Folder(path=str(paint(tmp_path / "a.png"))).open()
    with pytest.raises(DataError, match="`path` is empty"):
        Folder(path="").open()


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    paint(tmp_path / "pictures" / "a.png")
    assert len(Folder(path="~/pictures", size=8).open()) == 1


@pytest.mark.parametrize("size", [0, 3, 10_000, (64, 0)])
def test_silly_sizes_are_refused(size):
    with pytest.raises(ValueError, match="size must be 4"):
        Folder(path=".", size=size)


def test_frames_are_in_natural_order_and_clips_named(tmp_path):
    for clip in ("walk/anna", "walk/bert", "run/anna"):
        for frame in (1, 2, 10, 11):
            paint(tmp_path / clip / f"frame{frame}.png", colour=(frame, 0, 0))
    paint(tmp_path / "cover.png")
    images = Clips(path=str(tmp_path), size=8).open()
    assert len(images) == 12
    assert images.fields["clip"].names == ("run/anna", "walk/anna", "walk/bert")
    assert images.fields["folder"].names == ("run", "walk")
    assert images.images[:4, 0, 0, 0].tolist() == [1, 2, 10, 11]
    assert images.fields["frame"].values.tolist() == [0, 1, 2, 3] * 3
    with pytest.raises(DataError, match=r"(?s)no folders of frames.*type: folder"):
        Clips(path=str(tmp_path / "run" / "anna")).open()


@pytest.mark.parametrize("check", ["all", "headers"])
def test_a_pipe_is_no_picture(tmp_path, check):
    """Whoever opened it would wait for ever."""
    for i in range(3):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{i}.png")
    os.mkfifo(tmp_path / "pipe.png")
    images = Folder(path=str(tmp_path), size=8, check=check).open()
    assert len(images) == 3
    assert "pipe.png (it is no file)" in images.notes[0]


def test_a_corrupt_frame_leaves_a_gap(tmp_path):
    for frame in range(4):
        paint(tmp_path / "clip" / f"{frame}.png")
    (tmp_path / "clip" / "1.png").write_text("x")
    images = Clips(path=str(tmp_path), size=8).open()
    assert images.fields["frame"].values.tolist() == [0, 2, 3]
    assert "1 corrupt file skipped: 1.png" in images.notes[0]


def test_postscript_is_never_run(tmp_path: Path, monkeypatch) -> None:
    """Pillow knows files by their content, and has Ghostscript run those in PostScript."""
    from PIL import EpsImagePlugin

    ran = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: ran.append("gs") or Image.new("RGB", (4, 4)).im)
    Image.new("RGB", (40, 30)).save(tmp_path / "program.png", format="EPS")
    Image.open(tmp_path / "program.png").load()
    assert ran.pop() == "gs"
    with pytest.raises(BadPicture, match="no picture that can be read"):
        read_picture(tmp_path / "program.png", (16, 16), 3)
    with pytest.raises(BadPicture, match="no picture that can be read"):
        picture_size(tmp_path / "program.png")
    assert not ran
