"""Pictures of labelled rows, written and taken apart again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from unbraid_plugins.tools.display import KEY, Row, RowsError, read_rows, write_rows
from unbraid_plugins.tools.evaluation import edit_pictures as edits


def images(n: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, channels, 6, 9)).astype(np.float32) / 255


def test_the_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [Row(images(4), "image"), Row(images(3, seed=1), "skin of the other", "chunk1", "skin", ("a", "b", "c"), 1)]
    with Image.open(write_rows(tmp_path / "rows.png", rows, scale=3)) as picture:
        assert picture.height == 2 * (18 + 2) + 2
        found = read_rows(picture)
    assert found is not None
    for own, again in zip(rows, found, strict=True):
        assert np.array_equal(own.images, again.images)
        assert (own.label, own.detail, own.group, own.columns, own.blank) == (
            again.label, again.detail, again.group, again.columns, again.blank)


def test_labels_are_text_and_nothing_else(tmp_path: Path) -> None:
    row = Row(images(2, channels=1), "$x^{$ <b>", "\\frac{")          # matplotlib would take it for a formula
    with Image.open(write_rows(tmp_path / "rows.png", [row])) as picture:
        found = read_rows(picture)
    assert found is not None
    assert found[0].label == "$x^{$ <b>"
    assert np.array_equal(found[0].images, row.images.repeat(3, 1))


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"left": 0}', "[" * 100_000,
                                  '{"left":0,"gap":2,"height":0,"width":4,"scale":1,"rows":[]}',
                                  '{"left":0,"gap":2,"height":4,"width":4,"scale":0,"rows":[{"label":"","detail":"",'
                                  '"group":"","columns":[],"blank":0,"images":1}]}',
                                  '{"left":0,"gap":2,"height":400,"width":4,"scale":1,"rows":[{"label":"","detail":"",'
                                  '"group":"","columns":[],"blank":0,"images":1}]}'])
def test_what_is_no_picture_of_rows_is_a_picture(tmp_path: Path, text: str) -> None:
    about = PngImagePlugin.PngInfo()
    about.add_text(KEY, text)
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png", pnginfo=about)
    with Image.open(tmp_path / "a.png") as picture:
        assert read_rows(picture) is None


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RowsError, match=r"can't write the picture .*a\.png"):
        write_rows(tmp_path / "file" / "a.png", [Row(images(1), "image")])


def shown(**changes: object) -> edits.Shown:
    """Images of 2 x 3 pixels that are their codes: chunk a is the upper row and the factor `class`."""
    codes = np.random.default_rng(0).random((60, 6)).astype(np.float32)
    codes[:, :3] = np.arange(60)[:, None] % 4 / 4
    of = {"images": codes.reshape(60, 1, 2, 3), "codes": codes, "decode": lambda f: f.reshape(len(f), 1, 2, 3),
          "chunks": {"a": (0, 3), "b": (3, 6)}, "assigned": {"class": "a"}, "factors": {"class": np.arange(60) % 4},
          "names": {"class": ("w", "x", "y", "z")}}
    return edits.Shown(**{**of, **changes})                           # type: ignore[arg-type]


def test_a_swap_takes_the_assigned_chunk_and_leaves_the_rest() -> None:
    image, other, rebuilt, swapped = edits.swaps(shown())
    assert np.array_equal(image.images, rebuilt.images)
    assert np.array_equal(swapped.images[:, :, 0], other.images[:, :, 0])
    assert np.array_equal(swapped.images[:, :, 1], image.images[:, :, 1])
    assert (swapped.label, swapped.detail) == ("class of the other", "a")


def test_a_swap_grid_shows_every_class_once_before_any_twice() -> None:
    donors, *receivers = edits.swap_grids(shown())
    assert donors.columns == ("w", "w", "x", "x", "y", "y", "z", "z")
    assert (donors.blank, len(receivers)) == (1, 4)
    for row in receivers:
        assert np.array_equal(row.images[1:, :, 0], donors.images[:, :, 0])
        assert (row.images[1:, :, 1] == row.images[:1, :, 1]).all()


def test_a_traversal_moves_one_chunk_from_low_to_high() -> None:
    a, b = edits.traversals(shown())
    assert (a.label, a.detail, b.detail) == ("a", "class; along its principal axis", "along its principal axis")
    assert (a.images[:, :, 1] == a.images[0, :, 1]).all()
    assert abs(np.ptp(a.images[:, 0, 0, 0]) - 0.75) < 0.01               # the classes are 0, 1/4, 1/2, 3/4
    numbers = {f"z[{i}]": (i, i + 1) for i in range(6)}
    rows = list(edits.traversals(shown(chunks=numbers, assigned={"class": "z[1]"}, kl=np.ones((60, 6)))))
    assert rows[1].detail == "class; -3 ... 3"
    assert np.allclose(rows[1].images[:, 0, 0, 1], np.linspace(-3, 3, 9))


def test_a_code_without_chunks_goes_along_its_axes() -> None:
    rows = list(edits.traversals(shown(chunks={}, assigned={})))
    assert [row.label for row in rows] == [f"principal axis {i}" for i in range(1, 7)]
    assert all(np.ptp(row.images.reshape(9, -1), axis=0).max() > 0.1 for row in rows[:4])


def test_many_chunks_are_the_liveliest() -> None:
    wide = np.linspace(0, 1, 60)[:, None] * np.arange(40)
    numbers = {f"z[{i}]": (i, i + 1) for i in range(40)}
    of = shown(codes=wide, chunks=numbers, assigned={}, decode=lambda f: f.reshape(-1, 1, 5, 8))
    rows = list(edits.traversals(of))
    assert [row.label for row in rows] == [f"z[{i}]" for i in range(8, 40)]


def test_each_class_in_turn() -> None:
    (row,) = edits.classes(shown())
    assert row.columns == ("w", "x", "y", "z")
    assert np.allclose(row.images[:, 0, 0, 0], [0, 0.25, 0.5, 0.75])
    many = shown(factors={"class": np.arange(60)}, names={})
    assert next(edits.classes(many)).columns == tuple(str(i) for i in np.linspace(0, 59, 10).round().astype(int))


def test_factors_of_one_chunk_are_swapped_once() -> None:
    two = shown(assigned={"class": "a", "half": "a", "other": "b"},
                factors={"class": np.arange(60) % 4, "half": np.arange(60) % 2, "other": np.arange(60) % 3})
    rows = list(edits.swaps(two))[3:]
    assert [(r.label, r.detail) for r in rows] == [("a of the other", "class, half"), ("other of the other", "b")]
    donors = [r for r in edits.swap_grids(two) if r.blank]
    assert [r.label for r in donors] == ["a of donors", "other of donors"]
    assert [r.group for r in donors] == ["a (class, half)", "other (b)"]
    assert donors[0].columns == ("w", "w", "x", "x", "y", "y", "z", "z")             # the factor with most classes
