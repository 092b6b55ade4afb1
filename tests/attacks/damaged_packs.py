"""Packs whose headers, lengths, texts and tensors were changed by seed: each is read or refused in words.

    python tests/attacks/damaged_packs.py --rounds 2000

A changed description of the tensors gets the hash that belongs to it: a sender would compute it too.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from damaged_files import RECIPE
from mutations import mutated, other_values
from rounds import in_rounds

import unbraid
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_plugins.tools.packs import write_pack
from unbraid_plugins.tools.packs.pack import hash_of
from unbraid_registry import UnbraidError

MEMORY = 3 << 30                                   # bytes that reading may take beyond what is there
SLOWEST = 5.0                                      # seconds of the processor
Header = dict[str, Any]


def parts_of(content: bytes) -> tuple[Header, bytes]:
    """Return the header of a pack, and the bytes of its tensors."""
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:8 + size]), content[8 + size:]


def joined(header: Header | bytes, tensors: bytes, *, length: int | None = None) -> bytes:
    """Return a pack of these parts.  length: what it says of its header's length, where that is a lie."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + tensors


def with_texts(content: bytes, **texts: str | Callable[[str], str]) -> bytes:
    """Return a pack with other texts: about=..., recipe=..., data=..., picture=...; a function changes the text."""
    header, tensors = parts_of(content)
    told = header["__metadata__"]
    for name, text in texts.items():
        key = f"unbraid.{name}"
        told[key] = text if isinstance(text, str) else text(told.get(key, ""))
    return joined(header, tensors)


def with_about(content: bytes, **fields: Any) -> bytes:
    """Return a pack of which these facts are others."""
    return with_texts(content, about=lambda text: json.dumps({**json.loads(text), **fields}))


def hashed(content: bytes) -> bytes:
    """Return a pack with the hash that belongs to its tensors."""
    return with_about(content, sha256=hash_of(content))


def _text_changed(content: bytes, random: Random) -> bytes:
    """Other values in the JSON of its texts, or damage anywhere in a text."""
    name = random.choice(("about", "about", "data", "data", "recipe", "picture", "pack"))

    def change(text: str) -> str:
        if name in ("about", "data") and random.random() < 0.8:
            return other_values(text.encode(), random).decode()
        return mutated(text.encode(), random).decode(errors="replace")

    return with_texts(content, **{name: change})


def _tensors_changed(content: bytes, random: Random) -> bytes:
    """Other types, shapes, places and names of tensors, whose hash is right."""
    header, tensors = parts_of(content)
    texts = header.pop("__metadata__")
    described = json.loads(other_values(json.dumps(header).encode(), random))
    if random.random() < 0.2:
        tensors = mutated(tensors, random)
    return hashed(joined({"__metadata__": texts, **described}, tensors))


def _header_damaged(content: bytes, random: Random) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    text = mutated(content[8:8 + size], random)
    return joined(text, content[8 + size:], length=None if random.random() < 0.7 else size)


def _length_changed(content: bytes, random: Random) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    lie = random.choice((0, 1, 2, size - 1, size + 1, len(content), len(content) * 2, 1 << 31, 1 << 63,
                         random.getrandbits(64)))
    return struct.pack("<Q", lie) + content[8:]


def _keys_added(content: bytes, random: Random) -> bytes:
    header, tensors = parts_of(content)
    name = random.choice(("x", "encoder/../../x", "encoder/__class__", "\x1b[2J", "unbraid.pack", "/etc/passwd"))
    target = random.choice((header, header["__metadata__"]))
    target[name] = random.choice(("x", 3, {}, {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}))
    text = json.dumps(header).encode()
    if random.random() < 0.3:                      # the same name twice
        text = text[:-1] + b', "__metadata__": {}}'
    return joined(text, tensors)


KINDS = {"a text": _text_changed, "a tensor": _tensors_changed, "the header": _header_damaged,
         "a length": _length_changed, "a key": _keys_added, "any byte": mutated}


def packed(folder: Path) -> Path:
    """Train the small recipe and return its pack."""
    run = unbraid.train(load_recipe(RECIPE), folder / "run").folder
    return write_pack(run, folder / "whole.safetensors", everything=True).path


def outcome(file: Path) -> tuple[bool, str]:
    """Read a pack as every command does, and its model; return whether it was read, and what was wrong with that."""
    read, began = True, time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            str(Run.at(file))
            unbraid.load(file)
    except UnbraidError as error:
        read = False
        if not str(error).strip() or len(str(error)) > 20_000:
            return read, f"an error of {len(str(error))} characters"
    except Exception as error:
        return False, f"{type(error).__name__}: {str(error)[:200]}"
    took = time.process_time() - began
    return read, f"{took:.1f} s" if took > SLOWEST else ""


def attack(folder: Path, rounds: int, seed: int) -> tuple[str, list[str]]:
    """Change a pack for each seed and read it; all that is there is one file."""
    whole, file = packed(folder).read_bytes(), folder / "changed.safetensors"
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    file.write_bytes(hashed(whole))
    found = [] if outcome(file) == (True, "") else [f"the whole pack is not read: {outcome(file)}"]
    there, counts = sorted(folder.rglob("*")), Counter[bool]()
    for number in range(seed, seed + rounds):
        random = Random(number)
        kind = random.choice(list(KINDS))
        file.write_bytes(KINDS[kind](whole, random))
        read, wrong = outcome(file)
        counts[read] += 1
        if wrong:
            found.append(f"seed {number}, {kind}: {wrong}")
    if sorted(folder.rglob("*")) != there:
        found.append("files were written")
    return f"{rounds} changed packs: {counts[True]} were read, {counts[False]} refused in words", found


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(in_rounds(__doc__, attack))
