"""DrNet's pairs of poses and its predictor, and what a recipe that calls them wrongly is told."""

from __future__ import annotations

import pytest
import torch

from unbraid import Code, Layout, Record, Set, UnbraidError
from unbraid.testing import OperationSuite, numbers
from unbraid_configs import Factor
from unbraid_plugins.papers.drnet import Lstm, shuffle_half
from unbraid_plugins.shared.convnets import ConvEncoder

POSE = Layout.of({"pose": Factor(name="pose", size=3)})


class TestShuffleHalf(OperationSuite):
    component = shuffle_half

    def inputs(self) -> tuple[Code]:
        return (Code(numbers(6, 3), POSE),)


def test_half_of_the_poses_are_strangers_and_none_of_them_is_at_home(dice):
    p = Code(torch.arange(7.0).unsqueeze(1).repeat(1, 3), POSE)
    shifts = set()
    for seed in range(30):
        others, same = shuffle_half(p, random=dice(generator=torch.Generator().manual_seed(seed)))
        own = others.tensor[:, 0] == p.tensor[:, 0]
        assert same.flatten().tolist() == [1, 0, 1, 0, 1, 0, 1]
        assert torch.equal(own, same.flatten() == 1)
        moved = (others.tensor[1::2, 0] - p.tensor[1::2, 0]) % 7
        assert len(set(moved.tolist())) == 1                          # all from equally far
        shifts.add(int(moved[0]))
    assert shifts == {1, 2, 3, 4, 5, 6}
    with pytest.raises(ValueError, match="batch of one"):
        shuffle_half(Code(torch.zeros(1, 3), POSE), random=dice(batch=1))


def built(context, content=None, **options):
    poses = Set(torch.rand(2 * 5, 3), 5)
    content = torch.rand(2, 4) if content is None else content
    return Lstm(hidden=8, **options).build(context(code=POSE), content, poses), content, poses


def test_the_predictor_sees_the_content_and_the_poses_until_now(context):
    net, content, poses = built(context)
    made = net(content, poses)
    assert (made.count, made.folded.layout) == (5, POSE)
    assert made.folded.tensor.shape == (10, 3)
    assert made.folded.tensor.abs().max() < 1
    later = poses.unfolded().clone()
    later[:, 3:] = 0
    again = net(content, Set.fold(later)).unfolded().tensor
    assert torch.equal(again[:, :3], made.unfolded().tensor[:, :3])    # no pose sees those after it
    assert not torch.equal(again[:, 3:], made.unfolded().tensor[:, 3:])
    other = net(torch.rand(2, 4), poses)
    assert not torch.allclose(other.folded.tensor, made.folded.tensor)
    assert built(context, bound="none")[0].bound.bound == "none"


def test_every_weight_of_the_predictor_learns(context):
    net, content, poses = built(context)
    net(content, poses).folded.tensor.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in net.parameters())


def test_the_predictor_takes_an_encoders_record_without_its_skips(context):
    x = torch.rand(2, 3, 16, 16)
    seen = ConvEncoder(width=2, skips=True).build(context(), x)(x)
    assert isinstance(seen, Record)
    net, _, poses = built(context, seen)
    assert torch.equal(net(seen, poses).folded.tensor, net(seen.parts["code"].tensor, poses).folded.tensor)


def test_wrong_calls_of_the_predictor_are_explained(context):
    with pytest.raises(UnbraidError, match="a content and a set of poses"):
        Lstm().build(context(code=POSE), torch.rand(2, 4), torch.rand(2, 3))
    with pytest.raises(UnbraidError, match="poses of 3 numbers, but makes a code of 10"):
        Lstm().build(context(), torch.rand(2, 4), Set(torch.rand(10, 3), 5))
