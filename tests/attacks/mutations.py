"""Damage to files, by seed: what disks, transfers and editors do, and what a malicious hand would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

NASTY = (
    b"", b"\x00", b"\xff" * 8, b"NaN", b"-1", b"1e999", b"9" * 30, b"null", b"[]", b"{}", b"${X}", b"../../x", b"'",
    b'"', b"[" * 2000, b"{" * 500, b": ", b"- ", b"&a *a", b"!!python/object/apply:os.system", b"__import__('os')",
    b"\xe2\x80\xae", b"\xed\xa0\x80", b"\t", b"\r\n", b"%", b"((((((((", b"x(" * 300, b"..", b"~", b"|", b">")


OTHERS: tuple[Any, ...] = (None, True, -1, 0, 3, 2.5, 1e308, 10**30, "", "z", "../../x", [], [3], {}, {"a": 4}, [{}])


def mutated(data: bytes, random: Random) -> bytes:
    """The bytes after one to four accidents."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(ACCIDENTS)(data, random)
    return data


def _flipped(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 8, 64))):
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(data: bytes, random: Random) -> bytes:
    return data[:random.randrange(len(data) + 1)]


def _without(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 4, 100)):]


def _twice(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    end = start + random.choice((1, 8, 200))
    return data[:end] + data[start:end] + data[end:]


def _zeroed(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    part = data[start:start + random.choice((1, 16, 512))]
    return data[:start] + bytes(len(part)) + data[start + len(part):]


def _noise(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    size = random.choice((1, 4, 64))
    return data[:start] + random.randbytes(size) + data[start + size:]


def _nasty(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + random.choice(NASTY) + data[start + random.choice((0, 1, 4)):]


def _near_the_front(data: bytes, random: Random) -> bytes:
    """Headers are where formats trust most."""
    front = min(len(data), 256)
    return mutated_once(data[:front], random) + data[front:]


def _line_changed(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    i, j = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[i]
        case 1:
            lines.insert(j, lines[i])
        case 2:
            lines[i], lines[j] = lines[j], lines[i]
        case 3:
            lines[i] = b"  " * random.randrange(4) + lines[i].lstrip()
        case _:
            key, colon, _ = lines[i].partition(b":")
            lines[i] = key + (colon or b":") + b" " + random.choice(NASTY)
    return b"\n".join(lines)


def _word_changed(data: bytes, random: Random) -> bytes:
    words = data.split(b" ")
    i, j = random.randrange(len(words)), random.randrange(len(words))
    words[i] = random.choice((words[j], random.choice(NASTY)))
    return b" ".join(words)


PLAIN: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flipped, _cut, _without, _twice, _zeroed, _noise, _nasty, _line_changed, _word_changed)
ACCIDENTS = (*PLAIN, _near_the_front)


def mutated_once(data: bytes, random: Random) -> bytes:
    """The bytes after one accident anywhere."""
    return random.choice(PLAIN)(data, random)


def other_values(data: bytes, random: Random) -> bytes:
    """A JSON file that is one still: some of its values are others, gone, or have another name."""
    tree = json.loads(data)
    for _ in range(random.choice((1, 1, 2))):
        holder, key = random.choice(list(_places(tree)))
        value = holder.pop(key)
        if isinstance(holder, list):
            holder.insert(key, random.choice(OTHERS))
        elif random.random() < 0.8:
            holder[key] = random.choice(OTHERS)
        elif random.random() < 0.5:
            holder[random.choice(("x", *holder))] = value
    return json.dumps(tree).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """All containers in a tree, with each of their keys."""
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(tree[key])
