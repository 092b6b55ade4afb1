"""A cartoon figure as layers of paint: the amount of every paint in every pixel."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.sources.signed_distances import Array, box, coverage, ellipse, grid, limb, triangle

PAINTS = ("paper", "ground", "ink", "skin", "skin shade", "cheek", "white", "hair", "hair shine", "shirt",
          "shirt shade", "stripe", "sleeve", "trousers", "trousers shade", "shin", "shoe")
HAIR_STYLES = ("short", "long", "spiky", "bun", "mohawk", "curly")
POSES = ("stand", "walk", "wave", "cheer", "star")
FACINGS = ("front", "right", "back", "left")

SCALE = 0.9                                        # of the figure in the picture

Point = tuple[float, float]


@attrs.frozen
class Posture:
    """Hands and feet, left in the picture first (in profile: the far one first), and the height of a hop."""

    hands: tuple[Point, Point]
    feet: tuple[Point, Point]
    hop: float = 0.0


_FRONT = {
    "stand": Posture(((-0.36, -0.30), (0.36, -0.30)), ((-0.14, -0.80), (0.14, -0.80))),
    "walk": Posture(((-0.40, -0.16), (0.30, -0.34)), ((-0.15, -0.66), (0.15, -0.82))),
    "wave": Posture(((-0.36, -0.30), (0.56, 0.30)), ((-0.14, -0.80), (0.14, -0.80))),
    "cheer": Posture(((-0.54, 0.34), (0.54, 0.34)), ((-0.16, -0.80), (0.16, -0.80)), 0.04),
    "star": Posture(((-0.62, -0.06), (0.62, -0.06)), ((-0.40, -0.74), (0.40, -0.74)), 0.05),
}
_PROFILE = {
    "stand": Posture(((0.08, -0.30), (-0.04, -0.32)), ((0.05, -0.80), (-0.03, -0.82))),
    "walk": Posture(((0.30, -0.18), (-0.30, -0.22)), ((-0.32, -0.74), (0.30, -0.80))),
    "wave": Posture(((0.08, -0.30), (0.56, 0.00)), ((0.05, -0.80), (-0.03, -0.82))),
    "cheer": Posture(((0.60, 0.26), (-0.60, 0.22)), ((0.08, -0.80), (-0.06, -0.82)), 0.05),
    "star": Posture(((0.50, -0.06), (-0.46, -0.08)), ((-0.42, -0.70), (0.42, -0.74)), 0.05),
}


class Canvas:
    """Layers of paint.  amounts: (paints, size, size), adding up to 1 in every pixel."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.line = 0.028 + 0.4 / size                               # half the width of the ink line, always visible
        x, y = grid(size)
        self.x, self.y = x / SCALE, y / SCALE + 0.055
        self.amounts = np.zeros((len(PAINTS), size, size), np.float32)
        self.amounts[0] = 1

    def fill(self, paint: str, distance: Array, strength: float = 1.0) -> None:
        """Lay a paint over the inside of a shape."""
        cover = coverage(distance * SCALE, self.size) * strength
        self.amounts *= 1 - cover
        self.amounts[PAINTS.index(paint)] += cover

    def draw(self, paint: str, distance: Array) -> None:
        """Lay a paint over the inside of a shape, with an ink line around it."""
        self.fill("ink", distance - self.line)
        self.fill(paint, distance)


def paint_figure(size: int, hair: str, pose: str, facing: str) -> Array:
    """Return the amounts of all paints in a figure, float32 (paints, size, size)."""
    if facing == "left":
        return paint_figure(size, hair, pose, "right")[:, :, ::-1]
    profile = facing == "right"
    posture = (_PROFILE if profile else _FRONT)[pose]
    canvas = Canvas(size)
    canvas.fill("ground", ellipse(canvas.x, canvas.y + 0.87, 0.46 - posture.hop, 0.085), 0.8)
    canvas.y = canvas.y - posture.hop
    if facing != "back":
        _hair_behind(canvas, hair, profile)
    _body(canvas, posture, profile, facing == "back")
    _head(canvas, facing)
    _hair_before(canvas, hair, facing)
    _near_arms(canvas, posture, profile)
    return canvas.amounts


def _body(c: Canvas, posture: Posture, profile: bool, back: bool) -> None:
    hip, half = (0.03, 0.15) if profile else (0.115, 0.215)
    if profile:
        _arm(c, posture.hands[0], (0.02, 0.0))
    for side, foot in zip((-1, 1), posture.feet, strict=True):
        start = (side * hip, -0.42)
        toe = (foot[0] + (0.06 if profile else 0.015 * np.sign(foot[0])), foot[1] - 0.015)
        c.draw("shoe", ellipse(c.x - toe[0], c.y - toe[1], 0.135 if profile else 0.115, 0.075))
        leg = limb(c.x, c.y, start, (foot[0], foot[1] + 0.07), 0.09)
        c.draw("trousers", leg)
        knee = ((start[0] + foot[0]) / 2, (start[1] + foot[1]) / 2)
        c.fill("shin", np.maximum(leg, _beyond(c, start, (foot[0], foot[1]), knee)))
        c.fill("trousers shade", np.maximum(leg, np.maximum(limb(c.x, c.y, start, knee, 0.09),
                                                            c.x - (start[0] + foot[0]) / 2)), 0.5)
    torso = box(c.x, c.y + 0.2, half, 0.28, 0.13)
    c.draw("shirt", torso)
    for height in (-0.06, -0.21, -0.36):
        c.fill("stripe", np.maximum(torso, np.abs(c.y - height) - 0.038))
    c.fill("shirt shade", np.maximum(torso, 0.07 - c.x if not profile else c.x + 0.03), 0.55)
    c.fill("trousers", np.maximum(torso, c.y + 0.405))
    if not back and not profile:
        c.fill("skin shade", np.maximum(torso, ellipse(c.x, c.y - 0.09, 0.1, 0.08)))


def _beyond(c: Canvas, a: Point, b: Point, at: Point) -> Array:
    """Return the distance of the half plane behind a point on the way from a to b."""
    length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
    return -((c.x - at[0]) * (b[0] - a[0]) + (c.y - at[1]) * (b[1] - a[1])) / length


def _arm(c: Canvas, hand: Point, shoulder: Point) -> None:
    c.draw("skin", ellipse(c.x - hand[0], c.y - hand[1], 0.085, 0.085))
    arm = limb(c.x, c.y, shoulder, (hand[0] * 0.93 + shoulder[0] * 0.07, hand[1] * 0.93 + shoulder[1] * 0.07), 0.07)
    c.draw("shirt", arm)
    middle = ((shoulder[0] + hand[0]) / 2, (shoulder[1] + hand[1]) / 2)
    c.fill("sleeve", np.maximum(arm, _beyond(c, shoulder, hand, middle)))
    c.fill("skin", ellipse(c.x - hand[0], c.y - hand[1], 0.08, 0.08))


def _near_arms(c: Canvas, posture: Posture, profile: bool) -> None:
    if profile:
        _arm(c, posture.hands[1], (-0.02, -0.02))
    else:
        for side, hand in zip((-1, 1), posture.hands, strict=True):
            _arm(c, hand, (side * 0.2, -0.02))


def _head(c: Canvas, facing: str) -> None:
    x, y = c.x, c.y - 0.42
    head = ellipse(x, y, 0.4, 0.37)
    if facing == "front":
        for side in (-1, 1):
            c.draw("skin shade", ellipse(x - side * 0.39, y + 0.04, 0.06, 0.08))
    if facing == "right":
        head = np.minimum(head, ellipse(x - 0.39, y + 0.07, 0.07, 0.055))
    c.draw("skin", head)
    c.fill("skin shade", np.maximum(head, -ellipse(x + 0.05, y - 0.07, 0.42, 0.4)), 0.7)
    if facing == "front":
        for side in (-1, 1):
            _eye(c, x - side * 0.15, y + 0.03)
            c.fill("cheek", ellipse(x - side * 0.24, y + 0.16, 0.075, 0.05), 0.8)
        c.fill("ink", np.maximum(np.abs(ellipse(x, y + 0.15, 0.09, 0.07)) - 0.022, y + 0.17))
    if facing == "right":
        _eye(c, x - 0.21, y + 0.03)
        c.fill("cheek", ellipse(x - 0.13, y + 0.17, 0.08, 0.05), 0.8)
        c.fill("ink", np.maximum(np.abs(ellipse(x - 0.25, y + 0.15, 0.08, 0.06)) - 0.022, y + 0.17))
        c.fill("skin shade", ellipse(x + 0.06, y + 0.06, 0.055, 0.075))


def _eye(c: Canvas, x: Array, y: Array) -> None:
    c.fill("white", ellipse(x, y, 0.08, 0.11))
    c.fill("ink", ellipse(x, y + 0.01, 0.06, 0.09))
    c.fill("white", ellipse(x - 0.025, y - 0.035, 0.026, 0.03))


def _hair_behind(c: Canvas, hair: str, profile: bool) -> None:
    x, y = c.x, c.y - 0.42
    if hair == "long":
        c.draw("hair", box(x + (0.2 if profile else 0), y + 0.14, 0.27 if profile else 0.45, 0.46, 0.25))
    if hair == "curly":
        c.draw("hair", _curls(x + (0.1 if profile else 0), y))
    if hair == "spiky":
        c.draw("hair", _spikes(x + (0.06 if profile else 0), y))
    if hair == "bun":
        c.draw("hair", ellipse(x + (0.26 if profile else 0), y - (0.36 if profile else 0.44), 0.18, 0.16))


def _hair_before(c: Canvas, hair: str, facing: str) -> None:
    x, y = c.x, c.y - 0.42
    scalp = ellipse(x, y - 0.01, 0.41, 0.385)
    if hair == "mohawk":
        reach = {"front": 0.17, "right": -0.25, "back": -0.34}[facing]
        crest = box(x, y - 0.42, 0.09, 0.14, 0.08) if facing != "right" else _crest(x, y)
        shaved = np.maximum(scalp, reach + 0.12 - y if facing != "right" else np.maximum(0.1 - y, x - 0.24))
        c.fill("hair shine", shaved, 0.35)
        c.draw("hair", np.minimum(crest, np.maximum(np.maximum(scalp, np.abs(x) - 0.09), reach - y))
               if facing != "right" else crest)
        return
    if facing == "back":
        if hair == "long":
            covered = np.minimum(scalp, box(x, y + 0.12, 0.43, 0.44, 0.25))
        else:
            covered = np.maximum(scalp, -0.26 - y)
        if hair == "curly":
            covered = np.minimum(covered, np.maximum(_curls(x, y), -0.36 - y))
        if hair == "spiky":
            covered = np.minimum(covered, _spikes(x, y))
        c.draw("hair", covered)
        if hair == "bun":
            c.draw("hair", ellipse(x, y - 0.3, 0.19, 0.17))
    elif facing == "front":
        c.draw("hair", np.maximum(scalp, -_face(x, y, hair)))
    else:
        c.draw("hair", np.maximum(scalp, -np.minimum(ellipse(x - 0.3, y + 0.18, 0.36, 0.32),
                                                     np.maximum(y + 0.22, -0.4 - x))))
    c.fill("hair shine", np.maximum(scalp + 0.07, np.abs(ellipse(x + 0.02, y + 0.06, 0.36, 0.37)) - 0.025)
           if facing == "back" else
           np.maximum(np.abs(ellipse(x + 0.03, y + 0.03, 0.3, 0.31)) - 0.028, np.maximum(0.17 - y, x - 0.12)), 0.9)


def _face(x: Array, y: Array, hair: str) -> Array:
    """Return the distance of the area that the hair leaves free in front."""
    if hair == "short":
        return np.minimum(ellipse(x - 0.12, y + 0.16, 0.33, 0.33), ellipse(x + 0.16, y + 0.2, 0.28, 0.29))
    if hair == "spiky":
        teeth = np.abs(((x + 0.4) % 0.2) - 0.1)
        return np.maximum(ellipse(x, y + 0.15, 0.38, 0.38), y - 0.1 - 0.9 * teeth)
    if hair == "bun":
        return ellipse(x, y + 0.2, 0.37, 0.37)
    if hair == "curly":
        return ellipse(x, y + 0.16, 0.34, 0.32)
    return np.minimum(ellipse(x - 0.2, y + 0.22, 0.26, 0.4), ellipse(x + 0.17, y + 0.22, 0.24, 0.4))


def _curls(x: Array, y: Array) -> Array:
    turns = np.linspace(-0.25 * np.pi, 1.25 * np.pi, 9)
    return np.minimum.reduce([ellipse(x - 0.4 * np.cos(t), y - 0.06 - 0.36 * np.sin(t), 0.17, 0.17) for t in turns])


def _spikes(x: Array, y: Array) -> Array:
    tips = [(-0.56, 0.12), (-0.46, 0.4), (-0.16, 0.54), (0.16, 0.54), (0.46, 0.4), (0.56, 0.12)]
    return np.minimum.reduce([triangle(x, y, *_wedge(tip)) for tip in tips])


def _wedge(tip: Point) -> tuple[Point, Point, Point]:
    length = float(np.hypot(*tip))
    across = (-tip[1] / length * 0.2, tip[0] / length * 0.2)
    root = (tip[0] * 0.45, tip[1] * 0.45)
    return (tip, (root[0] + across[0], root[1] + across[1]), (root[0] - across[0], root[1] - across[1]))


def _crest(x: Array, y: Array) -> Array:
    ring = np.maximum(ellipse(x, y - 0.04, 0.46, 0.5), -ellipse(x - 0.04, y + 0.02, 0.36, 0.36))
    return np.maximum(ring, np.maximum(-0.1 - y, x - 0.2))
