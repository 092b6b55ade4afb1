"""Aligned cartoon figures that our own code draws: no download, every attribute known."""

from __future__ import annotations

import functools
from typing import Any

import attrs
import numpy as np

from unbraid import Field, Images, source
from unbraid_plugins.shared.sources.procedural import Drawn, check_count, grid_images
from unbraid_plugins.shared.sources.sprite_figure import FACINGS, HAIR_STYLES, PAINTS, POSES, paint_figure

Colour = tuple[int, int, int]

SKINS: dict[str, Colour] = {"light": (250, 214, 182), "tan": (226, 172, 122), "brown": (158, 104, 66),
                            "dark": (98, 64, 46), "green": (150, 200, 120)}
HAIR_COLOURS: dict[str, Colour] = {"black": (54, 48, 60), "brown": (124, 76, 44), "blond": (240, 200, 92),
                                   "red": (206, 84, 44), "blue": (70, 128, 214), "pink": (238, 130, 176)}
# shirt: cloth, stripes, lower sleeve (None: bare arms)
SHIRTS: dict[str, tuple[Colour, Colour, Colour | None]] = {
    "red": ((214, 62, 62), (214, 62, 62), (214, 62, 62)),
    "blue": ((62, 110, 208), (62, 110, 208), None),
    "green": ((72, 166, 92), (72, 166, 92), (72, 166, 92)),
    "yellow": ((246, 200, 66), (246, 200, 66), None),
    "striped": ((246, 246, 248), (58, 74, 130), (246, 246, 248)),
    "purple": ((136, 86, 186), (206, 174, 236), None)}
# trousers: cloth, shin (None: bare legs)
TROUSERS: dict[str, tuple[Colour, Colour | None]] = {
    "jeans": ((66, 92, 148), (66, 92, 148)), "black": ((64, 62, 72), (64, 62, 72)),
    "brown": ((140, 100, 62), (140, 100, 62)), "olive": ((128, 134, 74), None), "crimson": ((170, 44, 76), None)}
FIXED: dict[str, Colour] = {"paper": (240, 243, 247), "ground": (212, 217, 226), "ink": (46, 38, 52),
                            "white": (255, 255, 255), "shoe": (98, 74, 70)}

FACTORS: dict[str, tuple[str, ...]] = {
    "skin": tuple(SKINS), "hair_style": HAIR_STYLES, "hair_colour": tuple(HAIR_COLOURS), "shirt": tuple(SHIRTS),
    "trousers": tuple(TROUSERS), "pose": POSES, "facing": FACINGS}


@source
@attrs.frozen(kw_only=True)
class Sprites:
    """Cartoon figures with seven attributes, drawn here: skin, hair_style, hair_colour, shirt, trousers, pose, facing.

    The full product has 108,000 figures; `count` of them are chosen, always the same ones (null: all).
    Images are RGB, (3, size, size).  In the manner of the Sprites of Reed et al. 2015.

    only: attributes that do not vary, with their values: {facing: front}; they are then no fields.
    """

    size: int = attrs.field(default=64, validator=[attrs.validators.ge(8), attrs.validators.le(512)])
    count: int | None = attrs.field(default=8000, validator=check_count)
    only: dict[str, str] = attrs.field(factory=dict)

    @only.validator
    def _check_only(self, attribute: attrs.Attribute[Any], only: dict[str, str]) -> None:
        for name, value in only.items():
            if name not in FACTORS or value not in FACTORS[name]:
                what, names = (f"{name!r}", FACTORS) if name not in FACTORS else (f"{name} {value!r}", FACTORS[name])
                raise ValueError(f"sprites have no {what}; they have {', '.join(names)}")

    def open(self) -> Images:
        """Return the figures and their attributes."""
        sizes = {name: len(values) for name, values in FACTORS.items() if name not in self.only}
        fixed = {name: FACTORS[name].index(value) for name, value in self.only.items()}
        return grid_images(sizes, Drawn(3, self.size, functools.partial(_draw, self.size, fixed)), self.count,
                           lambda name, index: Field(index, len(FACTORS[name]), FACTORS[name]))


def _draw(size: int, fixed: dict[str, int], factors: dict[str, np.ndarray]) -> np.ndarray:
    n = len(next(iter(factors.values())))
    return draw_sprites(size, {**factors, **{name: np.full(n, value) for name, value in fixed.items()}})


def draw_sprites(size: int, factors: dict[str, np.ndarray]) -> np.ndarray:
    """Draw figures with these attributes, (n,) numbers each -> uint8 (n, 3, size, size)."""
    n = len(factors["skin"])
    palettes = _palettes(factors)                                    # (n, paints, 3)
    images = np.empty((n, 3, size * size), np.uint8)
    looks = np.ravel_multi_index([factors[f] for f in ("hair_style", "pose", "facing")],
                                 (len(HAIR_STYLES), len(POSES), len(FACINGS)))
    order = np.argsort(looks, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(looks[order])) + 1):
        hair, pose, facing = (names[factors[f][rows[0]]] for f, names in (
            ("hair_style", HAIR_STYLES), ("pose", POSES), ("facing", FACINGS)))
        paints = _painted(size, hair, pose, facing)
        images[rows] = np.swapaxes(palettes[rows], 1, 2) @ paints + 0.5
    return images.reshape(n, 3, size, size)


@functools.lru_cache(maxsize=240)
def _painted(size: int, hair: str, pose: str, facing: str) -> np.ndarray:
    return np.ascontiguousarray(paint_figure(size, hair, pose, facing).reshape(len(PAINTS), -1))


def _palettes(factors: dict[str, np.ndarray]) -> np.ndarray:
    """Return the colour of every paint in every figure, float32 (n, paints, 3)."""
    n = len(factors["skin"])
    palettes = np.empty((n, len(PAINTS), 3), np.float32)

    def pick(colours: list[Colour], factor: str) -> np.ndarray:
        return np.asarray(colours, np.float32)[factors[factor]]

    def bare(colours: list[Colour | None], factor: str) -> np.ndarray:
        missing = np.asarray([c is None for c in colours])[factors[factor]]
        return np.where(missing[:, None], skin, pick([c or (0, 0, 0) for c in colours], factor))

    skin, hair = pick(list(SKINS.values()), "skin"), pick(list(HAIR_COLOURS.values()), "hair_colour")
    shirt = pick([s[0] for s in SHIRTS.values()], "shirt")
    trousers = pick([t[0] for t in TROUSERS.values()], "trousers")
    colours = {
        "skin": skin, "skin shade": skin * 0.84, "cheek": skin * 0.72 + np.asarray((70, 22, 30)) * 0.95,
        "hair": hair, "hair shine": hair * 0.62 + 96, "shirt": shirt, "shirt shade": shirt * 0.8,
        "stripe": pick([s[1] for s in SHIRTS.values()], "shirt"),
        "sleeve": bare([s[2] for s in SHIRTS.values()], "shirt"),
        "trousers": trousers, "trousers shade": trousers * 0.8,
        "shin": bare([t[1] for t in TROUSERS.values()], "trousers"),
        **{name: np.asarray(colour) for name, colour in FIXED.items()}}
    for i, name in enumerate(PAINTS):
        palettes[:, i] = np.clip(colours[name], 0, 254.4)
    return palettes
