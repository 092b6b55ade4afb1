"""Skeletons: the names and order of joints, the limbs between them, and the seven parts of a body."""

from __future__ import annotations

import re

import attrs

SIDES = ("right", "left")
COCO_NAMES = ("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
              "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
              "right_eye", "left_eye", "right_ear", "left_ear")
RIG_NAMES = ("head", *COCO_NAMES[1:14], "hips")
COCO_17 = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
           "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
           "left_ankle", "right_ankle")

LIMBS = (("neck", "nose"), ("neck", "head"), ("right_hip", "left_hip"), ("neck", "hips"), *(
    (first.format(side), second.format(side)) for side in SIDES for first, second in (
        ("neck", "{}_shoulder"), ("{}_shoulder", "{}_elbow"), ("{}_elbow", "{}_wrist"), ("neck", "{}_hip"),
        ("{}_shoulder", "{}_hip"), ("{}_hip", "{}_knee"), ("{}_knee", "{}_ankle"), ("nose", "{}_eye"),
        ("{}_eye", "{}_ear"))))
ARM, LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")


def _both(*joints: str) -> tuple[str, ...]:
    return tuple(f"{side}_{joint}" for side in SIDES for joint in joints)


PARTS = {"head": ("nose", "head", "neck", *_both("shoulder", "eye", "ear")),
         "body": ("hips", *_both(*ARM, "hip")),
         "legs": ("hips", *_both(*LEG)),
         **{f"{side}_arm": tuple(f"{side}_{joint}" for joint in ARM) for side in ("left", "right")},
         **{f"{side}_leg": tuple(f"{side}_{joint}" for joint in LEG) for side in ("left", "right")}}


@attrs.frozen
class Skeleton:
    """A set of joints in a known order.  Its limbs and parts are numbers of joints."""

    joints: tuple[str, ...]

    @property
    def limbs(self) -> list[tuple[int, int]]:
        """The pairs of joints that a limb connects."""
        return [(self.joints.index(a), self.joints.index(b)) for a, b in LIMBS if a in self.joints and b in self.joints]

    @property
    def parts(self) -> dict[str, list[int]]:
        """The joints of each of the seven parts that Ma et al. crop: head, body, legs, and each arm and leg."""
        return {part: [i for i, joint in enumerate(self.joints) if joint in names] for part, names in PARTS.items()}


COCO = Skeleton(COCO_NAMES)                        # the 18 joints of OpenPose's COCO model
RIG = Skeleton(RIG_NAMES)                          # the 15 joints of an animation rig
BY_COUNT = {len(s.joints): s for s in (COCO, RIG)}
OF_RIGS = {"arm": "shoulder", "forearm": "elbow", "hand": "wrist", "upleg": "hip", "leg": "knee", "foot": "ankle"}


def joint_name(foreign: str) -> str:
    """Return our name of a joint that a file names in another way; a name that we don't know stays as it is.

    >>> [joint_name(n) for n in ("RightForeArm", "LShoulder", "left_eye", "Hips", "tail")]
    ['right_elbow', 'left_shoulder', 'left_eye', 'hips', 'tail']
    """
    plain = re.sub(r"[^a-z]", "", foreign.lower())
    if plain in ("head", "hips", "nose", "neck"):
        return plain
    for side in SIDES:
        for beginning in (side, side[0]):
            rest = plain.removeprefix(beginning)
            name = f"{side}_{OF_RIGS.get(rest, rest)}"
            if rest != plain and name in COCO_NAMES:
                return name
    return foreign
