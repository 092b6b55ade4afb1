"""Every form of draw gives what it says, on the values of the factors."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_images import Lazy, make_clips, make_images

from unbraid.data import DataError, Field, Images
from unbraid.values import Label, Set
from unbraid_configs import Draw, Place

STEPS = range(12)


def values(data, name, factor, step):
    source = data.plans[name].source
    return data.images_of[source].fields[factor].values[data.drawn(step, 0, name)]


def test_an_unrelated_draw_gives_images_of_the_split(open_draws):
    data = open_draws({"x": Draw()})
    train = set(data.rows("train").tolist())
    for step in STEPS:
        rows = data.drawn(step, 0, "x")
        assert rows.shape == (16, 1)
        assert set(rows.ravel().tolist()) <= train


def test_same_shares_the_factor_and_is_another_image(open_draws):
    data = open_draws({"x1": Draw(), "x2": Draw(same=("identity",), as_="x1")})
    for step in STEPS:
        assert np.array_equal(values(data, "x1", "identity", step), values(data, "x2", "identity", step))
        assert (data.drawn(step, 0, "x1") != data.drawn(step, 0, "x2")).all()


def test_same_chooses_uniformly_among_the_others(open_draws):
    images = make_images(40)
    images = Images(images.images, {"identity": Field(np.arange(40) // 10, 4)})
    data = open_draws({"x1": Draw(), "x2": Draw(same=("identity",), as_="x1")}, images, batch=400,
                      splits={"train": 1.0})
    x1, x2 = (np.concatenate([data.drawn(s, 0, n)[:, 0] for s in range(20)]) for n in ("x1", "x2"))
    counts = np.bincount(x2[x1 == 3], minlength=40)
    assert counts[3] == 0
    assert counts[10:].sum() == 0
    assert (np.delete(counts[:10], 3) > 8).all()                      # 200 picks among 9


def test_different_differs(open_draws):
    data = open_draws({"x1": Draw(), "x2": Draw(different=("pose",), as_="x1")})
    for step in STEPS:
        assert (values(data, "x1", "pose", step) != values(data, "x2", "pose", step)).all()


def test_same_and_different_together_with_several_factors(open_draws):
    data = open_draws({"x1": Draw(), "x2": Draw(same=("identity",), different=("pose", "light"), as_="x1"),
                       "s": Draw(same=("identity",), different=("pose", "light"), as_="x1", count=3)})
    for step in STEPS:
        for name in ("x2", "s"):
            assert (values(data, "x1", "identity", step) == values(data, name, "identity", step)).all()
            for factor in ("pose", "light"):
                assert (values(data, "x1", factor, step) != values(data, name, factor, step)).all()


def test_relations_follow_a_chain_in_any_order(open_draws):
    data = open_draws({"x3": Draw(same=("pose",), as_="x2"), "x2": Draw(same=("identity",), as_="x1"), "x1": Draw()})
    for step in STEPS:
        assert (values(data, "x2", "pose", step) == values(data, "x3", "pose", step)).all()
        assert (values(data, "x1", "identity", step) == values(data, "x2", "identity", step)).all()


@pytest.mark.parametrize(("where", "allowed"), [
    ({"pose": "left"}, {1}), ({"pose": 2}, {2}), ({"pose": ["front", "down"]}, {0, 4}), ({"pose": [1, "up"]}, {1, 3})])
def test_where_chooses_by_name_number_or_list(open_draws, where, allowed):
    data = open_draws({"x": Draw(where=where)})
    assert {int(v) for step in STEPS for v in values(data, "x", "pose", step).ravel()} == allowed


def test_where_holds_for_a_related_draw_too(open_draws):
    data = open_draws({"x1": Draw(), "x2": Draw(same=("identity",), where={"light": 1}, as_="x1")})
    for step in STEPS:
        assert (values(data, "x2", "light", step) == 1).all()
        assert (values(data, "x1", "identity", step) == values(data, "x2", "identity", step)).all()


def test_from_chooses_the_source_and_relations_may_cross_sources_by_name(open_draws):
    pixels = Lazy(300).read(np.arange(300))
    a = Images(pixels, {"digit": Field(np.arange(300) % 3, 3, ("one", "two", "three"))})
    b = Images(pixels[:200], {"digit": Field(np.arange(200) % 3, 3, ("three", "one", "two"))})
    data = open_draws({"x1": Draw(from_="a"), "x2": Draw(from_="b"), "y": Draw(from_="b", same=("digit",), as_="x1")},
                      {"a": a, "b": b})
    assert data.facts.draws["x2"].source == "b"
    for step in STEPS:
        left = [("one", "two", "three")[v] for v in values(data, "x1", "digit", step).ravel()]
        assert left == [("three", "one", "two")[v] for v in values(data, "y", "digit", step).ravel()]


@pytest.mark.parametrize("k", [1, 3, -2])
def test_next_is_so_many_frames_later_in_the_same_clip(open_draws, k):
    data = open_draws({"x1": Draw(), "x2": Draw(next=k, as_="x1")}, make_clips())
    for step in STEPS:
        assert (values(data, "x1", "clip", step) == values(data, "x2", "clip", step)).all()
        assert (values(data, "x2", "frame", step) - values(data, "x1", "frame", step) == k).all()


def test_frames_are_consecutive_and_can_be_of_the_same_clip(open_draws):
    data = open_draws({"x": Draw(), "film": Draw(frames=5), "more": Draw(frames=3, same=("clip",), as_="x"),
                       "later": Draw(frames=2, next=1, as_="x")}, make_clips())
    for step in STEPS:
        for name in ("film", "more", "later"):
            assert (np.diff(values(data, name, "frame", step), axis=1) == 1).all()
            assert (np.diff(values(data, name, "clip", step), axis=1) == 0).all()
        assert (values(data, "more", "clip", step)[:, :1] == values(data, "x", "clip", step)).all()
        assert (values(data, "later", "frame", step)[:, :1] == values(data, "x", "frame", step) + 1).all()


def test_a_set_shares_its_factor_and_repeats_only_when_it_must(open_draws):
    data = open_draws({"x": Draw(count=4, same=("identity",)), "any": Draw(count=3)})
    for step in STEPS:
        rows = data.drawn(step, 0, "x")
        assert (np.diff(values(data, "x", "identity", step), axis=1) == 0).all()
        assert all(len(set(r)) == 4 for r in rows.tolist())
        assert all(len(set(r)) == 3 for r in data.drawn(step, 0, "any").tolist())
    images = Images(Lazy(6).read(np.arange(6)), {"identity": Field(np.arange(6) // 3, 2)})
    few = open_draws({"x": Draw(count=5, same=("identity",))}, images, splits={"train": 1.0})
    assert all(len(set(r)) == 3 for r in few.drawn(0, 0, "x").tolist())


def test_a_set_related_to_another_draw(open_draws):
    data = open_draws({"x": Draw(), "s": Draw(count=3, same=("identity",), as_="x")})
    for step in STEPS:
        assert (values(data, "s", "identity", step) == values(data, "x", "identity", step)).all()
        together = np.concatenate([data.drawn(step, 0, "x"), data.drawn(step, 0, "s")], 1)
        assert all(len(set(r)) == 4 for r in together.tolist())


def test_a_batch_has_the_values_that_were_asked_for(open_draws):
    data = open_draws({"x": Draw(), "s": Draw(count=2, same=("identity",))}, batch=5)
    needs = frozenset({("x", None), ("x", "pose"), ("x", "angle"), ("s", None), ("s", "identity")})
    batch = data.batch(3, 0, needs)
    assert set(batch) == needs
    rows, fields = data.drawn(3, 0, "x")[:, 0], data.images_of["source"].fields
    image = batch["x", None]
    assert image.shape == (5, 1, 4, 4)
    assert ((image[:, 0, 0, 0] + 256 * image[:, 0, 0, 1]) * 255).round().tolist() == rows.tolist()
    assert isinstance(batch["x", "pose"], Label)
    assert batch["x", "pose"].index.tolist() == fields["pose"].values[rows].tolist()
    assert batch["x", "angle"].shape == (5, 1)
    assert batch["x", "angle"][:, 0].numpy() == pytest.approx(fields["angle"].values[rows], rel=1e-6)
    assert isinstance(batch["s", None], Set)
    assert batch["s", None].folded.shape == (10, 1, 4, 4)
    assert batch["s", "identity"].unfolded().index.shape == (5, 2)


def test_what_is_unknown_is_related_to_nothing(open_draws):
    values_ = np.asarray([0, 0, 1, 1, -1, -1] * 10)
    data = open_draws({"x1": Draw(), "x2": Draw(same=("identity",), as_="x1")},
                      Images(Lazy(60).read(np.arange(60)), {"identity": Field(values_, 2)}), splits={"train": 1.0})
    drawn = np.concatenate([data.drawn(s, 0, n) for s in STEPS for n in ("x1", "x2")])
    assert (values_[drawn] >= 0).all()
    assert "20 of 60" in data.notes[0]


def test_images_without_a_partner_are_left_out_and_told(open_draws):
    identity = np.concatenate([[0], np.arange(1, 60) % 5 + 1])
    data = open_draws({"x1": Draw(), "x2": Draw(same=("identity",), as_="x1")},
                      Images(Lazy(60).read(np.arange(60)), {"identity": Field(identity, 6)}), splits={"train": 1.0})
    assert all(0 not in data.drawn(s, 0, "x1") for s in range(20))
    assert data.notes == ["x1: 1 of 60 images of 'train' have no partner for x2 and are left out"]


@pytest.mark.parametrize(("batch", "world", "told"), [(60, 1, []), (61, 1, ["61"]), (31, 2, ["62"]), (30, 2, [])])
def test_batches_of_more_images_than_there_are_are_told(open_draws, batch, world, told):
    data = open_draws({"x": Draw()}, make_images(80), splits={"train": 0.75, "test": 0.25}, batch=batch, world=world)
    for split in ("train", "test"):                # of test images nobody wants a batch without repeats
        assert data.drawn(0, 0, "x", split).shape == (batch, 1)
    assert data.notes == [f"x: a batch of {n} has some of 60 images several times" for n in told]


@pytest.mark.parametrize(("draws", "message"), [
    ({"x1": Draw(), "x2": Draw(same=("idenity",), as_="x1")}, "same: no factor 'idenity'.*did you mean 'identity'"),
    ({"x": Draw(where={"pose": "lefd"})}, "no value of pose 'lefd'.*did you mean 'left'"),
    ({"x": Draw(where={"pose": 5})}, "no value of pose 5"),
    ({"x": Draw(where={"angle": 400.0})}, "no image.*angle = 400"),
    ({"x": Draw(where={"angle": "wide"})}, "'wide' cannot choose"),
    ({"x1": Draw(), "x2": Draw(next=1, as_="x1")}, "needs clips"),
    ({"x": Draw(frames=3)}, "needs clips"),
    ({"x1": Draw(), "x2": Draw(same=("angle",), as_="x1")}, "no other image has the same angle"),
    ({"x1": Draw(where={"identity": 1}), "x2": Draw(different=("identity",), where={"identity": 1}, as_="x1")},
     "no other image has another identity"),
    ({"x": Draw(count=2, same=("angle",))}, "alone with its angle"),
])
def test_what_cannot_be_is_refused_at_once(open_draws, draws, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        open_draws(draws)


def test_an_error_says_where(open_draws):
    with pytest.raises(DataError, match=r"my.yaml:7:9  data.draw.x2: same: "):
        open_draws({"x1": Draw(), "x2": Draw(same=("q",), as_="x1", place=Place("my.yaml", 7, 9))})


def test_too_many_frames_are_refused(open_draws):
    with pytest.raises(DataError, match="9 consecutive frames; the longest clip of the source has 8"):
        open_draws({"film": Draw(frames=9)}, make_clips())
    with pytest.raises(DataError, match="no clip is long enough for `next: 8`"):
        open_draws({"x": Draw(), "y": Draw(next=8, as_="x")}, make_clips())


def test_unknown_names_in_a_batch_are_refused(open_draws):
    data = open_draws({"x1": Draw()})
    with pytest.raises(DataError, match="no draw 'x2'"):
        data.batch(0, 0, frozenset({("x2", None)}))
    with pytest.raises(DataError, match=r"(?s)no field.*'posse'.*did you mean 'pose'"):
        data.batch(0, 0, frozenset({("x1", "posse")}))
    with pytest.raises(DataError, match=r"no split.*'valid'; there is train, test"):
        data.batch(0, 0, frozenset({("x1", None)}), split="valid")
