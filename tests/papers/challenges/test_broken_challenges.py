"""The common factor transfers by the game of Szabó et al., and by none of its broken variants.

Each trains for 200 steps, with a varying part that is large enough for a shortcut. Colour and place after a transfer,
which should be those of the common and of the varying image, for seeds 0, 1, 2 (chance is 0.25):

    as it should be                           .86 .83    .82 .89    .79 .93
    no adversary                              .25 1      .31 1      .26 1
    the critic sees the wrong pair            .46 .18    .33 .11    .35 .11
    pairs that share nothing                  .25 1      .25 1      .25 1
    the parts of the code exchanged           .33 .36    .35 .35    .32 .28
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from squares import all_pairs, as_images, drawn, merged, source, trained, transferred

BROKEN = {
    "no adversary": {"weights": {"adversary": 0}},
    "the critic sees the wrong pair": {"players": {
        "critic": {"minimizes": {"realism": "gan.tell_apart(critic(x1, x2), critic(x31, x3))"}},
        "autoencoder": {"minimizes": {"realism": "adversary * gan.fool(critic(x31, x3))"}}}},
    "pairs that share nothing": {"data": {"draw": {"x2": {"same": None, "as": None}}}},
    "the parts of the code exchanged": {"functions": {
        "transfer(v, c)": "generator(join(encoder(c).varying, encoder(v).common))"}},
}


def transfer(folder: Path, changes: dict[str, Any], seed: int = 0) -> tuple[float, float]:
    """The scores of a training: colour and place."""
    mlp = {"hidden": [64]}
    recipe = {
        "base": "challenges", "code": {"varying": 16, "common": 16}, "weights": {"adversary": 1},
        "data": {"source": source(folder, drawn(4)), "draw": {"x2": {"same": "colour", "as": "x1"}}, "batch": 32},
        "networks": {"encoder": {"type": "mlp_encoder", **mlp}, "generator": {"type": "mlp_generator", **mlp},
                     "critic": {"type": "mlp_critic", **mlp}},
        "train": {"seed": seed, "optimizer": {"lr": "3.0e-3"}}}
    nets = trained(merged(recipe, changes), 200).method.modules
    images, (first, second) = as_images(drawn(4)), all_pairs()
    with torch.no_grad():
        varying, common = nets["encoder"](images).split(16, 1)
        return transferred(nets["generator"](torch.cat([varying[first], common[second]], 1)), images)


def test_the_common_factor_transfers_and_the_varying_one_stays(tmp_path: Path) -> None:
    assert min(transfer(tmp_path, {})) > 0.65


@pytest.mark.parametrize("how", BROKEN)
def test_it_does_not_when_broken(how: str, tmp_path: Path) -> None:
    assert min(transfer(tmp_path, BROKEN[how])) < 0.5
