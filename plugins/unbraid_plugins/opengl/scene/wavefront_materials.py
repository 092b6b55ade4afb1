"""Materials of Wavefront .mtl files: the diffuse colour and its texture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.beside import INSTEAD
from unbraid_plugins.opengl.scene.pictures import pixels
from unbraid_plugins.opengl.scene.text_lines import lines_of

OPTION = re.compile(r"-(?:blend[uv]|bm|boost|cc|clamp|imfchan|mm|[ost]|texres|type)\s", re.IGNORECASE)
IDLE = re.compile(r"""(?: -(?: s(?:\s+1(?:\.0*)?){3} | s(?:\s+1(?:\.0*)?){1,2}(?!\s+[-+.\d]+\s)
                  | [ot](?:\s+-?0(?:\.0*)?){3} | [ot](?:\s+-?0(?:\.0*)?){1,2}(?!\s+[-+.\d]+\s)
                  | mm\s+0(?:\.0*)?\s+1(?:\.0*)? | clamp\s+off
                  | (?:blend[uv]|bm|boost|cc|imfchan|texres|type)\s+\S+ )\s+ )*""",
                  re.IGNORECASE | re.VERBOSE)      # options that leave a picture as it is
LIBRARIES = re.compile(r"\S.*?\.mtl(?!\S)|\S.*", re.IGNORECASE)                     # names may have spaces
MAPS = {"map_d": "transparency by a map", "map_ke": "emission", "map_bump": "bump map", "bump": "bump map",
        "norm": "normal map", "disp": "displacement", "refl": "reflection"}


@attrs.frozen(eq=False)
class Material:
    """The diffuse part of a material: a colour (3,), or a texture (3, h, w) in its place."""

    colour: np.ndarray
    texture: np.ndarray | None = None


def materials_of(names: list[str], libraries: list[str], beside: Callable[[str], bytes],
                 notes: list[str]) -> dict[str, Material]:
    """Return the materials of these names, from files that lines mtllib name.

    Raises UnbraidError where one of them is not there, or has what can't be read.
    """
    files = dict.fromkeys(name for line in libraries for name in LIBRARIES.findall(_bare(line)))
    known: dict[str, Mapping[str, tuple[int, str, str]]] = {}
    for file in files:
        for name, statements in _blocks(beside(file), file):
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
    left_out = sorted({word for key, word in MAPS.items() if key in statements})
    for key, whole in (("d", 1.0), ("tr", 0.0)):
        if key in statements and _numbers(statements[key], key)[-1:] not in ([], [whole]):
            left_out.append("transparency")
    if left_out:
        notes.append(f"material {name!r}: {', '.join(dict.fromkeys(left_out))} left out")
    if "map_kd" in statements:
        number, file, rest = statements["map_kd"]
        picture = IDLE.sub("", rest, count=1)
        if OPTION.match(picture):
            raise UnbraidError(f"{file}, line {number}, {f'map_Kd {rest}'!r}: this option of a texture is not read "
                               f"here", hint=f"bake it into the picture, or {INSTEAD}")
        try:
            data, picture = beside(picture), picture
        except UnbraidError:
            if _bare(picture) == picture:
                raise
            picture = _bare(picture)
            data = beside(picture)
        return Material(np.ones(3), pixels(data, repr(picture)))
    if "kd" not in statements:
        return Material(np.ones(3))
    colour = _numbers(statements["kd"], "Kd")
    number, file, rest = statements["kd"]
    if len(colour) not in (1, 3) or not all(0 <= c <= 1 for c in colour):
        raise UnbraidError(f"{file}, line {number}, {f'Kd {rest}'!r:.80}: no colour that is read here",
                           hint="expected three numbers in [0, 1]")
    return Material(np.array(colour if len(colour) == 3 else colour * 3))


def _numbers(statement: tuple[int, str, str], keyword: str) -> list[float]:
    number, file, rest = statement
    try:
        return [float(word) for word in _bare(rest).split() if word != "-halo"]
    except ValueError:
        raise UnbraidError(f"{file}, line {number}, {f'{keyword} {rest}'!r:.80}: no numbers that are read here",
                           hint=f"write them as red, green and blue, or {INSTEAD}") from None


def _bare(text: str) -> str:
    """Return a text without a comment behind it."""
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
