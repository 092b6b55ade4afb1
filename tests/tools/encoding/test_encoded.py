"""The source of another run's codes: equal to the model's, in the run's splits, cached, with errors that explain."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from narrow_recipes import undrawn
from small_runs import RECIPE
from two_stages import stage_one

import unbraid
from unbraid import DataError
from unbraid.data import open_data
from unbraid.engine import train
from unbraid.model import Model
from unbraid.runs import Run
from unbraid.testing import SourceSuite
from unbraid_configs import make_recipe
from unbraid_plugins.tools.encoding import Encoded, fields_of, needed_fields
from unbraid_plugins.tools.evaluation import evaluate


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        undrawn(patch)
        return stage_one(tmp_path_factory.mktemp("one"), 2, None, "train.checkpoint_every=1",
                         "data.splits={train: 0.5, test: 0.5}")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        undrawn(patch)
        recipe = make_recipe(RECIPE, ["train.steps=2", "data.splits={train: 0.5, test: 0.5}"])
        return train(recipe, tmp_path_factory.mktemp("plain") / "run")


class TestEncoded(SourceSuite):
    component = Encoded
    options: ClassVar = {"run": ""}                          # the run is that of `make`

    @pytest.fixture(autouse=True)
    def _trained(self, plain: Run) -> None:
        self.folder = plain.folder

    def make(self, folder: Path) -> object:
        return Encoded(run=str(self.folder))


def test_the_codes_are_those_of_the_model_by_factor(run: Run) -> None:
    images = Encoded(run=str(run.folder)).open()
    model, data = unbraid.load(run.folder), open_data(unbraid.load(run.folder).method.recipe.data)
    rows = np.arange(len(images))
    code = model.code(data.images(rows), fields_of(model, "encode", data, rows))
    for factor, size in (("foreground", 21), ("background", 4), ("pose", 5)):
        assert images.fields[factor].values.shape == (24, size)
        assert torch.allclose(torch.tensor(images.fields[factor].values), code.part(factor).tensor, atol=1e-6)
    assert images.splits is not None
    assert {s: r.tolist() for s, r in images.splits.items()} == {s: data.rows(s).tolist() for s in ("train", "test")}
    assert images.fields["joints"].shape == (18, 3)
    assert needed_fields(model, "encode") == ["joints"]


def test_codes_are_computed_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path))
    calls: list[int] = []
    call = Model.__call__

    def counted(self: Model, function: str, *arguments: Any, **options: Any) -> Any:
        calls.append(len(arguments[0]))
        return call(self, function, *arguments, **options)

    monkeypatch.setattr(Model, "__call__", counted)
    first, again = (Encoded(run=str(run.folder)).open() for _ in range(2))
    assert calls == [1, 24, 1]                     # one image tells the shapes
    assert np.array_equal(first.fields["pose"].values, again.fields["pose"].values)
    before = Encoded(run=str(run.folder), step=1).open()
    assert calls == [1, 24, 1, 1, 24]
    assert not np.array_equal(first.fields["pose"].values, before.fields["pose"].values)
    assert any("step 1" in note for note in before.notes)


def test_a_field_that_a_factor_hides_is_told(plain: Run, tmp_path: Path) -> None:
    images = Encoded(run=str(plain.folder)).open()
    assert images.fields["chunk"].shape == (12,)
    hidden = make_recipe({**RECIPE, "code": {"pose": 12}, "flow": {"f1": "encoder(x1)", "x3": "generator(f1)"}},
                         ["train.steps=1"])
    notes = Encoded(run=str(train(hidden, tmp_path / "run").folder)).open().notes
    assert any("hides: pose" in note for note in notes)


@pytest.mark.parametrize(("options", "said"), [
    ({"run": ""}, "option `run` is empty"), ({"run": "nowhere"}, "nowhere"), ({"step": 7}, "no checkpoint of step 7"),
    ({"function": "paint"}, "no function 'paint' of one image"), ({"function": "recombine"}, "of one image")])
def test_what_it_can_not_encode_is_explained(run: Run, options: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Encoded(**{"run": str(run.folder), **options}).open()


def test_an_evaluation_reads_the_fields_that_encode_needs(run: Run) -> None:
    found = evaluate(run, metrics=["reconstruction_error", "retrieval_map", "mask_ssim"])
    model = found["arms"]["model"]
    assert model["reconstruction_error"]["psnr"] > 0
    assert model["mask_ssim"]["data_range"] == 1
    assert "foreground1" in model["retrieval_map"]["chunks"]
    assert not any("encode" in note for note in found["notes"])


def test_a_training_shows_persons(run: Run) -> None:
    from unbraid_plugins.tools.editing.pictures import pictures_of_training

    model = unbraid.load(run.folder)
    shown = pictures_of_training(model, open_data(model.method.recipe.data))
    assert {"reconstructions", "swaps"} <= set(shown)


def test_a_model_edits_codes_as_it_edits_images(run: Run) -> None:
    model = unbraid.load(run.folder)
    data = open_data(model.method.recipe.data)
    a, b = (model.code(data.images(rows), fields_of(model, "encode", data, rows)) for rows in (np.arange(2), [3, 4]))
    assert torch.equal(model.swap(a, b, "pose"), model.recombine(a.foreground, a.background, b.pose).clamp(0, 1))
    one, two = (model.code(data.images([i]), fields_of(model, "encode", data, [i])) for i in (0, 1))
    walk = model.interpolate(one, two, 3, "foreground")
    assert torch.allclose(walk[:1], model.decoded(one), atol=1e-6)
    assert not torch.allclose(walk[:1], walk[-1:])
