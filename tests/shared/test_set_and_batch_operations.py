import pytest
import torch
from torch import nn

from unbraid import Code, Label, Set
from unbraid_plugins.shared.operations import (
    absolute,
    after_first,
    before_last,
    both,
    clip_weights,
    concat,
    halves,
    last,
    mean_of,
    one,
    one_hot,
    rollout,
    sigmoid,
)


@pytest.fixture
def film():
    """Two samples of three values: 0 1 2 and 10 11 12."""
    return Set(torch.tensor([0.0, 1, 2, 10, 11, 12]).unsqueeze(1), 3)


def test_one_is_the_first_of_every_sample(film):
    assert one(film).flatten().tolist() == [0, 10]
    label = one(Set(Label(torch.tensor([4, 4, 5, 5]), 6), 2))
    assert (label.index.tolist(), label.classes) == ([4, 5], 6)


def test_last_is_the_last_of_every_sample(film):
    assert last(film).flatten().tolist() == [2, 12]


class Sum(nn.Module):
    """Forecasts the sum of all values until now and a constant."""

    def forward(self, c, v):
        return Set.fold(v.unfolded().cumsum(1) + c.unsqueeze(1))


def test_a_rollout_feeds_forecasts_back(film, layout):
    c = torch.tensor([[1.0], [0.0]])
    made = rollout(Sum(), c, film, horizon=3)
    assert made.count == 3
    assert made.unfolded()[:, :, 0].tolist() == [[4, 8, 16], [33, 66, 132]]
    poses = Set(Code(film.folded.expand(-1, 10), layout), 3)
    codes = rollout(Sum(), c, poses, horizon=1)
    assert codes.folded.layout == layout
    assert codes.folded.tensor[:, 0].tolist() == [4, 33]
    alone = rollout(lambda v: Set.fold(v.unfolded() + 1), film, horizon=2)
    assert alone.unfolded()[:, :, 0].tolist() == [[3, 4], [13, 14]]
    with pytest.raises(ValueError, match="horizon of 1 at least; it is 0"):
        rollout(Sum(), c, film, horizon=0)
    with pytest.raises(ValueError, match="its last input; this is a tensor"):
        rollout(Sum(), film, c)


def test_gradients_go_through_every_step_of_a_rollout():
    c, v = torch.rand(2, 1, dtype=torch.float64), torch.rand(6, 1, dtype=torch.float64)
    c.requires_grad_()
    v.requires_grad_()
    assert torch.autograd.gradcheck(lambda c, v: rollout(Sum(), c, Set(v, 3), horizon=3).folded, (c, v))


def test_mean_of_a_set(film, layout):
    assert mean_of(film).flatten().tolist() == [1, 11]
    code = mean_of(Set(Code(film.folded.expand(-1, 10), layout), 3))
    assert code.layout == layout
    assert code.tensor[:, 0].tolist() == [1, 11]
    with pytest.raises(ValueError, match="no mean"):
        mean_of(Set(Label(torch.zeros(6, dtype=torch.long), 3), 3))


def test_before_last_and_after_first_shift_a_film(film):
    assert (before_last(film).count, before_last(film).folded.flatten().tolist()) == (2, [0, 1, 10, 11])
    assert (after_first(film).count, after_first(film).folded.flatten().tolist()) == (2, [1, 2, 11, 12])
    with pytest.raises(ValueError, match="this has 1"):
        after_first(Set(torch.zeros(4, 1), 1))


def test_halves_undo_both(layout):
    a, b = torch.randn(3, 2), torch.randn(3, 2)
    assert both(a, b).shape == (6, 2)
    assert all(torch.equal(v, w) for v, w in zip(halves(both(a, b)), (a, b), strict=True))
    c, d = Code(torch.zeros(2, 10), layout), Code(torch.ones(2, 10), layout)
    first, second = halves(both(c, d))
    assert first.layout == layout
    assert second.pose.tensor.tolist() == [[1] * 4] * 2
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(2, 2\)"):
        both(a, a[:2])
    with pytest.raises(ValueError, match="even batch"):
        halves(a)


def test_concat_joins_vectors_and_channels():
    assert concat(torch.zeros(2, 3), torch.ones(2, 1)).tolist() == [[0, 0, 0, 1]] * 2
    assert concat(torch.zeros(2, 3, 4, 4), torch.ones(2, 1, 4, 4)).shape == (2, 4, 4, 4)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 3\)"):
        concat(torch.zeros(2, 3), torch.zeros(3, 3))


def test_one_hot_of_an_unknown_label_is_zero():
    assert one_hot(Label(torch.tensor([1, -1]), 3)).tolist() == [[0, 1, 0], [0, 0, 0]]


def test_number_by_number():
    v = torch.tensor([-2.0, 0.0, 3.0])
    assert absolute(v).tolist() == [2, 0, 3]
    assert torch.equal(sigmoid(v), torch.sigmoid(v))


def test_clip_weights_cuts_in_place_and_keeps_what_is_inside():
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    weight, small = a.weight, 0.004
    nn.init.constant_(b.weight, small)
    clip_weights(a, b, limit=0.01)
    assert a.weight is weight
    assert a.weight.requires_grad
    assert a.weight.abs().max().item() == pytest.approx(0.01)
    assert torch.equal(b.weight, torch.full((3, 3), small))
    with pytest.raises(ValueError, match="positive limit"):
        clip_weights(a, limit=0.0)
