"""Figures and shapes that the library draws: every factor shows, and nothing is left to chance."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid.testing import SourceSuite
from unbraid_plugins.shared.sources import MovingSprites, Shapes, Sprites
from unbraid_plugins.shared.sources.moving_sprites import COLOURS, OUTLINES, RADIUS, paths
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


class TestMovingSprites(SourceSuite):
    component = MovingSprites

    def make(self, folder) -> object:
        return MovingSprites(size=16, shapes=2, contents=3, paths=2, frames=3)


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


# -- moving sprites ----------------------------------------------------------------------------------------------------


def test_shapes_move_as_their_fields_say():
    images = MovingSprites(size=64, contents=None, paths=2, frames=25).open()
    assert len(images) == len(OUTLINES) * len(COLOURS) * 2 * 25
    f = {name: field.values for name, field in images.fields.items()}
    rows = np.arange(0, len(images), 7)
    ink = np.abs(images.read(rows).astype(float) - images.read(rows)[:, :, :1, :1]).sum(1)
    across, down = np.meshgrid((np.arange(64) + 0.5) / 32 - 1, (np.arange(64) + 0.5) / 32 - 1)
    solid = np.isin(f["glyph"][rows], [list(OUTLINES).index(n) for n in ("square", "disc", "cross", "ring", "bar")])
    total = ink.sum((1, 2))
    assert np.abs((ink * across).sum((1, 2)) / total - f["x"][rows])[solid].max() < 0.01
    assert np.abs((ink * -down).sum((1, 2)) / total - f["y"][rows])[solid].max() < 0.01
    assert (np.diff(f["frame"].reshape(-1, 25), axis=1) == 1).all()
    for name in ("glyph", "colour"):                                 # content: constant in a clip
        assert (f[name].reshape(-1, 25) == f[name].reshape(-1, 25)[:, :1]).all()
    by_path = f["x"].reshape(-1, 2, 25)
    assert (by_path == by_path[:1]).all()                            # every content on the same paths
    assert len(np.unique(f["clip"])) == len(by_path) * 2


def test_paths_are_straight_and_bounce_off_the_edges():
    way = paths(50, 200, 2)
    assert np.abs(way).max() <= 1 - RADIUS + 1e-6
    assert np.abs(way).max() > 0.99 * (1 - RADIUS)
    steps = np.diff(way, axis=1)
    speed = np.abs(steps).max(1, keepdims=True)
    straight = np.isclose(np.abs(steps), speed, atol=1e-5)
    assert straight.mean() > 0.7                                      # but for the frames of a bounce
    turned = np.diff(np.sign(steps), axis=1) != 0
    assert turned.any((1, 2, 3)).all()
    near = np.abs(way[:, 1:-1]) > 1 - RADIUS - speed - 1e-5
    assert not (turned & ~near).any()                                 # only at an edge
    assert np.array_equal(paths(3, 5, 2), paths(50, 200, 2)[:3, :5])


def test_many_clips_are_drawn_when_they_are_read():
    source = MovingSprites(size=128, shapes=2, contents=200, paths=100, frames=100)
    images = source.open()
    assert not isinstance(images.images, np.ndarray)
    assert len(images) == 2_000_000
    assert images.notes == ["200 of all 2,304 contents"]
    assert {"glyph1", "colour2", "x1", "y2"} <= images.fields.keys()
    rows = np.asarray([5, 1_999_999, 5])
    first, _, again = images.read(rows)
    assert np.array_equal(first, again)
    small = MovingSprites(size=128, shapes=2, contents=2, paths=1, frames=6).open()
    assert np.array_equal(small.read(np.asarray([5]))[0], first)     # a smaller choice is the beginning of a larger one


def test_every_content_looks_different():
    images = MovingSprites(size=32, contents=None, paths=1, frames=1).open()
    pictures = images.read(np.arange(len(images))).astype(int)
    for i, a in enumerate(pictures):
        for b in pictures[:i]:
            assert (np.abs(a - b).max(0) > 20).sum() >= 6
