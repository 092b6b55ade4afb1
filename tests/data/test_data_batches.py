"""Batches are pure functions of (seed, step, round, rank), by epochs, whatever reads the pixels."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from labelled_images import Lazy, make_clips, make_images

from unbraid.cli import describe
from unbraid.data import DataError, DataFacts, Field, Images
from unbraid.data.sampling import Epochs
from unbraid.data.splits import split_rows
from unbraid_configs import Draw

PAIR = {"x1": Draw(), "x2": Draw(same=("identity",), as_="x1"), "s": Draw(count=3, same=("pose",))}
NEEDS = frozenset({("x1", None), ("x2", None), ("s", None), ("x2", "pose")})


def pixels(batch):
    return torch.cat([batch["x1", None], batch["x2", None], batch["s", None].folded])


def test_the_same_batch_again_in_any_order_and_from_another_object(open_draws):
    one, other = open_draws(PAIR), open_draws(PAIR)
    first = {(s, r): one.batch(s, r, NEEDS) for s in range(4) for r in range(2)}
    for s, r in reversed(first):
        again = other.batch(s, r, NEEDS)
        assert torch.equal(pixels(first[s, r]), pixels(again))
        assert torch.equal(first[s, r]["x2", "pose"].index, again["x2", "pose"].index)
    assert not torch.equal(pixels(first[0, 0]), pixels(first[0, 1]))
    assert not torch.equal(pixels(first[0, 0]), pixels(first[1, 0]))


def test_what_is_needed_does_not_change_what_is_drawn(open_draws):
    alone = open_draws(PAIR).batch(5, 0, frozenset({("x2", None)}))
    assert torch.equal(alone["x2", None], open_draws(PAIR).batch(5, 0, NEEDS)["x2", None])


def test_another_seed_is_another_order_of_the_same_split(open_draws):
    a, b = open_draws(PAIR, seed=0), open_draws(PAIR, seed=1)
    assert not np.array_equal(a.drawn(0, 0, "x1"), b.drawn(0, 0, "x1"))
    assert np.array_equal(a.rows("train"), b.rows("train"))


def test_two_draws_go_through_the_data_in_different_orders(open_draws):
    data = open_draws({"x1": Draw(), "x2": Draw()})
    assert not np.array_equal(data.drawn(0, 0, "x1"), data.drawn(0, 0, "x2"))


@pytest.mark.parametrize("batch", [7, 16, 100, 1000])
def test_every_epoch_shows_every_image_once(open_draws, batch):
    data = open_draws({"x": Draw()}, make_images(250), batch=batch)
    n = len(data.rows("train"))
    seen = np.concatenate([data.drawn(s, 0, "x")[:, 0] for s in range(3 * n // batch + 2)])
    first, second = seen[:n], seen[n:2 * n]
    assert np.array_equal(np.sort(first), data.rows("train"))
    assert np.array_equal(np.sort(second), data.rows("train"))
    assert not np.array_equal(first, second)


def test_ranks_share_an_epoch_without_overlap(open_draws):
    images = make_images(400)
    ranks = [open_draws({"x": Draw()}, images, rank=r, world=3, batch=10) for r in range(3)]
    steps = 360 // 30
    seen = np.concatenate([d.drawn(s, 0, "x")[:, 0] for d in ranks for s in range(steps)])
    assert np.array_equal(np.sort(seen), ranks[0].rows("train"))


@given(n=st.integers(1, 50), begin=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_epochs_are_permutations_from_any_position(n, begin):
    start = begin // n * n
    whole = Epochs().at(np.arange(start, start + n), n, "a", 3)
    assert np.array_equal(np.sort(whole), np.arange(n))
    assert whole[begin % n] == Epochs().at(np.asarray([begin]), n, "a", 3)[0]


@given(n=st.integers(1, 80), classes=st.integers(1, 10), by=st.booleans(), seed=st.integers(0, 3),
       shares=st.lists(st.floats(0.05, 0.33), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_splits_never_mix(n, classes, by, seed, shares):
    identity = np.random.default_rng(seed).integers(0, classes, n)
    images = Images(Lazy(n), {"identity": Field(identity, classes)})
    splits, _ = split_rows(images, {f"part{i}": s for i, s in enumerate(shares)}, "identity" if by else None)
    rows = np.concatenate([*splits.values()])
    assert len(np.unique(rows)) == len(rows) <= n
    groups = len(np.unique(identity)) if by else n
    if groups >= len(shares):
        assert all(len(r) for r in splits.values())
    if by:
        kept = [set(identity[r].tolist()) for r in splits.values()]
        assert sum(map(len, kept)) == len(set().union(*kept))


def test_splits_have_their_shares_and_hold_all(open_draws):
    rows, _ = split_rows(make_images(1000), {"train": 0.8, "valid": 0.1, "test": 0.1})
    assert {k: len(v) for k, v in rows.items()} == {"train": 800, "valid": 100, "test": 100}


def test_related_images_come_from_the_same_split(open_draws):
    data = open_draws(PAIR, splits={"train": 0.5, "test": 0.5})
    for split in ("train", "test"):
        mine = set(data.rows(split).tolist())
        for step in range(10):
            for name in PAIR:
                assert set(data.drawn(step, 0, name, split).ravel().tolist()) <= mine


def test_clips_are_not_torn_between_splits(open_draws):
    clips = make_clips()
    data = open_draws({"x": Draw()}, clips)
    train, test = ({*clips.fields["clip"].values[data.rows(s)].tolist()} for s in ("train", "test"))
    assert train
    assert test
    assert not train & test


def test_the_sources_own_splits_win(open_draws):
    own = {"train": np.arange(100), "test": np.arange(100, 120)}
    data = open_draws({"x": Draw()}, make_images(200, splits=own), split_by="identity")
    assert np.array_equal(data.rows("test"), np.arange(100, 120))
    with pytest.raises(DataError, match="images in common"):
        open_draws({"x": Draw()}, make_images(200, splits={"train": np.arange(100), "test": np.arange(99, 120)}))


def test_bad_splits_are_refused(open_draws):
    with pytest.raises(DataError, match="add up to at most 1"):
        open_draws({"x": Draw()}, splits={"train": 0.9, "test": 0.2})
    with pytest.raises(DataError, match=r"(?s)split_by: no factor 'identiy'.*'identity'"):
        open_draws({"x": Draw()}, split_by="identiy")
    one = Images(Lazy(1).read(np.arange(1)), {})
    with pytest.raises(DataError, match="the split 'test' of the source 'source' is empty"):
        open_draws({"x": Draw()}, one).batch(0, 0, frozenset({("x", None)}), split="test")


@pytest.mark.parametrize("resident", [0, 2 ** 30])
@pytest.mark.parametrize("workers", [0, 2])
def test_lazy_images_are_the_same_as_images_in_memory(open_draws, resident, workers):
    data = open_draws(PAIR, make_images(lazy=True), workers=workers, resident=resident)
    memory = open_draws(PAIR)
    for step in (0, 1, 2, 3, 40, 2, 41, 42):                          # jumps: what was read ahead is only a hint
        for round in (0, 1):
            assert torch.equal(pixels(data.batch(step, round, NEEDS)), pixels(memory.batch(step, round, NEEDS)))
    data.close()
    assert torch.equal(pixels(data.batch(43, 0, NEEDS)), pixels(memory.batch(43, 0, NEEDS)))


def test_large_arrays_stay_in_main_memory(open_draws):
    small, large = open_draws(PAIR), open_draws(PAIR, resident=100)
    assert torch.equal(pixels(small.batch(1, 0, NEEDS)), pixels(large.batch(1, 0, NEEDS)))
    assert (small.estimate().resident, large.estimate().host) == (9600, 9600)
    assert open_draws(PAIR, make_images(lazy=True), resident=100).estimate().streamed == 9600


def test_small_lazy_images_are_read_once_and_only_when_needed(open_draws):
    images = make_images(lazy=True)
    data = open_draws({"x": Draw()}, images)
    assert images.images.asked == 0
    for step in range(200):
        data.batch(step, 0, frozenset({("x", None)}))
    assert images.images.asked == len(data.rows("train"))
    data.batch(200, 0, frozenset({("x", "pose")}))
    assert images.images.asked == len(data.rows("train"))


def test_workers_end_with_the_data(open_draws):
    before = threading.active_count()
    data = open_draws(PAIR, make_images(lazy=True), workers=3, resident=0)
    data.batch(0, 0, NEEDS)
    assert threading.active_count() > before
    data.close()
    assert threading.active_count() == before


def test_an_error_in_a_worker_reaches_the_user(open_draws):
    class Broken(Lazy):
        def read(self, rows):
            raise DataError("picture 7 is corrupt")

    data = open_draws({"x": Draw()}, Images(Broken(50)), workers=2, resident=0)
    for step in (0, 1):
        with pytest.raises(DataError, match="picture 7 is corrupt"):
            data.batch(step, 0, frozenset({("x", None)}))
    data.close()


def test_a_source_that_gives_something_else_is_named(open_draws):
    class Wrong(Lazy):
        def read(self, rows):
            return super().read(rows)[:, :, :2]

    with pytest.raises(DataError, match=r"uint8 of shape \(16, 1, 2, 4\); expected uint8 of shape \(16, 1, 4, 4\)"):
        open_draws({"x": Draw()}, Images(Wrong(50))).batch(0, 0, frozenset({("x", None)}))


def test_images_and_fields_by_row(open_draws):
    data = open_draws(PAIR)
    rows = data.rows("test")[:5]
    image = data.images(rows)
    assert ((image[:, 0, 0, 0] + 256 * image[:, 0, 0, 1]) * 255).round().tolist() == rows.tolist()
    assert data.field("identity", rows).classes == 20
    mask = Field(np.full((600, 1, 4, 4), 255, np.uint8))
    images = make_images()
    masked = open_draws({"x": Draw()}, Images(images.images, {"mask": mask}))
    assert masked.field("mask", rows).max() == 1.0


def test_facts_go_through_json(open_draws):
    data = open_draws(PAIR)
    again = DataFacts.from_json(json.loads(json.dumps(data.facts.to_json())))
    assert again == data.facts
    assert again.draws["s"].count == 3
    assert again.draws["x1"].fields["pose"].names == ("front", "left", "right", "up", "down")
    assert again.draws["x1"].fields["angle"].shape == (1,)
    assert again.sources["source"].splits == {"train": 540, "test": 60}


def test_a_description_says_what_there_is(open_draws):
    text = describe(open_draws(PAIR))
    for part in ("600 images, 4 x 4 grey", "train 540, test 60", "pose: 5 classes (front, left", "9.38 KiB on cpu",
                 "draw x2: an image of source, with the same identity as x1",
                 "draw s: 3 images of source, with the same pose"):
        assert part in text


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Field(np.asarray([0, 3]), 3), "must lie in -1 ... 2"),
    (lambda: Field(np.asarray([0, 1]), 2, ("a",)), "1 names for 2 classes"),
    (lambda: Field(np.asarray(["a"]), 1), "must hold numbers"),
    (lambda: Images(np.zeros((2, 4, 4, 1), np.uint8)), "1 or 3 channels"),
    (lambda: Images(np.zeros((2, 1, 4, 4), np.float32)), "must be uint8"),
    (lambda: Images(np.zeros((0, 1, 4, 4), np.uint8)), "has no images"),
    (lambda: Images(Lazy(3), {"a": Field(np.zeros(2))}), "has 2 entries for 3 images"),
    (lambda: Images(Lazy(3), {"a b": Field(np.zeros(3))}), "cannot be named"),
])
def test_sources_that_contradict_themselves_are_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()
