"""The shape of a function's parameter: the declared draw's, not the first caller's."""

from __future__ import annotations

from unbraid.data import open_data
from unbraid.model import build_method
from unbraid.values import Set
from unbraid_configs import make_recipe


def test_an_image_counts_before_a_set() -> None:
    recipe = make_recipe({
        "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "draw": {"film": {"count": 3}, "image": {}},
                 "batch": 4, "workers": 0},
        "code": {"z": 4},
        "networks": {"pose": {"type": "mlp_encoder", "hidden": [8]}, "paint": {"type": "mlp_generator", "hidden": [8]}},
        "flow": {"many": "pose(film)", "one": "pose(image)"},
        "players": {"all": {"trains": ["pose", "paint"], "minimizes": {
            "films": "mse(paint(many), film)", "images": "mse(paint(one), image)"}}},
        "functions": {"again(y)": "paint(pose(y))", "whole(film)": "paint(many)"}})
    data = open_data(recipe.data)
    method = build_method(recipe, data.facts)
    data.close()
    assert method.parameters["again"]["y"].shape == (2, 3, 8, 8)
    whole = method.parameters["whole"]["film"]
    assert isinstance(whole, Set)
    assert whole.count == 3
