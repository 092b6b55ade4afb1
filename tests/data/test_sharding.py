"""Several ranks share an epoch: every image once, whatever the sizes, and a whole batch for each rank at every step."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid.data import Data, open_data
from unbraid_configs import make_recipe


def shards(count: int, batch: int, world: int) -> list[Data]:
    recipe = make_recipe({
        "data": {"source": {"type": "sprites", "size": 8, "count": count}, "batch": batch, "workers": 0,
                 "splits": {"train": 1.0}},
        "code": {"z": 2}, "networks": {"encoder": {"type": "mlp_encoder"}},
        "players": {"all": {"trains": "encoder", "minimizes": {"size": "mean(encoder(x))"}}}})
    images = open_data(recipe.data).images_of
    return [Data(recipe.data, images, seed=3, rank=rank, world=world) for rank in range(world)]


@pytest.mark.parametrize(("count", "batch", "world"), [(24, 4, 2), (23, 4, 2), (23, 2, 3), (7, 4, 3), (50, 7, 1)])
def test_every_epoch_shows_every_image_once_over_all_ranks(count: int, batch: int, world: int) -> None:
    data = shards(count, batch, world)
    steps = -(-3 * count // (batch * world))
    rows = [d.drawn(step, 0, "x")[:, 0] for step in range(steps) for d in data]
    assert {len(r) for r in rows} == {batch}, "no rank has less to do, so none waits for another's step"
    shown = np.concatenate(rows)
    for epoch in range(3):
        assert sorted(shown[epoch * count:(epoch + 1) * count]) == sorted(data[0].rows("train"))


def test_ranks_have_the_rows_of_the_joined_batch() -> None:
    one, two = shards(23, 8, 1), shards(23, 4, 2)
    for step in range(9):
        joined = np.concatenate([d.drawn(step, 0, "x") for d in two])
        assert np.array_equal(one[0].drawn(step, 0, "x"), joined)
