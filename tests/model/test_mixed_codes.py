"""A code of which one part is a distribution and another is not: only the first can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import unbraid
from unbraid.engine import train
from unbraid.model import ModelError
from unbraid.runs import Run
from unbraid_configs import make_recipe

RECIPE: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "batch": 4, "workers": 0},
    "code": {"content": 3, "pose": 2},
    "networks": {"content": {"type": "mlp_encoder", "hidden": [8], "code": "content"},
                 "pose": {"type": "mlp_encoder", "hidden": [8], "gaussian": True, "code": "pose"},
                 "generator": {"type": "mlp_generator", "hidden": [8]}},
    "flow": {"c": "content(x)", "q": "pose(x)"},
    "players": {"all": {"trains": ["content", "pose", "generator"],
                        "minimizes": {"rebuild": "mse(generator(join(c, sample(q))), x)", "kl": "kl(q)"}}},
    "functions": {"encode(x)": "join(c, q.mean)", "decode(f)": "generator(f)"},
    "train": {"steps": 1, "tensorboard": False, "device": "cpu", "picture_every": 1}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(make_recipe(RECIPE), tmp_path_factory.mktemp("mixed") / "run")


def test_what_cannot_be_drawn_is_told(run: Run) -> None:
    with pytest.raises(ModelError, match="learns no distribution over content; only over pose") as caught:
        unbraid.load(run.folder).sample(4)
    assert "--like" in caught.value.hint


def test_the_rest_is_an_images(run: Run) -> None:
    model = unbraid.load(run.folder)
    image = torch.rand(1, 3, 8, 8)
    f = model.prior(6, like=image)
    assert torch.equal(f.part("content").tensor, model.code(image).part("content").tensor.expand(6, -1))
    assert f.part("pose").tensor.std() > 0.3
    assert not torch.equal(f.part("pose").tensor[0], f.part("pose").tensor[1])


def test_the_pictures_of_a_training_draw_what_can_be_drawn(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from unbraid_plugins.tools.editing import pictures

    asked = []
    monkeypatch.setattr(pictures, "traversals", lambda *given: asked.append(given[2]) or torch.zeros(3, 8, 8))
    found = pictures.overview(unbraid.load(run.folder), torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8))
    assert "samples" in found
    assert asked == [[3, 4]]                       # the dimensions of the pose, and no other


def test_sample_like_an_image(run: Run, tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "A.png")
    assert unbraid("sample", run.folder).code == 2
    assert unbraid("sample", run.folder, "--like", "A.png").out == "wrote samples.png\n"
    said = unbraid("sample", run.folder, "--like", "A.png", "--set", "networks.pose.hidden=9")
    assert "unknown option" not in said.err
    assert said.code == 2                          # a value of the recipe: the weights no longer fit
