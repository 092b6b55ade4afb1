"""Scenes flow through a recipe: an operation makes the mesh, the renderer the image; the engine trains both."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from tensorboardX.proto.event_pb2 import Event

from unbraid import load, make_recipe, train
from unbraid_registry import configure

RECIPE = {
    "title": "Octahedra",
    "data": {"source": {"type": "sprites", "size": 16, "count": 40}, "draw": {"x": {}}, "batch": 4},
    "code": {"corners": 6, "view": 2},
    "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8]},
                 "render": {"type": "mesh_renderer", "gives": "layers", "cull": True}},
    "flow": {"f": "encoder(x)", "ball": "solid.octahedron(f.corners)", "seen": "render(ball, f.view)"},
    "players": {"encoder": {"trains": "encoder", "minimizes": {
        "covered": "mean(seen.alpha)", "rebuild": "0.1 * mse(seen.colour, x)"}}},
    "functions": {"encode(x)": "encoder(x)", "alpha(x)": "seen.alpha"},
    "train": {"steps": 20, "optimizer": {"type": "adam", "lr": "1.0e-2"}, "tensorboard": False, "seed": 0,
              "log_every": 1, "device": "cpu"},
}


@pytest.fixture
def plugin(solid):
    configure(files=[solid])
    yield
    configure()


@pytest.mark.usefixtures("plugin")
def test_training_through_a_renderer(tmp_path):
    run = train(make_recipe(RECIPE), tmp_path / "run")
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    model = load(run.folder)
    x = torch.rand(2, 3, 16, 16)
    alpha = model.alpha(x)
    assert alpha.shape == (2, 1, 16, 16)
    assert 0 <= alpha.min() <= alpha.max() <= 1
    losses = torch.tensor([line["encoder/covered"] for line in lines])
    assert losses.isfinite().all()
    assert losses[-1] < 0.7 * losses[0]            # only the outlines can make it smaller


@pytest.mark.usefixtures("plugin")
def test_meshes_are_logged_with_the_pictures(tmp_path):
    """`mesh_of(x)`: TensorBoard gets what it makes of two images."""
    recipe = {**RECIPE, "functions": {**RECIPE["functions"], "mesh_of(x)": "ball"},
              "train": {**RECIPE["train"], "steps": 2, "picture_every": 2, "tensorboard": True}}
    run = train(make_recipe(recipe), tmp_path / "run")
    file, = (run.folder / "tensorboard").iterdir()
    tensors = {v.metadata.plugin_data.content: v.tensor for event in events(file) for v in event.summary.value
               if v.metadata.plugin_data.plugin_name == "mesh"}
    shapes = sorted([d.size for d in t.tensor_shape.dim] for t in tensors.values())
    assert shapes == [[2, 6, 3], [2, 6, 3], [2, 8, 3]]


def events(file):
    """The events of TensorBoard's file: a length, its checksum, the event, its checksum."""
    content = file.read_bytes()
    while content:
        length, = struct.unpack("<Q", content[:8])
        yield Event.FromString(content[12:12 + length])
        content = content[16 + length:]
