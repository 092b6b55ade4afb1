"""The shared data sets open, split and draw as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unbraid.cli import describe
from unbraid.data import open_data
from unbraid_configs import make_recipe

pytestmark = pytest.mark.shared_data


def opened(shared: Path, file: str, draw: dict | None = None, **options: object):
    path = shared / "data" / file
    if not path.exists():
        pytest.skip(f"no {file}")
    recipe = make_recipe({"data": {"source": {"type": "npz", "path": str(path), **options}, "draw": draw or {"x": {}},
                                   "batch": 8}})
    return open_data(recipe.data)


@pytest.mark.parametrize(("file", "images", "image", "classes"), [
    ("lpc_sprites/lpc_factors.npz", 13824, (3, 64, 64), {"hair_style": 4, "direction": 4}),
    ("lpc_sprites/lpc_video.npz", 8640, (3, 64, 64), {"clip": 1440, "frame": 6, "action": 4}),
    ("digits/mnist_t10k_first8000.npz", 8000, (1, 28, 28), {"label": 10}),
    ("digits/usps_train.npz", 7291, (1, 16, 16), {"label": 10}),
    ("omniglot/omniglot_small1.npz", 2720, (1, 35, 35), {"character": 136, "drawer": 20, "alphabet": 5}),
    ("rendered/objects_multiview.npz", 1656, (3, 64, 64), {"mesh": 23, "azimuth": 24}),
    ("persons/persons_rendered.npz", 864, (3, 128, 64), {"identity": 36}),
    ("faces/faces_rendered.npz", 2016, (3, 64, 64), {"identity": 24, "light": 3}),
])
def test_a_data_set_opens(shared, file, images, image, classes):
    data = opened(shared, file)
    source = data.facts.sources["source"]
    assert (source.images, source.image) == (images, image)
    fields = data.facts.draws["x"].fields
    assert {name: fields[name].classes for name in classes} == classes
    batch = data.batch(0, 0, frozenset({("x", None)}))["x", None]
    assert batch.shape == (8, *image)
    assert 0 <= batch.min() < 0.2
    assert 0.5 < batch.max() <= 1
    assert f"{images:,} images" in describe(data)


def test_dsprites_grid(shared):
    data = opened(shared, "dsprites/dsprites_rerendered_grid.npz")
    assert len(data.images_of["source"]) == 92160
    assert [f.classes for f in data.images_of["source"].fields.values()] == [3, 6, 40, 32, 32]


def test_own_splits_of_the_digits(shared):
    data = opened(shared, "digits/usps_train.npz", rename={"label": "digit"}, size=32)
    assert data.facts.sources["source"].splits == {"train": 5800, "test": 1491}
    assert data.facts.draws["x"].fields["digit"].classes == 10


def test_sprites_that_share_all_but_the_pose(shared):
    same = ["gender", "skin", "hair_style", "hair_colour", "torso", "legs"]
    data = opened(shared, "lpc_sprites/lpc_factors.npz", {
        "x1": {}, "x2": {"same": same, "different": ["action", "direction"], "as": "x1"},
        "south": {"where": {"direction": "down", "action": ["walk", "slash"]}}})
    f = data.images_of["source"].fields
    for step in range(5):
        a, b, c = (data.drawn(step, 0, n)[:, 0] for n in ("x1", "x2", "south"))
        assert all(np.array_equal(f[n].values[a], f[n].values[b]) for n in same)
        assert all((f[n].values[a] != f[n].values[b]).all() for n in ("action", "direction"))
        assert set(f["direction"].values[c]) == {2}
        assert set(f["action"].values[c]) <= {1, 2}


def test_frames_of_the_video(shared):
    data = opened(shared, "lpc_sprites/lpc_video.npz", {
        "x1": {}, "x2": {"same": "clip", "as": "x1"}, "film": {"frames": 6}})
    film = data.batch(0, 0, frozenset({("film", None), ("film", "frame")}))
    assert film["film", None].unfolded().shape == (8, 6, 3, 64, 64)
    assert (film["film", "frame"].unfolded().index.numpy() == np.arange(6)).all()
    assert film["film", None].unfolded().diff(dim=1).abs().sum((1, 2, 3, 4)).min() > 0       # they move


def test_points_and_masks_of_the_persons(shared):
    data = opened(shared, "persons/persons_rendered.npz", {"x": {}})
    needs = frozenset({("x", "keypoints_xy"), ("x", "masks"), ("x", "pose")})
    batch = data.batch(0, 0, needs)
    assert batch["x", "keypoints_xy"].shape == (8, 15, 2)
    assert batch["x", "masks"].shape == (8, 1, 128, 64)
    assert 0.9 < batch["x", "masks"].max() <= 1
