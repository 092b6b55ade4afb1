"""Sheets of the Liberated Pixel Cup, made here in their exact form: frames, layers over each other, credits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid import DataError
from unbraid.testing import SourceSuite
from unbraid_plugins.shared.published import LpcSheets
from unbraid_plugins.shared.published.lpc_sheets import ACTIONS, DIRECTIONS

LAYERS = {"body": "body/*.png", "hair": "hair/*/*.png"}


def sheet(path: Path, number: int, opacity: int = 255, part: slice = slice(None)) -> None:
    """A sheet of 832 x 1344 pixels: red is its number, green the row, blue the column of a frame, in `part` of it."""
    pixels = np.zeros((21, 13, 64, 64, 4), np.uint8)
    pixels[:, :, part, :, 0] = number
    pixels[:, :, part, :, 1] = np.arange(21)[:, None, None, None]
    pixels[:, :, part, :, 2] = np.arange(13)[None, :, None, None]
    pixels[:, :, part, :, 3] = opacity
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.transpose(0, 2, 1, 3, 4).reshape(21 * 64, 13 * 64, 4)).save(path)


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    sheet(tmp_path / "body/light.png", 10)
    sheet(tmp_path / "body/dark.png", 20)
    sheet(tmp_path / "hair/long/red.png", 100, part=slice(0, 16))
    sheet(tmp_path / "hair/short/red.png", 200, opacity=128, part=slice(0, 16))
    sheet(tmp_path / "hair/short/blue.png", 240, opacity=0)
    (tmp_path / "AUTHORS.txt").write_text("An artist: everything")
    return tmp_path


class TestLpcSheets(SourceSuite):
    component = LpcSheets
    options = {"path": "sheets", "layers": LAYERS, "frames": 2}  # noqa: RUF012

    def make(self, folder: Path) -> object:
        for name in ("a", "b"):
            sheet(folder / f"body/{name}.png", 10)
            sheet(folder / f"hair/x/{name}.png", 20)
        (folder / "CREDITS.csv").write_text("name\n")
        return LpcSheets(path=str(folder), layers=LAYERS, frames=2)


def test_frames_are_where_the_sheets_have_them(sheets: Path) -> None:
    images = LpcSheets(path=str(sheets), layers={"body": "body/*.png"}, actions=("slash", "walk"), frames=4).open()
    fields = images.fields
    assert fields["body"].names == ("dark", "light")
    assert fields["action"].names == ("slash", "walk")
    assert fields["direction"].names == DIRECTIONS
    assert len(images) == 2 * 2 * 4 * 4
    for row in range(len(images)):
        body, action, direction, frame = (int(fields[n].values[row]) for n in ("body", "action", "direction", "frame"))
        first, _ = ACTIONS[("slash", "walk")[action]]
        expected = [(20, 10)[body], first + direction, frame]
        assert images.read(np.asarray([row]))[0, :, 32, 32].tolist() == expected


def test_layers_lie_over_each_other_on_white(sheets: Path) -> None:
    images = LpcSheets(path=str(sheets), layers=LAYERS, frames=1).open()
    assert images.fields["hair"].names == ("hair/long/red", "hair/short/blue", "hair/short/red")
    by = {(int(b), int(h)): row for row, (b, h, d) in enumerate(zip(*(images.fields[n].values for n in (
        "body", "hair", "direction")), strict=True)) if d == 2}
    top = {key: images.read(np.asarray([row]))[0, 0, 8, 8] for key, row in by.items()}
    below = {key: images.read(np.asarray([row]))[0, 0, 40, 8] for key, row in by.items()}
    assert [top[1, hair] for hair in range(3)] == [100, 10, 105]     # over it, not there, half through
    assert {below[1, hair] for hair in range(3)} == {10}
    bare = LpcSheets(path=str(sheets), layers={"hair": "hair/long/*.png"}, frames=1).open()
    assert bare.read(np.asarray([0]))[0, :, 40, 8].tolist() == [255, 255, 255]


def test_credits_go_with_the_pictures(sheets: Path) -> None:
    images = LpcSheets(path=str(sheets), layers=LAYERS, count=5).open()
    assert len(images) == 5
    assert any("AUTHORS.txt must go with every picture" in note for note in images.notes)
    (sheets / "AUTHORS.txt").unlink()
    with pytest.raises(DataError, match=r"(?s)no credits .*name their artists"):
        LpcSheets(path=str(sheets), layers=LAYERS).open()


@pytest.mark.parametrize(("options", "told"), [
    ({"layers": {"body": "feet/*.png"}}, "there is no feet"), ({"layers": {"frame": "body/*.png"}}, "another field"),
    ({"layers": {"body": "../*.png"}}, "leaves the folder"), ({"actions": ("dance",)}, "no 'dance'"),
    ({"actions": ("slash",), "frames": 7}, "slash has 6, fewer than 7"),
    ({"layers": {"body": "*.txt"}}, "AUTHORS.txt")])
def test_what_can_not_be_read_is_told(sheets: Path, options: dict[str, object], told: str) -> None:
    with pytest.raises(DataError, match=told):
        LpcSheets(**{"path": str(sheets), "layers": LAYERS, **options}).open()


def test_a_picture_that_is_no_sheet_is_told(sheets: Path) -> None:
    Image.new("RGBA", (64, 64)).save(sheets / "body/small.png")
    with pytest.raises(DataError, match=r"small\.png: 64 x 64 pixels are no sheet"):
        LpcSheets(path=str(sheets), layers=LAYERS).open()


def test_credits_of_another_name(sheets: Path) -> None:
    (sheets / "README.md").write_text("Sheets of the Liberated Pixel Cup.")
    images = LpcSheets(path=str(sheets), layers=LAYERS, credits="README.md", count=5).open()
    assert f"{sheets / 'README.md'} must go with every picture" in images.notes[-1]
    with pytest.raises(DataError, match=r"no credits \(../README.md\)"):
        LpcSheets(path=str(sheets / "hair"), layers=LAYERS, credits="../README.md").open()
