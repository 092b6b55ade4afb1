"""Codes of a run's images as tables: the numbers are the model's, the factors the source's, row by row."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from unbraid import Field, Images, load_recipe
from unbraid.data import Data, DataError, open_data
from unbraid.model import Model
from unbraid.values import Code
from unbraid_plugins.tools.export import ExportError, export_codes, projector, table_files as parquet_table

COLUMNS = [f"chunk{i}[{j}]" for i in (1, 2) for j in range(4)]


@pytest.fixture
def data(run: Path) -> Data:
    """The run's data."""
    return open_data(load_recipe(run / "recipe.yaml").data)


def expected(model: Model, data: Data, rows: np.ndarray) -> np.ndarray:
    return model.code(data.images(rows)).tensor.numpy()


def invented(**fields: Field) -> Data:
    """Random images with these factors."""
    pixels = np.random.default_rng(0).integers(0, 256, (len(next(iter(fields.values())).values), 3, 16, 16), np.uint8)
    return Data(load_recipe("mixing-sprites").data, {"source": Images(pixels, fields)})


def test_npz_has_codes_and_factors_as_metrics_take_them(model: Model, data: Data, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = export_codes(model, tmp_path / "codes.npz", split="all", tell=lambda *n: told.append(n))
    assert (done.images, done.splits) == (260, ("train", "test"))
    assert told == [(100, 260), (200, 260), (260, 260)]
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as found:
        assert found["codes"].dtype == np.float32
        np.testing.assert_allclose(found["codes"], expected(model, data, np.arange(260)), atol=1e-6)
        assert found["rows"].tolist() == list(range(260))
        assert found["columns"].tolist() == COLUMNS
        fields = data.images_of["source"].fields
        assert found["factor_names"].tolist() == list(fields)
        for column, field in zip(found["factors"].T, fields.values(), strict=True):
            assert (column == field.values).all()
        assert np.flatnonzero(found["split"] == "test").tolist() == data.rows("test").tolist()
        told_facts = json.loads(str(found["unbraid"]))
    assert told_facts["title"] == "A tiny mixing, Szabó"
    assert told_facts["factors"]["pose"] == {"classes": 5, "names": ["stand", "walk", "wave", "cheer", "star"]}


def test_the_test_split_is_the_default(model: Model, data: Data, tmp_path: Path) -> None:
    assert export_codes(model, tmp_path / "codes.npz").splits == ("test",)
    with np.load(tmp_path / "codes.npz") as found:
        assert found["rows"].tolist() == data.rows("test").tolist()
        assert "split" not in found


def test_some_images_are_chosen_by_the_seed(model: Model, tmp_path: Path) -> None:
    rows = []
    for seed in (1, 1, 2):
        export_codes(model, tmp_path / "codes.npz", split="train", images=20, seed=seed, force=True)
        with np.load(tmp_path / "codes.npz") as found:
            rows.append(found["rows"].tolist())
    assert rows[0] == rows[1] != rows[2]
    assert rows[0] == sorted(set(rows[0]))
    assert len(rows[0]) == 20


def test_parquet_comes_in_groups_of_rows(model: Model, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                         ) -> None:
    monkeypatch.setattr(parquet_table, "GROUP", 100 * 8 * 4)
    export_codes(model, tmp_path / "codes.parquet", split="all")
    file = parquet.ParquetFile(tmp_path / "codes.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [100, 100, 60]
    table = file.read()
    assert table.column_names == ["row", "split", *data.images_of["source"].fields, *COLUMNS]
    found = np.stack([table[c].to_numpy() for c in COLUMNS], 1)
    np.testing.assert_allclose(found, expected(model, data, np.arange(260)), atol=1e-6)
    assert table["pose"].to_pylist() == data.images_of["source"].fields["pose"].values.tolist()
    assert [i for i, s in enumerate(table["split"].to_pylist()) if s == "test"] == data.rows("test").tolist()
    assert json.loads(table.schema.metadata[b"unbraid"])["code"][1]["name"] == "chunk2"
    assert json.loads(table.schema.field("pose").metadata[b"names"])[4] == "star"


def test_unknown_factors_and_numbers(model: Model, tmp_path: Path) -> None:
    data = invented(kind=Field(np.array([0, -1, 2, 1]), 3, ["a", "b\tc", "d"]), row=Field(np.arange(4), 4),
                    angle=Field(np.array([0.5, np.nan, 1, 2])), chunk1=Field(np.arange(8.0).reshape(4, 2)),
                    mask=Field(np.zeros((4, 1, 16, 16), np.uint8)))
    done = export_codes(model, tmp_path / "codes.parquet", data=data, split="all")
    assert done.factors == ("kind", "row_", "angle", "chunk1_")
    table = parquet.read_table(tmp_path / "codes.parquet")
    assert table["kind"].to_pylist() == [0, None, 2, 1]
    assert table["angle"].to_pylist() == [0.5, None, 1, 2]
    assert table["chunk1_[1]"].to_pylist() == [1, 3, 5, 7]
    export_codes(model, tmp_path / "codes.npz", data=data, split="all")
    with np.load(tmp_path / "codes.npz") as found:
        assert found["factors"].tolist() == [[0, 0], [-1, 1], [2, 2], [1, 3]]
        assert found["field_chunk1_"].shape == (4, 2)
    export_codes(model, tmp_path / "shown", data=data, split="all")
    lines = (tmp_path / "shown/metadata.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["row", "split", "kind", "row_", "angle"]
    assert [line.split("\t")[2] for line in lines[1:]] == ["a", "unknown", "d", "b c"]


def test_the_projector_finds_vectors_labels_and_pictures(model: Model, data: Data, tmp_path: Path) -> None:
    done = export_codes(model, f"{tmp_path}/shown/", split="train", images=50)
    with (done.path / "metadata.tsv").open() as file:
        titles, *labels = [line.rstrip("\n").split("\t") for line in file]
    rows = np.array([int(cells[0]) for cells in labels])
    pose = data.images_of["source"].fields["pose"]
    assert [cells[titles.index("pose")] for cells in labels] == [pose.names[pose.values[r]] for r in rows]
    codes = expected(model, data, rows)
    np.testing.assert_allclose(np.loadtxt(done.path / "tensors.tsv"), codes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.loadtxt(done.path / "tensors-chunk2.tsv"), codes[:, 4:], rtol=1e-5, atol=1e-6)
    sprite = np.asarray(Image.open(done.path / "sprite.png"))
    assert sprite.shape == (8 * 16, 8 * 16, 3)                     # as many rows as columns, the last ones white
    assert (sprite[16:32, 32:48] == data.images_of["source"].read(rows[10:11])[0].transpose(1, 2, 0)).all()
    config = (done.path / "projector_config.pbtxt").read_text()
    assert re.findall(r'tensor_name: "(.*)"', config) == ["all", "chunk1", "chunk2"]
    assert all((done.path / name).is_file() for name in re.findall(r'_path: "(.*)"', config))
    assert re.findall(r"single_image_dim: (\d+)", config) == ["16"] * 6


def test_sprites_are_made_smaller_where_they_are_many(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                      ) -> None:
    monkeypatch.setattr(projector, "LARGEST", 64)
    done = export_codes(model, tmp_path / "shown", split="train", images=60)
    assert Image.open(done.path / "sprite.png").size == (64, 64)
    assert "single_image_dim: 8\n" in (done.path / "projector_config.pbtxt").read_text()


def test_a_single_column_of_labels_has_no_title(model: Model, tmp_path: Path) -> None:
    data = invented(mask=Field(np.zeros((4, 1, 16, 16), np.uint8)))
    export_codes(model, tmp_path / "shown", data=data, split="train")
    lines = (tmp_path / "shown/metadata.tsv").read_text().splitlines()
    assert lines == [str(r) for r in data.rows("train")]


def test_a_spatial_code_is_named_by_place(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, layout = model.modules["encoder"].forward, model.layout
    monkeypatch.setattr(model.modules["encoder"], "forward", lambda x: inner(x)[:, :, None, None].expand(-1, -1, 2, 3))
    done = export_codes(model, tmp_path / "codes.npz")
    assert done.columns[:7] == (*(f"chunk1[0,{y},{x}]" for y in range(2) for x in range(3)), "chunk1[1,0,0]")
    with np.load(tmp_path / "codes.npz") as found:
        assert found["codes"].shape[1:] == (8, 2, 3)
        flat = Code(torch.as_tensor(found["codes"]), layout).chunk2.tensor.flatten(1)
        first = found["columns"].tolist().index("chunk2[0,0,0]")
        assert np.array_equal(found["codes"].reshape(len(found["codes"]), -1)[:, first:first + 24], flat.numpy())


def test_what_is_no_table(model: Model, tmp_path: Path) -> None:
    for function, message in (("decode", r"takes \(f\)"), ("blend", r"takes \(x1, x2\)"),
                              ("reconstruct", "gives images")):
        with pytest.raises(ExportError, match=message):
            export_codes(model, tmp_path / "codes.npz", function=function)
    with pytest.raises(DataError, match="no split 'tset'; there is train, test and all") as told:
        export_codes(model, tmp_path / "codes.npz", split="tset")
    assert told.value.hint == "did you mean 'test'?"
    with pytest.raises(DataError, match="no source 'b'"):
        export_codes(model, tmp_path / "codes.npz", source="b")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["codes.npz", "codes.parquet", "shown/"])
def test_a_full_disk_leaves_what_was_there(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
                                           ) -> None:
    export_codes(model, f"{tmp_path}/{name}", images=4)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        export_codes(model, f"{tmp_path}/{name}", images=6, force=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    monkeypatch.undo()
    export_codes(model, f"{tmp_path}/{name}", images=6, force=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}.keys() == before.keys()


def test_a_folder_of_other_things_is_never_replaced(model: Model, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(ExportError, match="has other files, and is not replaced"):
        export_codes(model, tmp_path / "mine", force=True)
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"
