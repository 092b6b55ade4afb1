"""The pool of images: which images pass, which are exchanged for older ones, and what it refuses."""

import pytest
import torch
from torch.func import functional_call

from unbraid import UnbraidError
from unbraid_plugins.shared.operations import ImagePool


def build(context, *inputs, size=50):
    return ImagePool(size=size).build(context(3, 2, 2), *inputs)


def numbered(first, count):
    """Images that are their own number."""
    return torch.arange(first, first + count, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def numbers(images):
    return images[:, 0, 0, 0].long().tolist()


def test_the_first_images_pass_until_the_pool_is_full(context):
    pool = build(context, numbered(0, 2), size=10)
    for first in (0, 4, 8):                                 # the third batch fills it and does not fit
        assert torch.equal(pool(numbered(first, 4)), numbered(first, 4))
    assert numbers(pool.stored0) == list(range(10))
    assert numbers(pool(numbered(12, 4))) != list(range(12, 16))


def test_half_of_the_images_are_of_earlier_rounds_once_each(context):
    pool, rounds, batch = build(context, numbered(0, 2), size=50), 1000, 8
    shown = [numbers(pool(numbered(batch * r, batch))) for r in range(rounds)]
    late = range(100, rounds)
    old = [[n for n in shown[r] if n < batch * r] for r in late]
    share = sum(map(len, old)) / (len(late) * batch)
    assert abs(share - 0.5) < 0.02                          # 4 standard errors of 7200 coins are 0.024
    assert len({len(o) for o in old}) > 5                   # an image's coin is its own
    given = [n for o in old for n in o]
    assert len(given) == len(set(given))                    # what was given for another is no longer kept
    ages = torch.tensor([float(batch * r - n) for r in late for n in old[r - 100]])
    # a slot is left with probability 1/2 * 8/50 a round: 12.5 rounds, 100 images on average
    assert 90 < float(ages.mean()) < 110


def test_every_slot_is_exchanged_as_often(context):
    pool = build(context, numbered(0, 2), size=6)
    pool(numbered(0, 6))
    changes = torch.zeros(6)
    for r in range(1, 1001):
        before = pool.stored0.clone()
        pool(numbered(6 * r, 3))
        changes += (pool.stored0 != before)[:, 0, 0, 0]
    assert (changes / 1000 - 0.25).abs().max() < 0.06       # half of 3 in 6


def test_labels_stay_with_their_images(context):
    labels = torch.eye(7)
    pool = build(context, numbered(0, 2), labels[:2], size=8)
    for r in range(30):
        images = numbered(4 * r, 4)
        shown, told = pool(images, labels[[n % 7 for n in numbers(images)]])
        assert told.argmax(1).tolist() == [n % 7 for n in numbers(shown)]
    assert numbers(shown) != numbers(images)


def test_what_it_gives_is_a_constant_and_no_window_to_the_pool(context):
    pool = build(context, numbered(0, 2), size=4)
    images = numbered(0, 4).clone().requires_grad_()
    for _ in range(3):
        shown = pool(images)
        kept = pool.stored0.clone()
        assert not shown.requires_grad
        shown.zero_()
        assert torch.equal(pool.stored0, kept)
    assert images.requires_grad
    assert torch.equal(images.detach(), numbered(0, 4))


def test_equal_generators_give_equal_pools_and_the_buffers_are_the_state(context):
    def play(pool, first, last):
        shown = []
        for r in range(first, last):
            torch.manual_seed(r)
            shown += numbers(pool(numbered(4 * r, 4)))
        return shown

    one, two = (build(context, numbered(0, 2), size=8) for _ in range(2))
    whole = play(one, 0, 12)
    first = play(two, 0, 6)
    resumed = build(context, numbered(0, 2), size=8)
    resumed.load_state_dict(two.state_dict())
    assert first + play(resumed, 6, 12) == whole
    assert first + play(build(context, numbered(0, 2), size=8), 6, 12) != whole


def test_it_runs_on_the_meta_device_and_in_other_precisions(context):
    pool = build(context, numbered(0, 2), size=4)
    meta = {n: torch.empty_like(t, device="meta") for n, t in pool.named_buffers()}
    assert functional_call(pool, meta, (numbered(0, 2).to("meta"),)).shape == (2, 3, 2, 2)
    assert int(pool.seen) == 0
    for _ in range(3):
        assert pool(numbered(0, 4).bfloat16()).dtype == torch.bfloat16
    assert pool.stored0.dtype == torch.float32


@pytest.mark.parametrize(("values", "said"), [
    ([(4, 1, 2, 2)], "keeps a batch of 3 x 2 x 2; this is 4 x 1 x 2 x 2"),
    ([(4, 3, 2, 2), (4, 5)], "keeps a batch of 3 x 2 x 2; this is 4 x 3 x 2 x 2 and 4 x 5"),
    ([(9, 3, 2, 2)], r"room for 8 images; a batch has 9[\s\S]*size: 50"),
])
def test_what_does_not_fit_is_explained(context, values, said):
    pool = build(context, numbered(0, 2), size=8)
    with pytest.raises(UnbraidError, match=said):
        pool(*map(torch.zeros, values))


def test_images_and_labels_are_one_batch(context):
    pool = build(context, numbered(0, 2), torch.zeros(2, 5), size=8)
    with pytest.raises(UnbraidError, match="3 x 2 x 2 and 5; this is 4 x 3 x 2 x 2 and 2 x 5"):
        pool(numbered(0, 4), torch.zeros(2, 5))
    with pytest.raises(UnbraidError, match="without a value"):
        build(context)
