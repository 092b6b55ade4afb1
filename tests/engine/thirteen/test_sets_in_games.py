"""Sets: several images of one person, the frames of a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_games import RECIPES, SmallGame, game
from torch import Tensor

from unbraid import Label, Set
from unbraid_configs import RecipeError


def seen_by(small: SmallGame, network: str) -> list[tuple[Any, ...]]:
    """What a network is called with from now on."""
    calls: list[tuple[Any, ...]] = []
    small.method.modules[network].register_forward_pre_hook(lambda _, inputs: calls.append(inputs))
    return calls


def test_a_call_with_a_set_is_one_call_on_the_folded_batch() -> None:
    small = game("drgan")
    encoder, generator = seen_by(small, "encoder"), seen_by(small, "generator")
    small.play(0, 1)
    assert [tuple(call[0].shape) for call in encoder] == [(16, 3, 16, 16)]              # 4 people, 4 images of each
    [(codes, pose, noise)] = generator                                  # and the mean code of each as a fifth
    assert [tuple(v.shape) for v in (codes, pose, noise)] == [(20, 320), (20, 7), (20, 50)]
    for repeated in (pose, noise):                                      # one per person, the same for the whole set
        people = repeated.unflatten(0, (4, 5))
        assert torch.equal(people, people[:, :1].expand_as(people))
        assert len({tuple(row.tolist()) for row in people[:, 0]}) > 1


def test_the_members_of_a_set_share_what_they_should() -> None:
    batch = game("drgan").data.batch(0, 0, frozenset([("x", None), ("x", "identity"), ("x", "pose")]))
    identity = batch["x", "identity"]
    assert isinstance(identity, Set)
    assert isinstance(identity.folded, Label)
    people = identity.unfolded().index
    assert people.shape == (4, 4)
    assert (people == people[:, :1]).all()
    assert torch.equal(identity.first().index, people[:, 0])


def test_frames_are_consecutive_and_reach_a_recurrent_network_whole() -> None:
    small = game("drnet")
    pose, predictor = seen_by(small, "pose"), seen_by(small, "predictor")
    [report] = small.play(2, 3)
    frames = small.data.batch(2, 0, frozenset([("film", "frame"), ("film", "clip")]))
    assert (frames["film", "frame"].unfolded().index.diff(dim=1) == 1).all()
    assert (frames["film", "clip"].unfolded().index.diff(dim=1) == 0).all()
    assert [call[0].shape[0] for call in pose] == [4 * 5]
    [(content, poses)] = predictor
    assert isinstance(content, Tensor)
    assert isinstance(poses, Set)
    assert isinstance(poses.folded, Tensor)                            # networks see plain tensors, in sets too
    assert content.shape[0] == 4
    assert poses.unfolded().shape == (4, 4, 10)
    assert report.values.keys() == {"predictor/forecast"}


def test_a_loss_of_a_set_is_the_mean_over_its_members() -> None:
    small = game("drnet")
    calls: list[Any] = []
    small.method.modules["predictor"].register_forward_hook(lambda _, inputs, out: calls.append((inputs[1], out)))
    [report] = small.play(2, 3)
    [(before, after)] = calls
    assert isinstance(after, Set)
    film = small.data.batch(2, 0, frozenset([("film", None)]))["film", None]
    with torch.no_grad():
        poses = small.method.modules["pose"](film.folded).unflatten(0, (4, 5))
    torch.testing.assert_close(before.unfolded(), poses[:, :-1])
    by_hand = torch.stack([(after.unfolded()[:, i] - poses[:, i + 1]).square().mean() for i in range(4)]).mean()
    torch.testing.assert_close(report.values["predictor/forecast"], by_hand.detach())


def child(folder: Path, text: str) -> Path:
    """A recipe over drgan's."""
    file = folder / "child.yaml"
    file.write_text(f"base: {RECIPES / 'drgan.yaml'}\n{text}")
    return file


def test_arithmetic_and_factors_keep_sets_and_codes(tmp_path: Path) -> None:
    small = game(child(tmp_path, """
flow:
  middle: mean_of(0.5 * f + 0.5 * f)
  spread: f.identity - f
watch:
  spread: mean(absolute(spread))
  middle: mse(middle, one(f))
"""))
    [report] = small.play(0, 1, watch=True)
    assert float(report.values["watch/spread"]) == 0
    assert float(report.values["watch/middle"]) > 0


def test_sets_of_two_sizes_do_not_meet(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="sets of 4 and of 5 in one call"):
        game(child(tmp_path, "watch: {both: 'mse(f, codes)'}"))
