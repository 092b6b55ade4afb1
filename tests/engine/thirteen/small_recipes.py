"""Small games beside the thirteen: a GAN whose parts are exchanged by the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DATA = {"source": {"type": "sprites"}, "draw": {"x": {}}, "batch": 4}


def gan(critic: Mapping[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """A recipe of a GAN; critic: its networks's spec; parts: more sections, or others in place of its own."""
    recipe = {
        "data": DATA,
        "networks": {"generator": {"type": "mlp_generator", "hidden": [16]},
                     "critic": critic or {"type": "conv_critic", "width": 4}},
        "flow": {"fake": "generator(normal(size=8))"},
        "players": {
            "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x), critic(fake))"}},
            "generator": {"trains": "generator", "minimizes": {"realism": "gan.fool(critic(fake))"}},
        },
    }
    return {name: {**recipe.get(name, {}), **parts.get(name, {})} for name in {**recipe, **parts}}
