"""Key points: the source's order and visibility, discs, limbs and boxes by hand, gradients, and errors that teach."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from people import NAMES, STANDING, people

from unbraid import Context, DataError, Layout, UnbraidError
from unbraid.testing import LossSuite, RendererSuite, SourceSuite
from unbraid_plugins.shared.keypoints import KeypointMaps, Persons, joint_mse
from unbraid_plugins.shared.keypoints.drawing import discs, limb_mask, part_boxes
from unbraid_plugins.shared.keypoints.skeletons import COCO, RIG


def context(height: int = 64, width: int = 32) -> Context:
    return Context(name="skeleton", image=(3, height, width), code=Layout(()))


def some_joints(count: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    places = 1.6 * torch.rand(4, count, 2, generator=random) - 0.8
    return torch.cat([places, torch.ones(4, count, 1)], -1)


class TestMaps(RendererSuite):
    component = KeypointMaps
    slope_tolerance = 0.02
    slope_step = 1e-4

    def inputs(self):
        return (some_joints(18),)

    def check(self, result, batch):
        assert result.shape == (batch, 18, 32, 32)
        assert 0 <= result.min() <= result.max() <= 1


class TestMask(TestMaps):
    options: ClassVar = {"gives": "mask"}
    slope_tolerance = None                         # a closing has corners

    def check(self, result, batch):
        assert result.shape == (batch, 1, 32, 32)
        assert 0 <= result.min() <= result.max() <= 1


class TestPersons(SourceSuite):
    component = Persons
    options: ClassVar = {"path": "", "scenes": 3}            # the file is that of `make`

    def make(self, folder: Path):
        return Persons(**{**self.options, "path": str(people(folder))})


class TestJointMse(LossSuite):
    component = joint_mse

    def inputs(self, seed: int = 0):
        return some_joints(5, seed), some_joints(5, seed + 1)


# -- the source -------------------------------------------------------------------------------------------------------


def test_joints_are_in_cocos_order_with_what_is_not_known_unseen(tmp_path):
    images = Persons(path=str(people(tmp_path))).open()
    joints = images.fields["joints"].values
    wanted = np.load(tmp_path / "persons.npz")["keypoints_xy"][1]
    assert joints.shape == (24, 18, 3)
    for theirs, ours in (("Head", "nose"), ("RightForeArm", "right_elbow"), ("LeftFoot", "left_ankle")):
        x, y = wanted[NAMES.index(theirs)]
        row, column, seen = joints[1, COCO.joints.index(ours)]
        assert (row, column, seen) == pytest.approx((2 * y / 64 - 1, 2 * x / 32 - 1, 1), abs=1e-5)
    assert not joints[:, 14:].any()                # eyes and ears
    assert joints[0, COCO.joints.index("right_wrist")].tolist() == [0, 0, 0]
    assert any("right_eye" in note for note in images.notes)
    assert any("hips" in note for note in images.notes)
    assert (images.fields["identity"].classes, images.fields["masks"].is_picture) == (4, True)


def test_an_animation_rig_keeps_its_fifteen(tmp_path):
    images = Persons(path=str(people(tmp_path)), joints="rig").open()
    points = np.load(tmp_path / "persons.npz")["keypoints_xy"]
    back = (images.fields["joints"].values[1, :, 1::-1] + 1) / 2 * (32, 64)
    assert back == pytest.approx(points[1], abs=1e-4)
    assert images.notes == []


def test_joints_follow_the_scaling_and_cutting_of_their_image(tmp_path):
    whole, cut = (Persons(path=str(people(tmp_path)), size=size).open() for size in (None, (32, 32)))
    _, height, width = cut.shape
    row, column, _ = cut.fields["joints"].values[1, 8]                # the right hip
    assert (height, width) == (32, 32)
    there = whole.fields["joints"].values[1, 8]          # the right hip
    assert column == pytest.approx(there[1])       # the width stays, the top and the bottom are cut
    assert row == pytest.approx(2 * (((there[0] + 1) / 2 * 64) - 16) / 32 - 1, abs=1e-5)
    ankles = cut.fields["joints"].values[:, [10, 13]]
    assert not ankles.any()                        # cut away


def test_confidence_and_cocos_seventeen(tmp_path):
    points = np.concatenate([np.resize(STANDING, (24, 17, 2)), np.ones((24, 17, 1))], -1).astype(np.float32)
    points[:, 9, 2] = 0.05                         # the left wrist
    images = Persons(path=str(people(tmp_path, keypoints_xy=points, keypoint_names=None))).open()
    joints = images.fields["joints"].values
    assert any("COCO's 17" in note for note in images.notes)
    assert not joints[:, 7].any()
    middle = joints[:, [2, 5], :2].mean(1)
    assert joints[:, 1, :2] == pytest.approx(middle)                   # the neck is between the shoulders


def test_scenes_stand_behind_the_persons_alone(tmp_path):
    plain, before = (Persons(path=str(people(tmp_path)), scenes=n).open() for n in (0, 5))
    mask = plain.fields["masks"].values[:, 0] >= 128
    one, two = np.moveaxis(plain.images, 1, -1), np.moveaxis(before.images, 1, -1)
    assert np.array_equal(one[mask], two[mask])
    assert (one[~mask] != two[~mask]).any(-1).mean() > 0.99
    scene = before.fields["scene"].values
    assert len(np.unique(scene)) > 2
    same = np.flatnonzero(scene == scene[0])[:2]
    behind = ~mask[same].any(0)
    assert np.array_equal(*(two[i][behind] for i in same))


@pytest.mark.parametrize(("arrays", "said"), [
    ({"keypoints_xy": None}, "no key points"), ({"keypoint_names": None}, "order of its 15 key points is not known"),
    ({"keypoint_names": np.array(["a", "b"])}, "2 names for 15"),
    ({"keypoint_names": np.array([f"point{i}" for i in range(15)])}, "no key point has a known name"),
    ({"keypoint_names": np.array(["Head"] * 15)}, "one name"),
    ({"keypoints_xy": np.zeros((24, 15, 5), np.float32)}, "expected"), ({"masks": None}, "masks")])
def test_files_that_do_not_fit_are_explained(tmp_path, arrays, said):
    with pytest.raises(DataError, match=said):
        Persons(path=str(people(tmp_path, **arrays)), scenes=2).open()


# -- drawing ----------------------------------------------------------------------------------------------------------


def one_joint(row: float, column: float, seen: float = 1.0) -> list[float]:
    return [row, column, seen]


def test_a_disc_is_where_the_joint_is_and_nowhere_if_it_is_not_seen():
    joints = torch.tensor([[one_joint(-0.5, 0.5), one_joint(-0.5, 0.5, 0)]])
    seen, unseen = discs(joints, (64, 32), 4.0)[0]
    rows, columns = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(32) + 0.5, indexing="ij")
    distance = ((rows - 16) ** 2 + (columns - 24) ** 2).sqrt()
    assert (seen[distance < 3.4] == 1).all()
    assert (seen[distance > 4.6] == 0).all()
    assert not unseen.any()


def test_limbs_join_their_ends_if_both_are_seen():
    shoulder, elbow = COCO.joints.index("left_shoulder"), COCO.joints.index("left_elbow")
    joints = torch.zeros(2, 18, 3)
    joints[:, shoulder], joints[:, elbow] = torch.tensor(one_joint(0, -0.75)), torch.tensor(one_joint(0, 0.75))
    joints[1, elbow, 2] = 0
    joined, alone = limb_mask(joints, COCO.limbs, (64, 32), 3.0, 1)
    assert joined[0, 32, 16] == 1
    assert alone[0, 32, 16] == 0
    assert joined[0, 32, 4] == alone[0, 32, 4] == 1
    assert joined[0, 32 + 5].max() == 0            # a strip, not a band


def test_a_closing_fills_gaps_and_adds_nothing_outside():
    joints = torch.zeros(1, 18, 3)
    joints[0, 0], joints[0, 14] = torch.tensor(one_joint(0, -0.25)), torch.tensor(one_joint(0, 0.25))
    open_, closed = (limb_mask(joints, [(1, 2)], (64, 64), 6.0, side)[0, 0] for side in (1, 7))
    assert open_[32, 32] == 0
    assert closed[32, 32] > 0.9
    assert closed[:20].max() == closed[44:].max() == 0


def test_boxes_of_parts_by_hand():
    joints = torch.zeros(1, 18, 3)
    for name, place in (("left_shoulder", (-0.5, 0.0)), ("left_elbow", (0.0, 0.5)), ("right_ankle", (0.75, -0.5))):
        joints[0, COCO.joints.index(name)] = torch.tensor(one_joint(*place))
    boxes, visible = part_boxes(joints, list(COCO.parts.values()), (64, 32), 3.0, 5.0)
    of = dict(zip(COCO.parts, boxes[0].tolist(), strict=True))
    assert dict(zip(COCO.parts, visible[0].tolist(), strict=True)) == {
        "head": 1, "body": 1, "legs": 1, "left_arm": 1, "right_arm": 0, "left_leg": 0, "right_leg": 1}
    assert of["left_arm"] == of["body"] == [16 - 3, 16 - 3, 24 + 3, 32 + 3]           # left, top, right, bottom
    assert of["head"] == [16 - 5, 16 - 5, 16 + 5, 16 + 5]              # one joint alone
    assert of["right_leg"] == [8 - 5, 56 - 5, 8 + 5, 56 + 5]
    assert of["right_arm"] == [0, 0, 32, 64]       # nothing seen: the whole image


def test_boxes_stay_in_the_image():
    joints = some_joints(15) * torch.tensor([1.2, 1.2, 1])
    boxes, _ = part_boxes(joints, list(RIG.parts.values()), (64, 32), 6.0, 10.0)
    left, top, right, bottom = boxes.unbind(-1)
    assert ((left >= 0) & (top >= 0) & (right <= 32) & (bottom <= 64)).all()
    assert ((right - left >= 1) & (bottom - top >= 1)).all()


def test_parts_and_limbs_are_those_of_the_side():
    assert COCO.parts["left_arm"] == [5, 6, 7]
    assert COCO.parts["right_arm"] == [2, 3, 4]
    assert COCO.parts["head"] == [0, 1, 2, 5, 14, 15, 16, 17]
    assert COCO.parts["legs"] == [8, 9, 10, 11, 12, 13]
    for a, b in COCO.limbs + RIG.limbs:
        sides = {COCO.joints[i].partition("_")[0] for i in (a, b)} & {"left", "right"}
        assert len(sides) < 2 or {a, b} == {8, 11}, "only the hips are joined across"


def test_layers_are_a_record_and_grow_with_the_image():
    joints = some_joints(18)
    small, large = (KeypointMaps(gives="layers").build(context(*size), joints)(joints).parts
                    for size in ((64, 32), (128, 64)))
    assert list(small) == ["maps", "mask", "boxes", "visible"]
    assert torch.allclose(2 * small["boxes"], large["boxes"])
    assert large["mask"].mean().item() == pytest.approx(small["mask"].mean().item(), abs=0.03)


def test_what_it_cannot_draw_is_explained():
    with pytest.raises(UnbraidError, match="knows no limbs of 7 joints"):
        KeypointMaps(gives="mask").build(context(), torch.empty(2, 7, 3))
    assert KeypointMaps().build(context(), torch.empty(2, 7, 3))(torch.zeros(1, 7, 3)).shape == (1, 7, 64, 32)
    with pytest.raises(UnbraidError, match=r"x\.joints"):
        KeypointMaps().build(context(), torch.empty(2, 3, 64, 32))


def test_unseen_joints_do_not_count_in_the_loss():
    joints, guess = some_joints(6), some_joints(6, seed=1)
    joints[:, 2:] = 0
    guess[..., 2] = joints[..., 2]
    moved = guess.clone()
    moved[:, 2:, :2] += 5
    assert joint_mse(guess, joints) == joint_mse(moved, joints) > 0
    by_hand = (guess - joints)[:, :2, :2].square().sum() / (4 * 6 * 3)
    assert joint_mse(guess, joints).item() == pytest.approx(by_hand.item(), rel=1e-5)
