"""Backgrounds that our code draws, to be put behind persons by their masks."""

from __future__ import annotations

import colorsys

import numpy as np

SCENES = 48                                        # more would hardly differ
HORIZON = 0.72                                     # the height of the wall, as a share of the image's


def before_scenes(images: np.ndarray, masks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Put persons in front of drawn scenes; which one depends on the image's number alone.

    images: uint8 (N, 3, H, W); masks: uint8 (N, 1, H, W).  Returns uint8 (N, 3, H, W), and the scenes' numbers (N,).
    """
    scene = np.random.Generator(np.random.Philox(key=20180606)).integers(0, count, len(images))
    drawn = np.stack([draw_scene(number, count, images.shape[2:]) for number in range(count)])
    return np.where(masks >= 128, images, drawn[scene]), scene


def draw_scene(number: int, count: int, size: tuple[int, int]) -> np.ndarray:
    """Draw a wall, plain or with stripes across or down, and a floor, in its own colours -> uint8 (3, H, W)."""
    height, width = size
    hue, kind = number / count, number % 3
    wall, stripe, floor = (np.asarray(colorsys.hsv_to_rgb(h % 1, s, v)) for h, s, v in (
        (hue, 0.45, 0.85), (hue + 0.08, 0.55, 0.65), (hue + 0.45, 0.35, 0.5)))
    down, across = (np.arange(n) + 0.5 for n in size)
    place = {0: np.zeros((height, width)), 1: np.broadcast_to(16 * down[:, None] / height, (height, width)),
             2: np.broadcast_to(8 * across / width, (height, width))}[kind]
    striped = (place % 2 >= 1)[..., None]
    low = (down > HORIZON * height)[:, None, None]
    light = np.where(low, 1, 1 - 0.25 * (down / height)[:, None, None])
    picture = np.where(low, floor, np.where(striped, stripe, wall)) * light
    return np.ascontiguousarray(np.moveaxis(255 * picture + 0.5, -1, 0).astype(np.uint8))
