"""A tiny run with a critic, an evaluation and a data file, to be packed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unbraid import make_recipe, train


def recipe(data: Path) -> dict[str, object]:
    return {
        "title": "Tiny faces", "paper": "Somebody 2018",
        "data": {"source": {"type": "npz", "path": str(data)}, "draw": {"x1, x2": {}}, "batch": 4},
        "code": {"chunk": "2 x 4"},
        "networks": {"encoder": {"type": "conv_encoder", "width": 4},
                     "generator": {"type": "conv_generator", "width": 4},
                     "smooth": {"type": "average", "of": "generator", "decay": 0.5},
                     "critic": {"type": "conv_critic", "width": 4}},
        "flow": {"f1": "encoder(x1)", "x3": "generator(mix(f1, encoder(x2), mixing.random_mask()))"},
        "players": {"autoencoder": {"trains": ["encoder", "generator"],
                                    "minimizes": {"rebuild": "mse(x3, x2)", "realism": "gan.fool(critic(x3))"}},
                    "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x1), critic(x3))"}}},
        "functions": {"encode(x)": "encoder(x)", "decode(f1)": "smooth(f1)"},
        "train": {"steps": 2, "tensorboard": False, "device": "cpu"}}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder; its data lies in a folder of a name that must not be told."""
    data = tmp_path_factory.mktemp("secret-place") / "faces.npz"
    np.savez(data, images=np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8),
             labels=np.arange(40) % 2)
    folder = train(make_recipe(recipe(data)), tmp_path_factory.mktemp("packs") / "first").folder
    (folder / "evaluation.json").write_text(
        '{"arms": {"model": {"mig": {"score": 0.3}}, "pixels": {"mig": {"score": 0.1}}},'
        ' "intervals": {"model": {"mig": [0.25, 0.35]}}, "metrics": {"mig": {"better": "higher"}}}')
    return folder
