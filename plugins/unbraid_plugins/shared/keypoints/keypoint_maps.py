"""The renderer of joints: a map for every joint, the mask of the limbs, and the boxes of the parts."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import gt, in_
from torch import Tensor, nn

from unbraid import Context, Record, UnbraidError, renderer
from unbraid_plugins.shared.keypoints.drawing import discs, limb_mask, part_boxes
from unbraid_plugins.shared.keypoints.skeletons import BY_COUNT, Skeleton

HEIGHT = 128                                       # of the images in whose pixels the options are given


@renderer
@attrs.frozen(kw_only=True)
class KeypointMaps:
    """Maps of joints, and the mask and part boxes that Ma et al. 2018 make of them, with gradients to the joints.

    Joints (B, n, 3), which are row, column and visibility -> maps (B, n, H, W) in [0, 1].

    gives: maps, a disc for each joint; mask (B, 1, H, W), the joints and limbs of a person; or layers, a record of
        maps, mask, boxes (B, 7, 4) of the parts in pixels (left, top, right, bottom), and visible (B, 7).
    radius: of the discs.
    limb: half the width of the mask's limbs.
    margin, alone: around the joints of a part, and around one that is visible alone.

    Lengths are pixels of an image that is 128 pixels high, and grow with the image. Mask and boxes need one of the
    known skeletons, which have 18 joints (COCO) or 15 (an animation rig).
    """

    gives: Literal["maps", "mask", "layers"] = attrs.field(default="maps", validator=in_(("maps", "mask", "layers")))
    radius: float = attrs.field(default=4.0, validator=gt(0))
    limb: float = attrs.field(default=7.0, validator=gt(0))
    margin: float = attrs.field(default=6.0, validator=gt(0))
    alone: float = attrs.field(default=10.0, validator=gt(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Return a module without weights, for images of the context's size.  Raises UnbraidError."""
        if len(inputs) != 1 or inputs[0].ndim != 3 or inputs[0].shape[2] != 3:
            raise UnbraidError(f"{context.name} draws joints (B, n, 3): row, column, visibility",
                               hint=f"call it with the joints of a source of persons: {context.name}(x.joints)")
        count = inputs[0].shape[1]
        if self.gives != "maps" and count not in BY_COUNT:
            raise UnbraidError(f"{context.name} knows no limbs of {count} joints",
                               hint=f"it knows those of {' and '.join(map(str, BY_COUNT))}; gives: maps needs none")
        return JointDrawing(self, context.image[1:], BY_COUNT.get(count))


class JointDrawing(nn.Module):
    """A module that draws joints by the component's options."""

    def __init__(self, options: KeypointMaps, size: tuple[int, int], skeleton: Skeleton | None) -> None:
        super().__init__()
        self.options, self.size, self.skeleton = options, size, skeleton
        self.unit = size[0] / HEIGHT

    def forward(self, joints: Tensor) -> Tensor | Record:
        """(B, n, 3) -> maps (B, n, H, W), the mask (B, 1, H, W), or a record of both with boxes and visibility."""
        o, unit = self.options, self.unit
        if o.gives == "maps" or self.skeleton is None:
            return discs(joints, self.size, o.radius * unit)
        mask = limb_mask(joints, self.skeleton.limbs, self.size, o.limb * unit, 2 * round(2 * unit) + 1)
        if o.gives == "mask":
            return mask
        parts = list(self.skeleton.parts.values())
        boxes, visible = part_boxes(joints, parts, self.size, o.margin * unit, o.alone * unit)
        maps = discs(joints, self.size, o.radius * unit)
        return Record({"maps": maps, "mask": mask, "boxes": boxes, "visible": visible})
