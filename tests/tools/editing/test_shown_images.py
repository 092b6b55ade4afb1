"""The images that pictures of a training show."""

from __future__ import annotations

import pytest
import torch

from unbraid.data import open_data
from unbraid_configs import make_recipe
from unbraid_plugins.tools.editing import shown_images


@pytest.mark.parametrize("drawn", ["a", "b"])
def test_are_of_the_first_draws_source_and_its_own_split(drawn: str) -> None:
    """One source has no test split to show; the other has."""
    data = open_data(make_recipe({
        "data": {"sources": {"a": {"type": "sprites", "size": 8, "count": 4},
                             "b": {"type": "shapes", "size": 8, "count": 200}},
                 "draw": {"x": {"from": drawn}}, "batch": 2, "workers": 0},
        "code": {"z": 2}, "networks": {"encoder": {"type": "mlp_encoder"}, "generator": {"type": "mlp_generator"}},
        "players": {"all": {"trains": ["encoder", "generator"],
                            "minimizes": {"own": "mse(generator(encoder(x)), x)"}}}}).data)
    try:
        assert torch.equal(shown_images(data), shown_images(data, drawn))
        rows = data.rows("test" if drawn == "b" else "train", drawn)           # 4 images have hardly one to test with
        assert torch.equal(shown_images(data), data.images(rows[:min(16, len(rows) // 2 * 2)], drawn))
    finally:
        data.close()
