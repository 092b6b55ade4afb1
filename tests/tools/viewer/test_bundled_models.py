"""The models of all bundled methods can be looked at: every view of each draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from narrow_recipes import narrow, own_data

from unbraid.data import open_data
from unbraid.model import Model, build_method
from unbraid_configs import bundled_recipes
from unbraid_plugins.tools.viewer.controls import Slider
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.session import Viewing

__all__ = ["own_data"]
STARTS: dict[str, Any] = {
    "slider": lambda c: c["start"], "seed": lambda c: c["start"], "choice": lambda c: c["options"][-1],
    "picture": lambda c: c["pictures"][c["start"] % len(c["pictures"])], "point": lambda c: list(c["start"]),
    "pictures": lambda c: c["pictures"][:c["count"]]}
NUMBERS = {"intrinsic": {"relight(x, light)": 27, "relight_photo(x, other)": 27}, "shape3d": {"novel_view(x, view)": 2}}
ONE_OF_EACH = sorted({name.partition("-")[0]: name for name in bundled_recipes()}.values())


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_every_view_draws(name: str, tmp_path: Path) -> None:
    recipe = narrow(name)
    data = open_data(recipe.data, seed=0)
    method = build_method(recipe, data.facts)
    data.close()
    torch.manual_seed(0)
    viewing = Viewing.of(Scene.of(Model(method, method.modules), name))
    assert viewing.problems == []
    assert viewing.views
    sliders = {v.title: [c.start for c in v.controls if isinstance(c, Slider)] for _, v in viewing.views}
    for title, count in NUMBERS.get(name.partition("-")[0], {}).items():
        assert len(sliders[title]) == count
        assert any(sliders[title]), f"the numbers of {title} start where another function finds them"
    for number, view in enumerate(viewing.described()["views"]):
        values = {c["name"]: STARTS[c["kind"]](c) for c in view["controls"]}
        assert viewing.draw(number, values, "tab", 1), view["title"]
