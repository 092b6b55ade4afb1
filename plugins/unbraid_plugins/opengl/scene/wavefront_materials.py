"""Materials of Wavefront .mtl files: the diffuse colour and its texture, opacity, and emission."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.beside import INSTEAD
from unbraid_plugins.opengl.scene.materials import Mode, Wrap
from unbraid_plugins.opengl.scene.pictures import Alpha, pixels, resized
from unbraid_plugins.opengl.scene.text_lines import expect_plain, lines_of
from unbraid_plugins.opengl.scene.wavefront_options import Options, options_of
from unbraid_plugins.opengl.scene.wrapping import REPEAT

LIBRARIES = re.compile(r"\S.*?\.mtl(?!\S)|\S.*", re.IGNORECASE)                     # names may have spaces
MAPS = {"map_bump": "bump map", "bump": "bump map", "norm": "normal map", "disp": "displacement", "refl": "reflection",
        "decal": "decal"}
SILENT = {"map_kd", "map_d", "map_ke", "map_bump", "map_ka", "map_ks", "map_ns", "map_pr", "map_pm", "map_ps",
          "map_aat"}                               # pictures that are read, noted, or no part of a mesh here
PICTURES = {"map_kd": "map_Kd", "map_d": "map_d", "map_ke": "map_Ke"}


@attrs.frozen(eq=False)
class Material:
    """The looks of a material.

    colour: (3,), or (4,) with an opacity.
    texture: (3, h, w), or (4, h, w) with an opacity, in the place of the colour.
    emission: (3, h, w).
    options: where its pictures lie.
    """

    colour: np.ndarray
    texture: np.ndarray | None = None
    emission: np.ndarray | None = None
    options: Options = attrs.field(factory=Options)

    @property
    def mode(self) -> Mode:
        """The use of its opacity."""
        clear = len(self.colour) == 4 or (self.texture is not None and len(self.texture) == 4)
        return "blend" if clear else "opaque"

    @property
    def wrap(self) -> tuple[Wrap, Wrap]:
        """The continuation of its pictures beyond their border."""
        return ("clamp", "clamp") if self.options.clamp else REPEAT

    @property
    def mapped(self) -> bool:
        """Whether it has pictures that need texture coordinates."""
        return self.texture is not None or (self.emission is not None and self.emission.shape[1:] != (2, 2))


def materials_of(names: list[str], libraries: list[str], beside: Callable[[str], bytes],
                 notes: list[str]) -> dict[str, Material]:
    """Return the materials of these names, from files that lines mtllib name.

    Raises UnbraidError where one of them is not there, or has what can't be read.
    """
    files = dict.fromkeys(name for line in libraries for name in LIBRARIES.findall(_bare(line)))
    known: dict[str, Mapping[str, tuple[int, str, str]]] = {}
    for file in files:
        for name, statements in _blocks(beside(file), file):
            if name in known and name in names:
                notes.append(f"material {name!r} is there twice: the first one counts")
            known.setdefault(name, statements)
            known.setdefault(" ".join(_bare(name).split()), statements)
    found = {}
    for name in names:
        key = next((k for k in (" ".join(name.split()), " ".join(_bare(name).split())) if k in known), None)
        if key is None:
            where = f"which is not in {', '.join(files)}" if files else "and no line mtllib names a file that has it"
            raise UnbraidError(f"its faces name a material {name!r}, {where}",
                               hint=f"add the material, or {INSTEAD}")
        found[name] = _material(key, known[key], beside, notes)
    return found


def _blocks(data: bytes, file: str) -> Iterator[tuple[str, dict[str, tuple[int, str, str]]]]:
    """Yield every material's name and statements: line, file and arguments by lower-case keyword, the last one wins."""
    statements: dict[str, tuple[int, str, str]] | None = None
    for number, line in lines_of(data):
        keyword, _, rest = line.strip().replace("\t", " ").partition(" ")
        if keyword.lower() == "newmtl":
            statements = {}
            yield " ".join(rest.split()), statements
        elif keyword and not keyword.startswith("#") and statements is not None:
            statements[keyword.lower()] = (number, file, rest.strip())


def _material(name: str, statements: Mapping[str, tuple[int, str, str]], beside: Callable[[str], bytes],
              notes: list[str]) -> Material:
    left_out = {word for key, word in MAPS.items() if key in statements}
    left_out |= {key for key in statements if key.startswith("map_") and key not in SILENT}
    if "map_ka" in statements and "map_kd" not in statements:
        left_out.add("a picture of the ambient colour alone")
    if "tf" in statements and statements["tf"][2].split() not in (["1"] * 3, ["1.0"] * 3, ["1.000000"] * 3):
        left_out.add("Tf")
    if left_out:
        notes.append(f"material {name!r}: {', '.join(sorted(left_out))} left out")
    laid = {key: options_of(statements[key], PICTURES[key], notes)[0] for key in PICTURES if key in statements}
    if len({options.place for options in laid.values()}) > 1:
        number, file, _ = statements[next(reversed(laid))]
        raise UnbraidError(f"{file}, line {number}: the pictures of {name!r} lie at different places, by -s, -o or "
                           "-clamp", hint=f"bake it into the pictures, or {INSTEAD}")
    colour, texture = np.ones(3), None
    if "map_kd" in statements:
        texture = _picture(statements["map_kd"], "map_Kd", beside, "ignore" if "map_d" in statements else "white")
    elif "kd" in statements:
        colour = _colour(statements["kd"], "Kd")
    colour, texture = _with_opacity(name, colour, texture, statements, beside, notes)
    return Material(colour, texture, _emission(name, statements, beside, notes), next(iter(laid.values()), Options()))


def _with_opacity(name: str, colour: np.ndarray, texture: np.ndarray | None,
                  statements: Mapping[str, tuple[int, str, str]], beside: Callable[[str], bytes],
                  notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return colour and texture with the opacity that d, Tr and map_d give them, where it is less than 1."""
    share = 1.0
    for key in ("tr", "d"):                        # d counts where both are there
        if key in statements and (found := _numbers(statements[key], key)):
            share = min(found[-1] if key == "d" else 1 - found[-1], 1.0)
    if not share > 0:
        notes.append(f"material {name!r} would not be seen at all: its transparency is left out")
        share = 1.0
    if "map_d" in statements:
        picture = _read(statements["map_d"], "map_d", beside, "keep")
        options = options_of(statements["map_d"], "map_d", [])[0]
        opacity = share * options.ranged(options.opacity(picture))
        texture = np.broadcast_to(colour[:, None, None], (3, *opacity.shape[1:])) if texture is None else texture
        size = (max(texture.shape[1], opacity.shape[1]), max(texture.shape[2], opacity.shape[2]))
        return np.ones(3), np.concatenate([resized(texture, size), resized(opacity, size)])
    if share == 1:
        return colour, texture
    if texture is not None:
        return colour, np.concatenate([texture, np.full_like(texture[:1], share)])
    return np.append(colour, share), None


def _emission(name: str, statements: Mapping[str, tuple[int, str, str]], beside: Callable[[str], bytes],
              notes: list[str]) -> np.ndarray | None:
    """Return the light that Ke and map_Ke give, as a picture, or None."""
    factor = _colour(statements["ke"], "Ke", np.inf) if "ke" in statements else np.zeros(3)
    if factor.max() > 1:
        notes.append(f"material {name!r} gives more light than a picture can show, and is cut off at 1")
        factor = factor.clip(0, 1)
    if "map_ke" in statements:
        found: np.ndarray = _picture(statements["map_ke"], "map_Ke", beside)
        return found * (factor if factor.any() else np.ones(3))[:, None, None].astype(np.float32)
    return np.broadcast_to(factor[:, None, None].astype(np.float32), (3, 2, 2)) if factor.any() else None


def _picture(statement: tuple[int, str, str], keyword: str, beside: Callable[[str], bytes],
             alpha: Alpha = "white") -> np.ndarray:
    """Return the picture of a statement, with its base and gain."""
    return options_of(statement, keyword, [])[0].ranged(_read(statement, keyword, beside, alpha))


def _read(statement: tuple[int, str, str], keyword: str, beside: Callable[[str], bytes], alpha: Alpha) -> np.ndarray:
    picture = options_of(statement, keyword, [])[1]
    try:
        data, picture = beside(picture), picture
    except UnbraidError:
        if (bare := _bare(picture).strip("\"'")) in (picture, ""):
            raise
        picture = bare
        data = beside(picture)
    return pixels(data, repr(picture), alpha=alpha)


def _colour(statement: tuple[int, str, str], keyword: str, most: float = 1) -> np.ndarray:
    """Return three numbers from 0 to the most; one stands for all."""
    colour, (number, file, rest) = _numbers(statement, keyword), statement
    if len(colour) not in (1, 3) or not all(0 <= c <= most and np.isfinite(c) for c in colour):
        raise UnbraidError(f"{file}, line {number}, {f'{keyword} {rest}'!r:.80}: no colour that is read here",
                           hint=f"expected three numbers {'in [0, 1]' if most == 1 else 'from 0'}")
    return np.array(colour if len(colour) == 3 else colour * 3)


def _numbers(statement: tuple[int, str, str], keyword: str) -> list[float]:
    number, file, rest = statement
    try:
        words = [word for word in _bare(rest).split() if word != "-halo"]
        expect_plain(words)
        return [float(word) for word in words]
    except ValueError:
        raise UnbraidError(f"{file}, line {number}, {f'{keyword} {rest}'!r:.80}: no numbers that are read here",
                           hint=f"write them as red, green and blue, or {INSTEAD}") from None


def _bare(text: str) -> str:
    """Return a text without a comment behind it."""
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
