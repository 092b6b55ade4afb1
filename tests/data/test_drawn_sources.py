"""Figures and shapes that the library draws: every factor shows, and nothing is left to chance."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid.testing import SourceSuite
from unbraid_plugins.shared.sources import Shapes, Sprites
from unbraid_plugins.shared.sources.shapes import draw_shapes
from unbraid_plugins.shared.sources.sprites import FACTORS, draw_sprites


class TestSprites(SourceSuite):
    component = Sprites

    def make(self, folder) -> object:
        return Sprites(size=32, count=200)


class TestShapes(SourceSuite):
    component = Shapes

    def make(self, folder) -> object:
        return Shapes(size=32, scales=2, orientations=3, positions=3)


def figures(size: int = 32, **changed: int) -> np.ndarray:
    factors = {name: np.asarray([changed.get(name, 0)]) for name in FACTORS}
    return draw_sprites(size, factors)[0].astype(int)


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("name", list(FACTORS))
def test_every_value_of_every_attribute_looks_different(name, size):
    pictures = [figures(size, **{name: i}) for i in range(len(FACTORS[name]))]
    for i, a in enumerate(pictures):
        for b in pictures[:i]:
            assert (np.abs(a - b).max(0) > 20).sum() >= 3 * (size / 32) ** 2


def test_left_mirrors_right_and_nothing_touches_the_border():
    for pose in range(len(FACTORS["pose"])):
        right = figures(facing=FACTORS["facing"].index("right"), pose=pose)
        assert np.array_equal(right[:, :, ::-1], figures(facing=FACTORS["facing"].index("left"), pose=pose))
        for hair in range(len(FACTORS["hair_style"])):
            for facing in range(4):
                picture = figures(64, pose=pose, hair_style=hair, facing=facing)
                border = np.concatenate([picture[:, 0], picture[:, :, 0], picture[:, :, -1]], 1)
                assert np.abs(border - picture[:, :1, :1].reshape(3, 1)).max() <= 60


def test_shirts_change_only_the_figures_clothes():
    red, blue = (figures(64, shirt=FACTORS["shirt"].index(s), pose=0) for s in ("red", "green"))
    changed = np.argwhere(np.abs(red - blue).max(0) > 8)
    assert changed[:, 0].min() > 24                                  # below the head
    assert changed[:, 0].max() < 56                                  # above the shoes


def test_all_figures_or_always_the_same_ones():
    small, large = Sprites(size=8, count=50).open(), Sprites(size=8, count=5000).open()
    rows = [set(zip(*(f.values.tolist() for f in i.fields.values()), strict=True)) for i in (small, large)]
    assert rows[0] <= rows[1]
    assert len(rows[1]) == 5000
    everything = Sprites(size=64, count=None).open()
    assert len(everything) == 108_000
    assert not isinstance(everything.images, np.ndarray)
    assert set(FACTORS) == set(everything.fields)


def test_the_grid_of_shapes_is_complete():
    images = Shapes(size=16, scales=2, orientations=5, positions=4).open()
    table = np.stack([f.values for f in images.fields.values()], 1)
    assert len(np.unique(table, axis=0)) == len(table) == 3 * 2 * 5 * 4 * 4
    assert list(images.fields) == ["shape", "scale", "orientation", "x", "y"]


def test_shapes_lie_and_grow_where_their_factors_say():
    images = Shapes(size=64, scales=3, orientations=4, positions=5).open()
    f = {name: field.values for name, field in images.fields.items()}
    weight = images.read(np.arange(len(images)))[:, 0].astype(float)
    row, column = np.arange(64)[:, None], np.arange(64)[None]
    x, y = (weight * column).sum((1, 2)) / weight.sum((1, 2)), (weight * row).sum((1, 2)) / weight.sum((1, 2))
    assert np.corrcoef(x, f["x"])[0, 1] > 0.98                       # x grows to the right
    assert np.corrcoef(y, f["y"])[0, 1] < -0.98                      # y grows upwards, rows downwards
    area = weight.sum((1, 2)) / 255
    assert area.min() > 50
    for shape in range(3):
        means = [area[(f["shape"] == shape) & (f["scale"] == s)].mean() for s in range(3)]
        assert means[2] / means[0] == pytest.approx(4, rel=0.05)     # scale 1 against 0.5
    border = np.concatenate([weight[:, 0], weight[:, -1], weight[:, :, 0], weight[:, :, -1]], 1)
    assert border.max() == 0


def test_the_area_of_an_antialiased_ellipse_and_square():
    zero = np.zeros(2)
    drawn = draw_shapes(64, np.asarray([0, 1]), np.ones(2), zero + 0.4, zero + 0.01, zero - 0.02)
    area = drawn.astype(float).sum((1, 2, 3)) / 255 / 32 ** 2
    assert area == pytest.approx([0.36, np.pi * 0.4 * 0.226], rel=0.01)


def test_a_turn_goes_anticlockwise():
    zero = np.zeros(2)
    drawn = draw_shapes(64, np.asarray([1, 1]), zero + 1, np.asarray([0.0, np.pi / 4]), zero, zero)[:, 0]
    assert drawn[0, 32, 20] == drawn[0, 32, 43] == 255
    assert drawn[1, 40, 23] == 255                                   # lower left
    assert drawn[1, 23, 40] == 255                                   # upper right
    assert drawn[1, 23, 23] == 0


def test_attributes_that_do_not_vary_are_no_fields() -> None:
    images = Sprites(size=8, only={"facing": "front", "pose": "wave"}, count=None).open()
    assert set(images.fields) == set(FACTORS) - {"facing", "pose"}
    assert len(images) == 108_000 // 20


@pytest.mark.parametrize(("only", "words"), [({"face": "front"}, "no 'face'"), ({"facing": "up"}, "no facing 'up'")])
def test_an_unknown_fixed_attribute_is_refused(only: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Sprites(only=only)
