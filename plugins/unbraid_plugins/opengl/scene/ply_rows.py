"""The header of a .ply, and the rows of its elements: scalars and lists of any length, as text or as bytes."""

from __future__ import annotations

import struct
from typing import Any

import attrs
import numpy as np

from unbraid import UnbraidError

TYPES = {"char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
         "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
         "double": "f8", "float64": "f8"}
CODES = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@attrs.frozen
class Property:
    """A property of an element; length: the type of a list's length, or nothing for a scalar."""

    name: str
    type: str
    length: str = ""


@attrs.frozen(eq=False)
class Rows:
    """The rows of an element: scalars by name, (N,), and lists by name, their values (sum,) and lengths (N,)."""

    types: dict[str, str]
    scalars: dict[str, np.ndarray]
    lists: dict[str, tuple[np.ndarray, np.ndarray]]


@attrs.define(eq=False)
class Element:
    """An element that a header declares."""

    name: str
    count: int
    properties: list[Property] = attrs.field(factory=list)


def header_of(data: bytes) -> tuple[str, list[Element], list[str], int]:
    """Return byte order (nothing for text), elements, comments, and where the rows begin.  Raises UnbraidError."""
    if data[:3] != b"ply":
        raise UnbraidError("no line ply at its beginning", hint="is it in this format?")
    order, elements, comments, start, number = None, [], [], 0, 0
    first = data[3:256].lstrip(b" \t")
    mark = b"\r" if first[:1] == b"\r" and first[1:2] != b"\n" else b"\n"      # bytes behind the header may look alike
    while True:
        end = data.find(mark, start)
        if end < 0 or start > 1 << 20:
            raise UnbraidError("no line end_header", hint="the file is cut off, or damaged")
        line = data[start:end].decode("latin-1").strip()
        start = end + 1
        number += 1
        words = line.split()
        if words == ["end_header"]:
            break
        if not words or words == ["ply"]:
            continue
        try:
            if words[0] in ("comment", "obj_info"):
                comments.append(line[len(words[0]):].strip())
            elif words[0] == "format":
                order = FORMATS[words[1]]
                if words[2:] != ["1.0"]:
                    raise ValueError
            elif words[0] == "element":
                elements.append(Element(words[1], int(words[2])))
                if elements[-1].count < 0:
                    raise ValueError
            elif words[0] == "property" and words[1] == "list":
                elements[-1].properties.append(Property(words[4], TYPES[words[3]], TYPES[words[2]]))
            elif words[0] == "property":
                elements[-1].properties.append(Property(words[2], TYPES[words[1]]))
            else:
                raise ValueError
        except (ValueError, KeyError, IndexError):
            raise UnbraidError(f"line {number}, {line!r:.80}: no line of a header that is read here",
                               hint="expected format, comment, element or property, and its types") from None
    for names in ([e.name for e in elements], *([p.name for p in e.properties] for e in elements)):
        if twice := [name for name in names if names.count(name) > 1]:
            raise UnbraidError(f"its header declares {twice[0]!r:.40} twice", hint="the file is damaged")
    if order is None:
        raise UnbraidError("no line format in its header", hint="the file is damaged")
    return order, elements, comments, start


def rows_of(data: bytes) -> tuple[dict[str, Rows], list[str], list[str]]:
    """Return the rows of every element by its name, the comments, and notes.  Raises UnbraidError."""
    order, elements, comments, start = header_of(data)
    source: Any
    if order:
        source, at = data, start
    else:
        try:
            if b"_" in data[start:]:               # which Python reads as a digit
                raise ValueError("_")
            source, at = np.array(data[start:].split(), np.float64), 0
        except ValueError as error:
            raise UnbraidError(f"a row has a word that is no number: {str(error)[:60]}",
                               hint="expected numbers") from None
    found = {}
    try:
        for element in elements:
            found[element.name], at = _rows(element, source, at, order)
    except UnbraidError:
        if not order:
            _expect_lines(data, start, elements)
        raise
    rest = len(source) - at
    if not order and (rest or _uneven(data[start:], elements, found)):
        _expect_lines(data, start, elements)
    unit = "bytes" if order else "numbers"
    return found, comments, [f"{rest:,} {unit} after its last row are left out"] if rest else []


def _uneven(text: bytes, elements: list[Element], found: dict[str, Rows]) -> bool:
    """Return whether text has a line for every row, and in some of them more or fewer numbers than the row has."""
    expected = [np.full(e.count, sum(not p.length for p in e.properties)) + sum(
        (1 + lengths for _, lengths in found[e.name].lists.values()), np.zeros(e.count, np.int64)) for e in elements]
    there = np.array([count for line in text.splitlines() if (count := len(line.split()))], np.int64)
    rows = np.concatenate(expected) if expected else there
    return len(rows) == len(there) and bool((rows != there).any())


def _expect_lines(data: bytes, start: int, elements: list[Element]) -> None:
    """Raise UnbraidError where a line of text has more or fewer numbers than the header declares for its row."""
    lines = enumerate(data[start:].splitlines(), 1 + len(data[:start].splitlines()))
    filled = ((number, line.split()) for number, line in lines if line.strip())
    for element in elements:
        for _ in range(element.count):
            number, words = next(filled, (0, []))
            at = 0
            for p in element.properties:
                at += 1 + (int(float(words[at])) if p.length and at < len(words) else 0) if p.length else 1
            if number and at != len(words):
                raise UnbraidError(f"line {number} has {len(words)} numbers, and the header declares {at} for a row of "
                                   f"{element.name}", hint="the header or the row is wrong")


def _rows(element: Element, source: Any, at: int, order: str) -> tuple[Rows, int]:
    """Return an element's rows, and where they end."""
    found = _equal_rows(element, source, at, order)
    if found is None:
        found = _uneven_rows(element, source, at, order)
    return found


def _short(element: Element, whole: int, number: int) -> UnbraidError:
    return UnbraidError(f"its header declares {number:,} of {element.name}, and there are {whole:,}",
                        hint="the file is cut off, or damaged")


def _equal_rows(element: Element, source: Any, at: int, order: str) -> tuple[Rows, int] | None:
    """Read rows whose lists are as long as those of the first one, at once; None where some are not."""
    fields: list[tuple[Any, ...]] = []
    lengths: dict[str, int] = {}
    place = at
    for i, p in enumerate(element.properties):
        if p.length and element.count:
            if order:
                dtype = np.dtype(order + p.length)
                if place + dtype.itemsize > len(source):
                    raise _short(element, 0, element.count)
                length = int(np.frombuffer(source, dtype, 1, place)[0])
                fields.append((f"n{i}", dtype))
                place += dtype.itemsize
            else:
                if place >= len(source):
                    raise _short(element, 0, element.count)
                length = int(source[place])
                fields.append((f"n{i}", np.dtype("f8")))
                place += 1
            if length < 0 or length > len(source):
                raise UnbraidError(f"the first of {element.name} has a list of {length:,}", hint="the file is damaged")
            lengths[f"n{i}"] = length
            shape: tuple[int, ...] = (length,)
        else:
            length, shape = 1, ()
        dtype = np.dtype(order + p.type) if order else np.dtype("f8")
        fields.append((f"p{i}", dtype, shape))
        place += length * (dtype.itemsize if order else 1)
    row = np.dtype(fields)
    step = row.itemsize if order else row.itemsize // 8
    if not element.properties or not element.count:
        return Rows({}, {}, {p.name: (np.zeros(0), np.zeros(0, np.int64)) for p in element.properties}), at
    fits = (len(source) - at) // step if step else element.count
    if fits < element.count:
        if not lengths:
            raise _short(element, fits, element.count)
        return None
    table = np.frombuffer(source, row, element.count, at if order else at * 8)
    if any((table[name] != length).any() for name, length in lengths.items()):
        return None
    scalars, lists = {}, {}
    for i, p in enumerate(element.properties):
        values = table[f"p{i}"].astype(np.float64)
        if p.length:
            lists[p.name] = (values.reshape(-1), np.full(element.count, lengths[f"n{i}"]))
        else:
            scalars[p.name] = values
    return Rows({p.name: p.type for p in element.properties}, scalars, lists), at + element.count * step


def _uneven_rows(element: Element, source: Any, at: int, order: str) -> tuple[Rows, int]:
    values: dict[str, list[float]] = {p.name: [] for p in element.properties}
    lengths: dict[str, list[int]] = {p.name: [] for p in element.properties if p.length}
    source = source if order else source.tolist()
    for number in range(element.count):
        for p in element.properties:
            count = 1
            if p.length:
                form = order + CODES[p.length]
                size = struct.calcsize(form) if order else 1
                if at + size > len(source):
                    raise _short(element, number, element.count)
                count = int(struct.unpack_from(form, source, at)[0] if order else source[at])
                at += size
                lengths[p.name].append(count)
            size = count * (np.dtype(p.type).itemsize if order else 1)
            if count < 0 or at + size > len(source):
                raise _short(element, number, element.count)
            values[p.name] += (struct.unpack_from(f"{order}{count}{CODES[p.type]}", source, at) if order
                               else source[at:at + count])
            at += size
    arrays = {name: np.array(v, np.float64) for name, v in values.items()}
    return Rows({p.name: p.type for p in element.properties},
                {name: a for name, a in arrays.items() if name not in lengths},
                {name: (arrays[name], np.array(n, np.int64)) for name, n in lengths.items()}), at
