"""The source of persons with their joints."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
from attrs.validators import and_, ge, in_, le

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.keypoints.scenes import SCENES, before_scenes
from unbraid_plugins.shared.keypoints.skeletons import COCO_17, COCO_NAMES, RIG_NAMES, joint_name
from unbraid_plugins.shared.sources.npz import Npz
from unbraid_plugins.shared.sources.npz_file import NpzFile
from unbraid_plugins.shared.sources.sizes import check_size, existing, resized, sides

KEYS = ("keypoints_xy", "keypoints", "joints")
NAMES = "keypoint_names"
ASSUMED = {18: COCO_NAMES, 17: COCO_17}


@source
@attrs.frozen(kw_only=True)
class Persons:
    """Images of persons with key points, from an .npz file; never unpickled.

    The file has `images`, `keypoints_xy` (N, n, 2) in pixels, x and y, or (N, n, 3) with a confidence, and
    `keypoint_names` (n,) in the manner of COCO, OpenPose or an animation rig; 18 or 17 key points without names are
    COCO's. `masks` (N, H, W), factors and other arrays are as in `npz`.

    Field `joints`: (n, 3), row, column and visibility. A joint is not visible outside the image, with a confidence of
    at most `certain`, or where it is not known.

    joints: coco, 18 joints in OpenPose's order; or rig, the 15 of an animation rig.
    size: scale images and cut them to this.
    scenes: the number of different backgrounds to put behind the persons, by their masks, with a field `scene`; 0
        leaves the images as they are.
    """

    path: str
    joints: Literal["coco", "rig"] = attrs.field(default="coco", validator=in_(("coco", "rig")))
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)
    scenes: int = attrs.field(default=0, validator=and_(ge(0), le(SCENES)))
    certain: float = attrs.field(default=0.1, validator=ge(0))
    limit: float = attrs.field(default=4.0, validator=attrs.validators.gt(0))

    def open(self) -> Images:
        """Return the images, their joints and their other fields."""
        path = existing(self.path, folder=False)
        images = Npz(path=self.path, limit=self.limit).open()
        key = next((k for k in KEYS if k in images.fields and images.fields[k].classes is None), None)
        if key is None:
            raise DataError(f"{path}: it has no key points; there is {', '.join(images.fields) or 'no field'}",
                            hint=f"save them as {KEYS[0]} (N, n, 2), x and y in pixels")
        points = images.fields[key].values
        if points.ndim != 3 or points.shape[2] not in (2, 3):
            raise DataError(f"{path}: {key} has the shape {points.shape}; expected (N, n, 2) or (N, n, 3)")
        file = NpzFile(path, int(self.limit * 2 ** 30))
        names, notes = self._names(file, points.shape[1])
        fields = _named_numbers(file, {n: f for n, f in images.fields.items() if n != key})
        pixels, notes = images.read(np.arange(len(images))), [*images.notes, *notes]
        if self.scenes:
            if "masks" not in fields:
                raise DataError(f"{path}: scenes: a new background needs the persons' masks; there are none",
                                hint="save them as masks (N, H, W), or leave `scenes` out")
            pixels, scene = before_scenes(pixels, fields["masks"].values, self.scenes)
            fields["scene"] = Field(scene, self.scenes)
        placed = _placed(points, pixels.shape[2:], self.size, self.certain)
        if self.size is not None:
            pixels = resized(pixels, self.size)
            fields = {n: Field(resized(f.values, self.size)) if f.is_picture else f for n, f in fields.items()}
        ordered, more = _ordered(placed, names, COCO_NAMES if self.joints == "coco" else RIG_NAMES)
        return Images(pixels, {"joints": Field(ordered), **fields}, images.splits, notes + more, images.keys)

    def _names(self, file: NpzFile, count: int) -> tuple[list[str], list[str]]:
        """Return the names of the key points as we know them, and a note where they are assumed."""
        if NAMES in file:
            names = [joint_name(str(n)) for n in file.read(NAMES).reshape(-1)]
            if len(names) != count:
                raise DataError(f"{file.path}: {NAMES} has {len(names)} names for {count} key points")
            return names, []
        if count not in ASSUMED:
            raise DataError(f"{file.path}: the order of its {count} key points is not known",
                            hint=f"save their names as {NAMES}, such as {', '.join(COCO_NAMES[:4])}")
        return list(ASSUMED[count]), [f"key points without names: the order of COCO's {count} is assumed"]


def _named_numbers(file: NpzFile, fields: dict[str, Field]) -> dict[str, Field]:
    """Return the fields, and for one of several named numbers (`pose`, `pose_names`) a field for each number."""
    divided: dict[str, Field] = {}
    for name, field in fields.items():
        names = [str(n) for n in file.read(f"{name}_names").reshape(-1)] if f"{name}_names" in file else []
        if field.classes is None and field.values.ndim == 2 and len(names) == field.values.shape[1]:
            divided |= {n: Field(field.values[:, i]) for i, n in enumerate(names)}
        else:
            divided[name] = field
    return divided


def _placed(points: np.ndarray, image: tuple[int, int], size: int | tuple[int, int] | None, certain: float
            ) -> np.ndarray:
    """Return key points (N, n, 2 or 3) as joints (N, n, 3) of the images, after their scaling and cutting."""
    height, width = sides(size) if size is not None else image
    scale = max(height / image[0], width / image[1])
    inner = max(height, round(image[0] * scale)), max(width, round(image[1] * scale))
    across = points[..., 0] * (inner[1] / image[1]) - (inner[1] - width) // 2
    down = points[..., 1] * (inner[0] / image[0]) - (inner[0] - height) // 2
    joints = np.stack([2 * down / height - 1, 2 * across / width - 1], -1)
    visible = np.isfinite(joints).all(-1) & (np.abs(joints) <= 1).all(-1)
    if points.shape[2] == 3:
        visible &= points[..., 2] > certain
    seen = np.expand_dims(visible, -1)
    return np.concatenate([np.where(seen, joints, 0), seen], -1).astype(np.float32)


def _ordered(joints: np.ndarray, names: list[str], wanted: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """Return joints in the wanted order, and notes about those that the file lacks or that are not used.

    The nose stands for the head and the reverse; between the shoulders is the neck, between the hips the hips.
    """
    found = {name: joints[:, i] for i, name in enumerate(names)}
    if len(found) < len(names):
        raise DataError(f"two key points have one name: {', '.join(sorted(n for n in found if names.count(n) > 1))}")
    for one, other in (("nose", "head"), ("head", "nose")):
        if one not in found and other in found:
            found[one] = found[other]
    for middle, end in (("neck", "shoulder"), ("hips", "hip")):
        ends = [found[f"{side}_{end}"] for side in ("right", "left") if f"{side}_{end}" in found]
        if middle not in found and len(ends) == 2:
            both = ends[0][:, 2:] * ends[1][:, 2:]
            found[middle] = np.concatenate([0.5 * (ends[0] + ends[1])[:, :2] * both, both], -1)
    unknown = np.zeros_like(joints[:, 0])
    lacking = [n for n in wanted if n not in found]
    if len(lacking) == len(wanted):
        raise DataError(f"no key point has a known name; they are called {', '.join(names)}",
                        hint=f"names are such as {', '.join(wanted[:4])}")
    used = {*wanted, *(["head"] if "nose" in wanted else ["nose"])}
    left_out = [n for n in names if n not in used]
    notes = [f"joints that the file does not have, which are never visible: {', '.join(lacking)}"] if lacking else []
    notes += [f"key points that are not used: {', '.join(left_out)}"] if left_out else []
    return np.stack([unknown if n in lacking else found[n] for n in wanted], 1).astype(np.float32), notes
