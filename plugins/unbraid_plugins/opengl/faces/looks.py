"""The look of heads: colours of their vertices, lights and backgrounds."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.faces.model import MorphableModel
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight

SKINS = ((0.96, 0.80, 0.69), (0.88, 0.67, 0.51), (0.72, 0.49, 0.34), (0.48, 0.31, 0.21), (0.93, 0.72, 0.60))
HAIRS = ((0.10, 0.08, 0.07), (0.33, 0.20, 0.11), (0.72, 0.55, 0.30), (0.46, 0.17, 0.08), (0.55, 0.54, 0.53))
IRISES = ((0.27, 0.17, 0.10), (0.25, 0.42, 0.62), (0.29, 0.45, 0.27), (0.40, 0.42, 0.44))
SCLERA = (0.93, 0.92, 0.90)
AMBIENT, LAMP = 0.25, 0.75                         # of directional lights
BRIGHTNESS = 0.75                                  # mean shading of a head by a light of harmonics


def dice(seed: int, what: str, number: int) -> np.random.Generator:
    """Return the random numbers of one thing, the same whatever else is drawn."""
    return np.random.Generator(np.random.Philox(key=[seed, sum(256**i * ord(c) for i, c in enumerate(what)) + number]))


def colours(model: MorphableModel, seed: int, identity: int) -> Tensor:
    """Return the colours of an identity's vertices, (V, 3) in [0, 1]: skin with patches, hair, the whites, the irises.

    The names of the parts decide; a part of another name is skin.
    """
    random = dice(seed, "look", identity)
    skin, hair, iris = (np.asarray(random.choice(some)) for some in (SKINS, HAIRS, IRISES))
    skin = np.clip(skin * random.uniform(0.92, 1.08, 3), 0, 1)
    mean = model.mean.numpy()
    waves, phase = random.normal(0, 7, (3, 6)), random.uniform(0, 2 * math.pi, 6)      # patches of a fifth of a head
    patches = 1 + random.uniform(0.03, 0.07) * np.sin(mean @ waves + phase).sum(1, keepdims=True) / math.sqrt(3)
    found = np.clip(skin * patches, 0, 1)
    for name, colour in (("sclera", np.asarray(SCLERA)), ("iris", iris)):
        if name in model.parts:
            found[model.part.numpy() == model.parts.index(name)] = colour
    scalp = [model.parts.index(name) for name in ("face", "head_neck") if name in model.parts]
    height, front = mean[:, 1] / mean[:, 1].max(), mean[:, 2] / mean[:, 2].max()
    hairline = np.where(front > 0, 0.45 + 0.31 * front, 0.45 + 0.6 * front)            # falls towards the neck
    found[np.isin(model.part.numpy(), scalp) & (height > hairline)] = hair
    return torch.from_numpy(found.astype(np.float32))


def coefficients(model: MorphableModel, seed: int, identity: int) -> Tensor:
    """Return an identity's coefficients (I,), standard normal, within 2.5."""
    drawn = dice(seed, "shape", identity).normal(size=model.modes[0]).clip(-2.5, 2.5)
    return torch.from_numpy(drawn.astype(np.float32))


def lamp(direction: tuple[float, ...]) -> DirectionalLight:
    """Return a white lamp in a direction, with ambient light."""
    d, colour, ambient = (torch.tensor([v], dtype=torch.float32) for v in (direction, (LAMP,), (AMBIENT,)))
    return DirectionalLight(d, colour, ambient)


def surroundings(seed: int, number: int) -> HarmonicLight:
    """Return light of two coloured lamps in front and an even rest, as harmonics (1, 3, 9).

    Its mean shading over the front of a ball is BRIGHTNESS.
    """
    random = dice(seed, "light", number)
    even = torch.full((1, 3), float(random.uniform(0.1, 0.35)), dtype=torch.float32)
    total = HarmonicLight.even(even).harmonics
    for strength in (1.0, random.uniform(0.1, 0.6)):
        angle, height = random.uniform(-1.4, 1.4), random.uniform(-0.5, 1.0)
        direction = torch.tensor([[math.sin(angle) * math.cos(height), math.sin(height),
                                   math.cos(angle) * math.cos(height)]], dtype=torch.float32)
        colour = torch.from_numpy((strength * random.uniform(0.8, 1.2, (1, 3))).astype(np.float32))
        total = total + DirectionalLight(direction, colour, torch.zeros_like(colour)).as_harmonics().harmonics
    normals = functional.normalize(torch.from_numpy(np.random.Generator(np.random.Philox(key=7)).normal(
        size=(512, 3)).astype(np.float32)))
    normals = torch.cat([normals[:, :2], normals[:, 2:].abs()], 1)
    bright = HarmonicLight(total).shading(normals, torch.zeros(512, dtype=torch.long)).mean()
    return HarmonicLight(total * (BRIGHTNESS / bright))


def backdrop(seed: int, number: int, size: int) -> Tensor:
    """Return a background of soft colours, (3, size, size) in [0, 1]."""
    few = torch.from_numpy(dice(seed, "back", number).uniform(0.05, 0.95, (1, 3, 4, 4)).astype(np.float32))
    return functional.interpolate(few, (size, size), mode="bilinear", align_corners=True)[0]
