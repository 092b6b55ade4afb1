"""Pictures that are decoded during a training: by torchvision, once each, and kept; kills and changes do no harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid import DataError, read_picture
from unbraid_plugins.shared.sources import Folder, jpeg_files, kept_pictures, picture_files
from unbraid_plugins.shared.sources.jpeg_files import decode_jpeg_file, jpeg_size
from unbraid_plugins.shared.sources.kept_pictures import KeptPictures

COUNT = 6


def photograph(path: Path, size: tuple[int, int] = (90, 60), seed: int = 0, **options: object) -> Path:
    """A smooth JPEG, like a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=95, **options)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures, and an empty cache."""
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(COUNT):
        photograph(pictures / f"{i}.jpg", seed=i)
    return pictures


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded, as it happens."""
    decoded: list[str] = []
    original = picture_files.PictureFiles._one

    def counted(self: object, path: Path) -> np.ndarray:
        decoded.append(path.stem)
        return original(self, path)

    monkeypatch.setattr(picture_files.PictureFiles, "_one", counted)
    return decoded


def opened(folder: Path, **options: object) -> KeptPictures:
    return Folder(path=str(folder), size=16, check="headers", **options).open().images


ROWS = np.asarray([3, 1, 1, 5])
ALL = np.arange(COUNT)


def test_pictures_are_decoded_once_in_this_process_and_the_next(folder: Path, decodings: list[str]) -> None:
    fresh = opened(folder, keep="no").read(ALL)
    decodings.clear()
    images = opened(folder)
    assert (images.read(ROWS) == fresh[ROWS]).all()
    assert (images.read(ALL) == fresh).all()
    assert sorted(decodings) == ["0", "1", "1", "2", "3", "4", "5"]          # a row twice in one batch is read twice
    decodings.clear()
    assert (opened(folder).read(ALL) == fresh).all()
    assert decodings == []
    [note] = [n for n in Folder(path=str(folder), size=16, check="headers").open().notes if "kept in" in n]
    assert "0 MiB when all have been read" in note


@pytest.mark.parametrize(("change", "again"), [
    (lambda f: photograph(f / "2.jpg", seed=77), ["2"]),
    (lambda f: os.utime(f / "2.jpg", (1, 1)), ["2"]),
    (lambda f: (f / "0.jpg").unlink(), ["1", "2", "3", "4", "5"]),           # the rows are others
    (lambda f: photograph(f / "9.jpg", seed=9), ["0", "1", "2", "3", "4", "5", "9"])])
def test_what_changed_is_decoded_again(folder: Path, decodings: list[str], change: Callable[[Path], object],
                                       again: list[str]) -> None:
    opened(folder).read(ALL)
    change(folder)
    decodings.clear()
    images = opened(folder)
    found = images.read(np.arange(images.shape[0]))
    assert decodings == again
    assert (found == opened(folder, keep="no").read(np.arange(images.shape[0]))).all()


def test_other_settings_have_files_of_their_own(folder: Path) -> None:
    by_pillow = opened(folder, decoder="pillow").read(ALL)
    assert (opened(folder).read(ALL) != by_pillow).any()
    assert (opened(folder, decoder="pillow").read(ALL) == by_pillow).all()
    assert opened(folder, channels=1).read(ALL).shape == (COUNT, 1, 16, 16)


@pytest.mark.parametrize("spoil", ["pixels", "checks", "half a row", "short", "no rows"])
def test_damaged_files_of_the_cache_give_no_wrong_pictures(folder: Path, decodings: list[str], spoil: str) -> None:
    fresh = opened(folder).read(ALL)
    [kept] = (folder.parent / "cache/pictures").glob("*-*")
    if spoil in ("pixels", "checks"):
        content = bytearray((kept / spoil).read_bytes())
        content[20] ^= 1
        (kept / spoil).write_bytes(content)
    elif spoil == "half a row":                    # as a machine without power leaves it: the checksum came first
        size = fresh[0].nbytes
        with (kept / "pixels").open("r+b") as file:
            file.seek(2 * size + size // 2)
            file.write(bytes(size // 2))
    elif spoil == "short":
        os.truncate(kept / "pixels", 100)
    else:
        (kept / "rows").unlink()
    decodings.clear()
    assert (opened(folder).read(ALL) == fresh).all()
    assert 1 <= len(decodings) <= COUNT
    decodings.clear()
    assert (opened(folder).read(ALL) == fresh).all()
    assert decodings == []


READ = """
import sys
import numpy as np
from unbraid_plugins.shared.sources import Folder
images = Folder(path=sys.argv[1], size=16, check="headers").open().images
print("ready", flush=True)
for number in range(10**6):
    images.read(np.random.default_rng(number).integers(0, images.shape[0], 4))
    if number % 7 == 6:
        images = Folder(path=sys.argv[1], size=16, check="headers").open().images
"""


def test_two_processes_share_a_set_and_a_kill_does_no_harm(folder: Path, decodings: list[str]) -> None:
    for i in range(COUNT, 60):
        photograph(folder / f"{i:02d}.jpg", seed=i)
    children = [subprocess.Popen([sys.executable, "-c", READ, str(folder)], stdout=subprocess.PIPE) for _ in range(2)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
    time.sleep(0.05)
    for child in children:
        child.send_signal(signal.SIGKILL)
        child.wait()
    images = opened(folder)
    assert (images.read(np.arange(60)) == opened(folder, keep="no").read(np.arange(60))).all()


def test_a_full_disk_ends_the_keeping_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    images = opened(folder)
    monkeypatch.setattr(kept_pictures.os, "pwrite", full)
    with pytest.warns(UserWarning, match="no longer kept in .*No space left"):
        found = images.read(ALL)
    assert (images.read(ALL) == found).all()
    assert (found == opened(folder, keep="no").read(ALL)).all()


def test_what_would_take_too_much_room_is_kept_only_if_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pictures, "LARGEST", 1000)
    source = Folder(path=str(folder), size=16, check="headers").open()
    assert not isinstance(source.images, KeptPictures)
    assert any("are not kept: they would take" in note for note in source.notes)
    assert isinstance(opened(folder, keep="yes"), KeptPictures)
    (folder.parent / "file").write_text("")
    monkeypatch.setenv("UNBRAID_CACHE", str(folder.parent / "file/cache"))
    with pytest.raises(DataError, match="can't be kept"):
        opened(folder, keep="yes")


def test_sets_that_nobody_uses_are_removed(folder: Path) -> None:
    opened(folder)
    [old] = (folder.parent / "cache/pictures").glob("*-*")
    (folder / "0.jpg").unlink()
    os.utime(old, (time.time() - 100_000,) * 2)
    opened(folder)
    [new] = (folder.parent / "cache/pictures").glob("*-*")
    assert new != old


# -- the decoder -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "to"), [((60, 60), (16, 16)), ((90, 60), (16, 16)), ((60, 90), (16, 16)),
                                          ((33, 77), (32, 24)), ((20, 20), (32, 32)), ((16, 16), (16, 16))])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_pixels_are_those_of_pillow_up_to_rounding_and_edges(tmp_path: Path, size: tuple[int, int],
                                                                 to: tuple[int, int], channels: int) -> None:
    path = photograph(tmp_path / "a.jpg", size)
    ours, theirs = decode_jpeg_file(path, to, channels), read_picture(path, to, channels)
    assert ours is not None
    assert ours.dtype == np.uint8
    assert ours.shape == theirs.shape
    apart = np.abs(ours.astype(int) - theirs)
    assert apart.mean() < 3                        # cut at whole pixels
    if size[0] * to[0] == size[1] * to[1]:                           # nothing is cut
        assert apart.max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = photograph(tmp_path / "a.jpg", (48, 48), exif=exif)
    assert np.abs(decode_jpeg_file(path, (16, 16), 3).astype(int) - read_picture(path, (16, 16), 3)).max() <= 1


def test_what_is_left_to_pillow(tmp_path: Path) -> None:
    good = photograph(tmp_path / "good.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(good[:len(good) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "bomb.jpg").write_bytes(good.replace((60).to_bytes(2) + (90).to_bytes(2), b"\xff\xff\xff\xff", 1))
    Image.new("RGB", (30, 20)).save(tmp_path / "really.png")
    (tmp_path / "really.png").rename(tmp_path / "really.jpg")
    Image.new("CMYK", (30, 20)).save(tmp_path / "print.jpg")
    photograph(tmp_path / "large.jpg", (400, 300))                   # Pillow decodes a fraction of its frequencies
    for name in ("cut", "text", "bomb", "really", "print", "large", "missing"):
        assert decode_jpeg_file(tmp_path / f"{name}.jpg", (16, 16), 3) is None, name
    for name in ("really", "print", "large"):
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / f"{name}.jpg").rename(tmp_path / "one" / f"{name}.jpg")
    assert opened(tmp_path / "one", keep="no").read(np.arange(3)).shape == (3, 3, 16, 16)


def test_a_torchvision_without_its_decoder_is_no_loss(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_files, "_decoder", lambda: None)
    assert decode_jpeg_file(folder / "0.jpg", (16, 16), 3) is None
    without = opened(folder).read(ALL)
    assert (without == opened(folder, decoder="pillow", keep="no").read(ALL)).all()
    monkeypatch.undo()
    monkeypatch.setenv("UNBRAID_CACHE", str(folder.parent / "cache"))
    assert (opened(folder).read(ALL) != without).any()               # what Pillow decoded is not taken for it


def test_sizes_in_headers(tmp_path: Path) -> None:
    assert jpeg_size(photograph(tmp_path / "a.jpg", (90, 60), progressive=True).read_bytes()) == (60, 90, 3)
    Image.new("L", (7, 9)).save(tmp_path / "g.jpg", comment=b"x" * 5000)
    content = (tmp_path / "g.jpg").read_bytes()
    assert jpeg_size(content) == (9, 7, 1)
    assert jpeg_size(b"\xff\xd8" + b"\xff" * 30 + content[3:]) == (9, 7, 1)             # a marker that is filled up
    for length in range(0, 200):
        jpeg_size(content[:length])                # ends without a size, and without an error
