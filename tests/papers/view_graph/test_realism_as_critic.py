"""The realism of the view graph in the place of shape3d's critic, by a recipe alone; fitted networks beside players."""

import json

import pytest
import torch

import unbraid
from unbraid import make_recipe, train
from unbraid.runs import checkpoint

COMPOSED = {
    "base": "shape3d-small",
    "networks": {"critic": None, "features": {"type": "view_graph.hog", "cell": 4},
                 "realism": {"type": "view_graph.nearest_realism", "neighbours": 3},
                 "generator": {"width": 2, "points": 9, "background": 16}, "encoder": {"width": 2}},
    "flow": {"typical": "realism(features(x))"},
    "players": {"critic": None, "generator": {"minimizes": {"realism": "-10 * mean(realism(features(fake)))"}}},
    "watch": {"real": "mean(typical)"},
    "train": {"steps": 4, "checkpoint_every": 2, "log_every": 1, "tensorboard": False, "keep": 5},
}


def recipe(source, steps):
    tree = {**COMPOSED, "train": {**COMPOSED["train"], "steps": steps}}
    return make_recipe({**tree, "data": {"source": {**source, "size": None}, "batch": 4}})


@pytest.fixture(scope="module")
def whole(tmp_path_factory, source):
    return train(recipe(source, 4), tmp_path_factory.mktemp("runs") / "whole")


def test_the_generator_learns_from_neighbours(whole):
    assert sorted(checkpoint.steps(whole.checkpoints)) == [0, 2, 4]
    first, last = (unbraid.load(whole.folder, step=s, averaged=False).modules for s in (0, 4))
    moved = {n: any(not torch.equal(a, b) for a, b in zip(first[n].parameters(), last[n].parameters(), strict=True))
             for n in ("generator", "encoder")}
    assert moved == {"generator": True, "encoder": False}                  # the encoder's stage has not begun
    assert torch.equal(first["realism"].data, last["realism"].data)
    assert first["realism"].data.shape[0] > 10
    numbers = [json.loads(line) for line in (whole.folder / "metrics.jsonl").read_text().splitlines()]
    assert all(0 < n["generator/realism"] < n["watch/real"] <= 1 for n in numbers)


def test_a_resumed_training_equals_one_that_was_not_stopped(whole, tmp_path, source, monkeypatch):
    train(recipe(source, 2), tmp_path / "run")
    fit = "unbraid_plugins.papers.view_graph.realism.NearestNeighbours.fit"
    monkeypatch.setattr(fit, lambda *a: pytest.fail("fitted again"))
    run = train(recipe(source, 4), tmp_path / "run", resume=True)
    ends = [checkpoint.read(r.last_checkpoint()).groups for r in (whole, run)]
    assert ends[0].keys() == ends[1].keys()
    for group, tensors in ends[0].items():
        for name, t in tensors.items():
            assert torch.equal(t, ends[1][group][name]), f"{group}: {name}"


def test_a_checkpoint_of_another_size_is_loaded_and_one_of_another_form_is_not(whole):
    model = unbraid.load(whole.folder)
    module = model.modules["realism"]
    from unbraid.runs import CheckpointError, load_weights

    load_weights(module, {"data": torch.zeros(2, module.data.shape[1])}, "another")
    assert len(module.data) == 2
    with pytest.raises(CheckpointError, match="data is"):
        load_weights(module, {"data": torch.zeros(7)}, "another")
