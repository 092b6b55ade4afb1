"""The small inputs of the shared folder `cases/data`, which once went wrong: odd pictures, labels and splits."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from unbraid import BadPicture, DataError, read_picture
from unbraid_plugins.shared.sources import Folder, Npz

CASES = Path(os.environ.get("UNBRAID_SHARED", "../shared")) / "cases" / "data"
DEPTHS = ("float_0_1.tif", "float_0_65535.tif", "int32_0_200.tif", "signed_minus1000_3000.tif",
          "sixteen_bits_transparency.png", "twelve_bits.png")
WHOLE = ("float_0_1.tif", "sixteen_bits_transparency.png")             # the others have no range that is known

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="no shared data (set UNBRAID_SHARED)")


@pytest.mark.parametrize("name", DEPTHS)
def test_a_ramp_is_whole_or_refused(name):
    path = CASES / "picture-depth" / "photos" / name
    if name not in WHOLE:
        with pytest.raises(BadPicture, match="set the source's `"):
            read_picture(path, (32, 32), 1)
        return
    pixels = read_picture(path, (32, 32), 1)
    assert pixels.max() > 240
    assert len(np.unique(pixels)) > 24


def test_photos_with_a_broken_exif_are_used():
    images = Folder(path=str(CASES / "exif-crash" / "photos"), size=32).open()
    assert len(images) == 6
    assert not images.notes


def test_what_is_left_out_is_told(tmp_path):
    here = CASES / "left-out-silently"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a").symlink_to((here / "photos" / "a").resolve())
    (tmp_path / "photos" / "b").symlink_to((here / "elsewhere").resolve())
    images = Folder(path=str(tmp_path / "photos"), size=32).open()
    heic = find_spec("pillow_heif") is not None
    assert len(images) == 10 + 2 * heic
    assert images.fields["folder"].names == ("a", "b")
    assert any("2 .heic" in note for note in images.notes) != heic


@pytest.mark.parametrize("name", ["int", "bool", "short"])
def test_a_split_is_kept_or_refused(name):
    with pytest.raises(DataError, match="split"):
        Npz(path=str(CASES / "split-ignored" / f"{name}.npz")).open()
