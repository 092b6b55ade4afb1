"""Splits follow what a picture is, not its row: pictures are added, removed, renamed, and stay where they were."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_autoencoder import tiny_autoencoder

from unbraid import Field, Images, load_recipe, train
from unbraid.data import Data, open_data
from unbraid.data.splits import split_rows
from unbraid.engine import data_notes
from unbraid_plugins.shared.sources import Clips, Folder, Npz

SHARES = {"train": 0.8, "test": 0.2}


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def photos(folder: Path, numbers: range, digits: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        Image.fromarray(noise(number)).save(folder / f"{number:0{digits}}.png")
    return folder


def pictures(images: Images, rows: np.ndarray) -> set[bytes]:
    return {images.read(np.array([row])).tobytes() for row in rows}


def by_split(images: Images, cuts: tuple[float, ...] | None = None) -> tuple[dict[str, set[bytes]], tuple[float, ...]]:
    splits, found = split_rows(images, SHARES, None, cuts)
    return {name: pictures(images, rows) for name, rows in splits.items()}, found


def stays(before: dict[str, set[bytes]], after: dict[str, set[bytes]]) -> bool:
    return not (before["train"] & after["test"] or before["test"] & after["train"])


def test_pictures_of_a_folder_stay_in_their_splits(tmp_path: Path) -> None:
    folder = photos(tmp_path / "d", range(10, 70))
    before, cuts = by_split(Folder(path=str(folder), size=8).open())
    assert {name: len(kept) for name, kept in before.items()} == {"train": 48, "test": 12}
    photos(folder, range(10))
    photos(folder, range(70, 90))
    for number in range(10, 30):
        (folder / f"{number:03}.png").unlink()
    (folder / "sub").mkdir()
    for number in range(30, 40):
        (folder / f"{number:03}.png").rename(folder / "sub" / f"{99 - number}.png")
    after, same = by_split(Folder(path=str(folder), size=8).open(), cuts)
    assert same == cuts
    assert stays(before, after)
    assert len(after["train"] | after["test"]) == 70


def test_splits_do_not_depend_on_how_pictures_are_decoded(tmp_path: Path) -> None:
    folder = str(photos(tmp_path / "d", range(40)))
    now, cuts = split_rows(Folder(path=folder, size=8).open(), SHARES)
    later, others = split_rows(Folder(path=folder, size=16, channels=1, check="headers").open(), SHARES)
    assert cuts == others
    assert np.array_equal(now["test"], later["test"])


def test_rows_of_arrays_stay_in_their_splits(tmp_path: Path) -> None:
    def opened(numbers: range, **options: object) -> Images:
        np.savez(tmp_path / "a.npz", images=np.stack([noise(n) for n in numbers]), labels=np.arange(len(numbers)) % 2)
        return Npz(path=str(tmp_path / "a.npz"), **options).open()

    before, cuts = by_split(opened(range(20, 80)))
    after, _ = by_split(opened(range(100)), cuts)
    assert stays(before, after)
    chosen, _ = by_split(opened(range(100), only={"label": 1}), cuts)
    assert stays(before, chosen)


def test_copies_stay_together(tmp_path: Path) -> None:
    pictures = [noise(n % 30) for n in range(60)] + [noise(3)] * 20
    np.savez(tmp_path / "a.npz", images=np.stack(pictures))
    splits, _ = by_split(Npz(path=str(tmp_path / "a.npz")).open())
    assert not splits["train"] & splits["test"]
    assert {name: len(kept) for name, kept in splits.items()} == {"train": 24, "test": 6}         # different ones
    folder = photos(tmp_path / "d", range(40))
    for number in range(40):
        (folder / f"copy-of-{number}.png").write_bytes((folder / f"{number:03}.png").read_bytes())
    splits, _ = by_split(Folder(path=str(folder), size=8).open())
    assert not splits["train"] & splits["test"]


def test_equal_images_are_split_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((50, 8, 8), np.uint8))
    images = Npz(path=str(tmp_path / "a.npz")).open()
    splits, cuts = split_rows(images, SHARES)
    assert [len(rows) for rows in splits.values()] == [40, 10]
    again, _ = split_rows(images, SHARES, None, cuts)
    assert np.array_equal(again["test"], splits["test"])


@pytest.mark.parametrize("names", [None, tuple("abcdefghij")])
def test_people_stay_in_their_splits(names: tuple[str, ...] | None) -> None:
    def people(kept: list[int]) -> Images:
        known = kept if names is None else list(range(len(kept)))
        field = Field(np.repeat(known, 2), 10 if names is None else len(kept),
                      None if names is None else tuple(names[k] for k in kept))
        return Images(np.repeat(np.arange(len(kept), dtype=np.uint8), 2)[:, None, None, None].repeat(4, 2).repeat(4, 3),
                      {"who": field}, keys=np.arange(2 * len(kept), dtype=np.uint64))

    def who(kept: list[int], cuts: tuple[float, ...] | None) -> tuple[set[int], tuple[float, ...]]:
        splits, found = split_rows(people(kept), SHARES, "who", cuts)
        return {kept[row // 2] for row in splits["test"]}, found

    before, cuts = who([0, 2, 3, 5, 6, 7, 9], None)
    after, _ = who([1, 2, 3, 4, 5, 7, 8, 9], cuts)
    assert before & {2, 3, 5, 7, 9} == after & {2, 3, 5, 7, 9}


def test_clips_stay_in_their_splits_whole(tmp_path: Path) -> None:
    for number in range(20):
        photos(tmp_path / f"clip{number + 5}", range(3 * number, 3 * number + 3))
    before, cuts = by_split(Clips(path=str(tmp_path), size=8).open())
    for number in range(5):
        photos(tmp_path / f"clip{number}", range(100 + 3 * number, 103 + 3 * number))
    (tmp_path / "clip7").rename(tmp_path / "clip99")
    images = Clips(path=str(tmp_path), size=8).open()
    after, _ = by_split(images, cuts)
    splits, _ = split_rows(images, SHARES, None, cuts)
    assert stays(before, after)
    assert len(after["test"]) % 3 == 0
    assert not {*images.fields["clip"].values[splits["train"]]} & {*images.fields["clip"].values[splits["test"]]}


def of_run(data: Data) -> dict[str, set[bytes]]:
    return {split: pictures(data.images_of["source"], data.rows(split)) for split in ("train", "test")}


def test_a_run_keeps_its_cuts_and_an_older_run_its_rows(tmp_path: Path) -> None:
    folder = photos(tmp_path / "d", range(10, 50))
    recipe = tiny_autoencoder("data.source={type: folder, path: " + str(folder) + ", size: 8}")
    run = train(recipe, tmp_path / "run")
    before = of_run(open_data(run.recipe().data))
    assert "split_at" in run.recipe_file.read_text()
    shutil.copytree(run.folder, tmp_path / "older")
    older = type(run)(tmp_path / "older")
    older.recipe_file.write_text("".join(line for line in run.recipe_file.read_text().splitlines(keepends=True)
                                         if "split_at" not in line and "source: [" not in line))
    (folder / "020.png").unlink()
    photos(folder, range(10))
    for read in (run.recipe(), load_recipe(run.recipe_file)):
        assert stays(before, of_run(open_data(read.data)))
    assert run.recipe(["data.splits={train: 0.5, test: 0.5}"]).data.split_at == {}
    assert older.recipe().data.split_at == {"source": ()}
    rows, _ = split_rows(Images(np.zeros((49, 1, 4, 4), np.uint8)), recipe.data.splits)
    assert np.array_equal(open_data(older.recipe().data).rows("test"), rows["test"])
    with pytest.warns(UserWarning, match="each picture stays in its split"):
        assert len(data_notes(open_data(run.recipe().data), run)) == 1
    with pytest.warns(UserWarning, match="may have been trained on"):
        assert len(data_notes(open_data(older.recipe().data), older)) == 1


def test_a_resumed_run_keeps_its_cuts(tmp_path: Path) -> None:
    folder = photos(tmp_path / "d", range(10, 50))
    options = "data.source={type: folder, path: " + str(folder) + ", size: 8}"
    run = train(tiny_autoencoder(options), tmp_path / "run")
    cuts = load_recipe(run.recipe_file).data.split_at
    photos(folder, range(10))
    again = train(tiny_autoencoder(options, "train.steps=9"), run.folder, resume=True, accept_changes=True)
    assert load_recipe(again.recipe_file).data.split_at == cuts
    assert again.record()["data"]["sources"]["source"]["images"] == 50
