"""A tiny mixing run to look at, and the viewer's server without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from unbraid import load, make_recipe, train
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.server import application
from unbraid_plugins.tools.viewer.session import Viewing

TOKEN = "the-token"
HOST = "127.0.0.1:8765"
MIXING = {
    "title": "A tiny <b>mixing</b>",
    "data": {"source": {"type": "sprites", "size": 16, "count": 260}, "draw": {"x1, x2": {}}, "batch": 4},
    "code": {"chunk": "2 x 4", "pose": 3},
    "networks": {"encoder": {"type": "conv_encoder", "width": 4}, "generator": {"type": "conv_generator", "width": 4}},
    "flow": {"f1": "encoder(x1)", "f2": "encoder(x2)", "x3": "generator(mix(f1, f2, mixing.random_mask()))"},
    "players": {"autoencoder": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "mse(x3, x2)"}}},
    "functions": {"encode(x)": "encoder(x)", "decode(f)": "generator(f)", "mixture(x1, x2)": "x3",
                  "fail(x)": "mse(encoder(x), x)"},
    "train": {"steps": 2, "tensorboard": False, "device": "cpu"},
}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run's folder, with an evaluation that found the pose in chunk2."""
    tree = {**MIXING, "functions": {k: v for k, v in MIXING["functions"].items() if not k.startswith("fail")}}
    folder = train(make_recipe(tree), tmp_path_factory.mktemp("view") / "run").folder
    (folder / "evaluation.json").write_text('{"arms": {"model": {"retrieval_map": {"best": {"hair": "chunk2"}}}}}')
    return folder


@pytest.fixture(scope="session")
def viewing(run: Path) -> Viewing:
    """The run's views."""
    return Viewing.of(Scene.of(load(run), "runs/tiny"))


@pytest.fixture
def client(viewing: Viewing) -> Iterator[TestClient]:
    """A browser that was given the right address."""
    with TestClient(application(viewing, frozenset({HOST}), TOKEN), base_url=f"http://{HOST}",
                    headers={"X-Unbraid-Token": TOKEN}) as own:
        yield own
