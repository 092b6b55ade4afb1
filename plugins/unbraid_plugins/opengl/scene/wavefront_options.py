"""Options of a texture in a Wavefront .mtl: where it lies, the range of its values, and which channel is read."""

from __future__ import annotations

import re
from typing import Any

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.beside import INSTEAD

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?=\s)"
OPTION = re.compile(rf"-(?:(?P<three>[ost])(?P<values>(?:\s+{NUMBER}){{1,3}})|mm(?P<range>(?:\s+{NUMBER}){{2}})"
                    r"|(?P<word>blend[uv]|bm|boost|cc|clamp|imfchan|texres|type)\s+(?P<value>\S+))\s+", re.IGNORECASE)
BEGUN = re.compile(r"-(?:blend[uv]|bm|boost|cc|clamp|imfchan|mm|[ost]|texres|type)\s", re.IGNORECASE)
USUAL = {"blendu": "on", "blendv": "on", "cc": "off"}                   # others change nothing there
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)[:, None, None]


@attrs.frozen
class Options:
    """The options of a texture.

    scale, offset: of texture coordinates (u, v): they are scaled, then moved.
    clamp: whether its border continues where it would repeat.
    base, gain: its values are multiplied by the gain, and the base is added.
    channel: r, g, b, m (the picture's own opacity) or l (luminance), from which opacity is read; empty for none.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    clamp: bool = False
    base: float = 0.0
    gain: float = 1.0
    channel: str = ""

    @property
    def place(self) -> tuple[tuple[float, float], tuple[float, float], bool]:
        """The place of the texture, which all pictures of a material share."""
        return self.scale, self.offset, self.clamp

    def ranged(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture (C, h, w) with its base and gain, in [0, 1]."""
        return picture if (self.base, self.gain) == (0, 1) else (self.base + self.gain * picture).clip(0, 1)

    def opacity(self, picture: np.ndarray) -> np.ndarray:
        """Return the channel of a picture (3 or 4, h, w) that is its opacity, (1, h, w)."""
        chosen = self.channel or ("m" if len(picture) == 4 else "r")
        if chosen == "l":
            return (picture[:3] * LUMINANCE).sum(0, keepdims=True)
        number = {"r": 0, "g": 1, "b": 2, "m": 3}[chosen]
        return picture[number:number + 1] if number < len(picture) else np.ones_like(picture[:1])


def options_of(statement: tuple[int, str, str], keyword: str, notes: list[str]) -> tuple[Options, str]:
    """Return the options of a texture and the name of its file.  Raises UnbraidError for those that can't be honoured.

    statement: the line, the file, and what stands behind the keyword.
    """
    number, file, rest = statement
    found: dict[str, Any] = {}
    at = 0
    while match := OPTION.match(rest, at):
        at = match.end()
        if match["three"]:
            values = [float(v) for v in match["values"].split()]
            kind = match["three"].lower()
            if kind == "t":
                if any(values):
                    raise _unread(statement, keyword)
                continue
            filled = values + [float(kind == "s")] * 2                  # as the format has them where they are left out
            found["scale" if kind == "s" else "offset"] = (filled[0], filled[1])
        elif match["range"]:
            found["base"], found["gain"] = (float(v) for v in match["range"].split())
        else:
            word, value = match["word"].lower(), match["value"].lower()
            if word == "clamp":
                found["clamp"] = value == "on"
            elif word == "imfchan" and keyword == "map_d":
                if value not in ("r", "g", "b", "m", "l"):
                    raise _unread(statement, keyword)
                found["channel"] = value
            elif word in USUAL and value != USUAL[word]:
                notes.append(f"{file}, line {number}: the option -{word} {value} of a texture is left out")
    if BEGUN.match(rest, at):
        raise _unread(statement, keyword)
    options: Options = attrs.evolve(Options(), **found)
    return options, rest[at:]


def _unread(statement: tuple[int, str, str], keyword: str) -> UnbraidError:
    number, file, rest = statement
    return UnbraidError(f"{file}, line {number}, {f'{keyword} {rest}'!r}: this option of a texture is not read here",
                        hint=f"bake it into the picture, or {INSTEAD}")
