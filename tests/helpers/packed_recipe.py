"""A tiny recipe with a critic and an average, on a file of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def packed_recipe(data: Path) -> dict[str, Any]:
    """The recipe.  data: the file."""
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
