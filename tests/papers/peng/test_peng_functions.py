"""The functions of a trained model of Peng et al., in Python and as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from unbraid import Model, load, make_recipe, train
from unbraid_plugins.tools.export import export_function

NARROW = ("networks.features.width=2", "networks.features.features=10", "networks.rebuild.features=10",
          "networks.landmark_head.points=5", "train.steps=2", "train.tensorboard=false")


@pytest.fixture
def model(posed: dict[str, Any], tmp_path: Path) -> Model:
    recipe = make_recipe({"base": "peng", "code": {"identity": 5, "other": 3},
                          "data": {"sources": {"faces": posed}, "splits": {"train": 1.0}, "batch": 4}}, NARROW)
    return load(train(recipe, tmp_path / "run").folder)


def test_functions_read_features_pose_and_landmarks(model: Model) -> None:
    x, y = torch.rand(2, 3, 3, 16, 16)
    f, g = model.encode(x), model.encode(y)
    assert f.layout.names == ("identity", "other")
    assert torch.equal(model.identity(x).tensor, f.identity.tensor)
    assert (model.identity(x).tensor.shape, model.pose(x).shape) == ((3, 5), (3, 2))
    assert (model.landmarks(x).shape, model.visible(x).shape) == ((3, 5, 2), (3, 5))
    assert 0 < model.visible(x).min() < model.visible(x).max() < 1
    nets = model.modules
    assert torch.allclose(model.recombine(x, y), nets["rebuild"](f.identity.tensor, g.other.tensor), atol=1e-6)


@pytest.mark.parametrize("function", ["encode", "identity", "pose", "landmarks"])
def test_functions_are_exported_to_onnx(model: Model, function: str, tmp_path: Path) -> None:
    import onnxruntime

    export_function(model, function, tmp_path / "f.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "f.onnx")
    x = torch.rand(1, 3, 16, 16)
    found = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    own = model(function, x)
    assert torch.allclose(torch.as_tensor(found), getattr(own, "tensor", own), atol=1e-4)
