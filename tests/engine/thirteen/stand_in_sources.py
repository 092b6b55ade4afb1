"""A source for every recipe: random images, and random labels of every factor that a recipe needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from unbraid import Field, Images, source

COUNT, SIDE = 64, 16


def labels(random: np.random.Generator, classes: int) -> Field:
    return Field(random.permutation(np.arange(COUNT) % classes), classes=classes)


def numbers(random: np.random.Generator, *shape: int) -> Field:
    return Field(random.random((COUNT, *shape), np.float32))


def sprites(random: np.random.Generator) -> dict[str, Field]:
    return {"identity": labels(random, 8)}


def cars(random: np.random.Generator) -> dict[str, Field]:
    return {"car": labels(random, 8)}


def digits(random: np.random.Generator) -> dict[str, Field]:
    return {"digit": labels(random, 10)}


def faces(random: np.random.Generator) -> dict[str, Field]:
    return {"mask": Field(random.integers(0, 2, (COUNT, 1, SIDE, SIDE), np.uint8) * 255),
            "normals": numbers(random, 3, SIDE, SIDE), "light": numbers(random, 27)}


def clips(random: np.random.Generator) -> dict[str, Field]:
    return {"clip": Field(np.arange(COUNT) // 8, classes=COUNT // 8), "frame": Field(np.arange(COUNT) % 8, classes=8)}


def heads(random: np.random.Generator) -> dict[str, Field]:
    return {"identity": labels(random, 8), "pose": labels(random, 7), "angles": numbers(random, 7),
            "points": numbers(random, 136)}


def people(random: np.random.Generator) -> dict[str, Field]:
    joints = numbers(random, 18, 3)
    return {"joints": joints, "flat_joints": Field(joints.values.reshape(COUNT, 54))}


def encoded(random: np.random.Generator) -> dict[str, Field]:
    return {"fg": numbers(random, 224), "bg": numbers(random, 128), "pose": numbers(random, 32)}


def nothing(random: np.random.Generator) -> dict[str, Field]:
    return {}


def stand_in(name: str, fields: Callable[[np.random.Generator], dict[str, Field]], channels: int = 3,
             **options: Any) -> type:
    """A source of this name."""

    class RandomImages:
        def open(self) -> Images:
            random = np.random.default_rng(0)
            shape = COUNT, self.channels, SIDE, SIDE
            return Images(random.integers(0, 256, shape, np.uint8), fields(random))

    own = {"channels": attrs.field(default=channels, type=int),
           **{option: attrs.field(default=default, type=str) for option, default in options.items()}}
    return source(name=name)(attrs.make_class("RandomImages", own, bases=(RandomImages,), frozen=True, kw_only=True))


SOURCES = {"sources": [
    stand_in("sprites", sprites), stand_in("cars", cars), stand_in("folder", nothing), stand_in("svhn", digits),
    stand_in("mnist", digits, 1), stand_in("intrinsic_faces", faces), stand_in("dsprites", nothing, 1),
    stand_in("moving_glyphs", clips), stand_in("heads", heads), stand_in("people", people),
    stand_in("encoded", encoded, run="", function=""),
]}
