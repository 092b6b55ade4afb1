"""An autoencoder of tiny sprites that takes a millisecond a step, for what is not about methods."""

from __future__ import annotations

from typing import Any

from unbraid_configs import Recipe, make_recipe


def tiny_autoencoder(*overrides: str, **player: Any) -> Recipe:
    """Its recipe.  player: what its player has besides, or instead."""
    return make_recipe({
        "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "batch": 4, "workers": 0},
        "code": {"z": 4},
        "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8]},
                     "generator": {"type": "mlp_generator", "hidden": [8]}},
        "flow": {"y": "generator(encoder(x))"},
        "players": {"all": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "mse(y, x)"}, **player}},
        "train": {"steps": 6, "tensorboard": False, "picture_every": 1000}}, overrides)
