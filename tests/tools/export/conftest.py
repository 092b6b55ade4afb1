"""Models whose functions are exported: a tiny run, and one that is a variational code with sets."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unbraid import load, make_recipe, train
from unbraid.data import open_data
from unbraid.model import Model, build_method

MIXING = {
    "title": "A tiny mixing, Szabó",
    "data": {"source": {"type": "sprites", "size": 16, "count": 260}, "draw": {"x1, x2": {}}, "batch": 4},
    "code": {"chunk": "2 x 4"},
    "networks": {"encoder": {"type": "conv_encoder", "width": 4, "norm": "batch"},
                 "generator": {"type": "conv_generator", "width": 4, "norm": "batch"}},
    "flow": {"f1": "encoder(x1)", "f2": "encoder(x2)", "mask": "mixing.random_mask()",
             "x3": "generator(mix(f1, f2, mask))"},
    "players": {"autoencoder": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "mse(x3, x2)"}}},
    "functions": {"encode(x)": "encoder(x)", "decode(f)": "generator(f)", "blend(x1, x2)": "x3",
                  "pair(x)": "encoder(x), generator(encoder(x))"},
    "train": {"steps": 2, "tensorboard": False, "device": "cpu"},
}
VARIATIONAL = {
    "data": {"source": {"type": "sprites", "size": 16, "count": 40}, "draw": {"x": {"count": 3, "same": "pose"}},
             "batch": 4},
    "code": {"z": 3},
    "networks": {"encoder": {"type": "conv_encoder", "width": 4, "gaussian": True},
                 "generator": {"type": "conv_generator", "width": 4, "output": "logits"}},
    "flow": {"q": "encoder(x)", "z": "sample(q)", "y": "generator(z)", "n": "prior()", "new": "sigmoid(generator(n))"},
    "players": {"vae": {"trains": ["encoder", "generator"],
                        "minimizes": {"rebuild": "bernoulli(y, x)", "prior": "kl(q)"}}},
    "functions": {"encode(x)": "q", "decode(z)": "sigmoid(y)", "noisy(x)": "sample(encoder(x))", "generate()": "new"},
    "train": {"steps": 1, "tensorboard": False, "device": "cpu"},
}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny mixing, not to be changed."""
    folder = tmp_path_factory.mktemp("export") / "run"
    train(make_recipe(MIXING), folder)
    return folder


@pytest.fixture
def model(run: Path) -> Model:
    """Its model."""
    return load(run)


@pytest.fixture
def sets() -> Model:
    """An untrained variational model of sets of three images."""
    recipe = make_recipe(VARIATIONAL)
    data = open_data(recipe.data)
    torch.manual_seed(0)
    method = build_method(recipe, data.facts)
    data.close()
    return Model(method, method.modules)
