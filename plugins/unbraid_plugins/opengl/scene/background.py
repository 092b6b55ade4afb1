"""Backgrounds: images that stay, and far surroundings that move as the camera turns."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from unbraid import UnbraidError, static, value
from unbraid_plugins.opengl.numerics.ranges import expect_colours, expect_floats
from unbraid_plugins.opengl.scene.camera import Camera

WINDOW = math.radians(30.0)                        # the surroundings that a parallel camera sees, top to bottom


@value
class Panorama:
    """Surroundings that are far away: the camera sees the part in front of it, so they move when it turns.

    image: (B or 1, C, h, w) in [0, 1]; columns are azimuths and rows elevations, all in equal steps.
    span: the angle from its left to its right side in radians, at most 2 pi; with 2 pi it closes.

    The middle of the image is straight ahead of a camera at azimuth and elevation 0. Beyond its sides lies its mirror
    image.

    A surface that is painted on the background does not move with it, so a generator that is shown from several sides
    has to tell surface and background apart (Szabó, Meishvili & Favaro 2019, on ambiguities).
    """

    image: Tensor
    span: float = static(default=2 * math.pi)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.image, Tensor) and self.image.ndim != 4:
            raise UnbraidError(f"the panorama's image has the shape {tuple(self.image.shape)}",
                               hint="expected (B, C, h, w)")
        expect_floats("the panorama's image", self.image, "divide 0 to 255 by 255")
        if not 0 < self.span <= 2 * math.pi + 1e-6:
            raise UnbraidError(f"the panorama spans {self.span:g} radians", hint="expected more than 0, at most 2 pi")

    def seen(self, camera: Camera, size: tuple[int, int]) -> Tensor:
        """Return the part that the cameras see, (B, C, H, W); gradients reach the image and the camera.

        The look-up is bilinear: it is finest where a pixel of the view is about one of the panorama.
        """
        image = self.image
        azimuth, elevation = _directions(camera, size)
        _, channels, height, width = image.shape
        across, down = azimuth / self.span + 0.5, 0.5 - elevation / (self.span * height / width)
        if self.span > 2 * math.pi - 1e-6:                                  # column 0 is next to the last one
            image = torch.cat([image[..., -1:], image, image[..., :1]], 3)
            across = (across.remainder(1) * width + 1) / (width + 2)
        batch = len(image) if len(across) == 1 else len(across)
        place = torch.stack([2 * across - 1, 2 * down - 1], -1).expand(batch, *size, 2)
        return functional.grid_sample(image.expand(batch, channels, -1, -1), place, padding_mode="reflection",
                                      align_corners=False)


Background = Tensor | Panorama


def filled(background: Background | None, batch: int, channels: int, size: tuple[int, int], like: Tensor,
           camera: Camera | None = None) -> Tensor:
    """Return the background as images (B, C, H, W).

    background: black where None, a colour (B or 1, C), images (B or 1, C, H, W), or a panorama.
    camera: the camera that looks at the panorama.

    Raises UnbraidError for other shapes, for whole numbers and others from 0 to 255, and for a panorama without a
    camera.
    """
    if background is None:
        return like.new_zeros(batch, channels, *size)
    expect_colours("the background", background.image if isinstance(background, Panorama) else background)
    if isinstance(background, Panorama):
        if camera is None:
            raise UnbraidError("a panorama is seen by a camera, and there is none", hint="give the camera, too")
        background = Panorama(background.image.to(like), background.span).seen(camera, size)
    image = background[:, :, None, None] if background.ndim == 2 else background
    if image.ndim != 4 or image.shape[1] != channels or len(image) not in (1, batch) \
            or tuple(image.shape[2:]) not in ((1, 1), size):
        raise UnbraidError(f"the background has the shape {tuple(background.shape)}",
                           hint=f"expected colours ({batch}, {channels}), images {(batch, channels, *size)}, or a "
                           "Panorama of any size")
    return image.to(like.dtype).expand(batch, channels, *size)


def _directions(camera: Camera, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return azimuth and elevation (B or 1, H, W) of the rays through the pixels' centres.

    Both are 0 straight along -z, and grow to the right and upwards. A parallel camera sees one direction only; it gets
    the rays of a perspective one.
    """
    height, width = size
    rows = camera.projection[:, [0, 1, 3], :3]
    parallel = rows[:, 2].abs().sum(1) < 1e-12
    cotangent = 1 / math.tan(WINDOW / 2)
    window = rows.new_tensor([[cotangent * height / width, 0, 0], [0, cotangent, 0], [0, 0, -1]])
    rows = torch.where(parallel[:, None, None], window, rows)
    x = (2 * torch.arange(width).to(rows) + 1) / width - 1
    y = 1 - (2 * torch.arange(height).to(rows) + 1) / height
    clip = torch.stack([x.expand(height, width), y[:, None].expand(height, width), torch.ones_like(x).expand(
        height, width)], -1).reshape(1, -1, 3)
    rays = clip @ torch.linalg.inv(rows).mT @ camera.view[:, :3, :3]
    x, y, z = rays.reshape(-1, height, width, 3).unbind(-1)
    z = torch.where((x == 0) & (z == 0), torch.full_like(z, -1e-12), z)     # straight up, where all azimuths meet
    return torch.atan2(x, -z), torch.atan2(y, (x.square() + z.square()).sqrt())
