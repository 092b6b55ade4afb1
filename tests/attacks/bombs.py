"""Files that unpack to gigabytes, or say that they are: reading them must be refused in little memory.

    python tests/attacks/bombs.py
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import torch
from damaged_files import RECIPE

import unbraid
from unbraid.data import read_image
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_plugins.shared.sources import Folder, Npz
from unbraid_registry import UnbraidError

MOST = 1 << 30                                     # bytes that reading any of them may take
SLOWEST = 30.0                                     # seconds


@attrs.frozen
class Bomb:
    """A file that wants more than there is, and what reads it."""

    name: str
    read: Callable[[], object]


def header(shape: str, dtype: str = "|u1") -> bytes:
    """The header of a .npy file."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (64 - (len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def npz(path: Path, **members: bytes | tuple[bytes, int]) -> Path:
    """A zip of .npy files; (data, n): followed by so many MiB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            data, zeros = content if isinstance(content, tuple) else (content, 0)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                file.write(data)
                for _ in range(zeros):
                    file.write(bytes(1 << 20))
    return path


def png(path: Path, width: int, height: int, rows: bytes = b"") -> Path:
    """A PNG that declares this size."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def bombs(folder: Path) -> list[Bomb]:
    """All of them, laid out in a folder."""
    run = unbraid.train(load_recipe(RECIPE), folder / "run").folder
    checkpoint = max((run / "checkpoints").iterdir())
    small = header("(4, 16, 16, 3)") + bytes(4 * 16 * 16 * 3)
    files = {
        "an .npz that unpacks to twice the limit": npz(folder / "zip.npz", images=(header("(43690, 64, 64, 3)"), 512)),
        "an .npz that declares 1 GiB": npz(folder / "gib.npz", images=header("(349525, 32, 32, 3)")),
        "an .npz that declares 10^18 bytes": npz(folder / "exa.npz", images=header("(1000000000000000, 32, 32, 3)")),
        "an .npz with negative sizes": npz(folder / "minus.npz", images=header("(-4, 16, 16, 3)") + bytes(3072)),
        "factors of 8 GiB": npz(folder / "factors.npz", images=small, factors=header("(4, 268435456)", "<i8")),
        "labels of 10^18 bytes": npz(folder / "labels.npz", images=small, labels=header("(1000000000000000000,)")),
        "names as long as a book": npz(folder / "names.npz", images=small, factor_names=header("(2,)", "<U1000000000")),
        "an .npz of 5,000 arrays": npz(folder / "many.npz", images=small, **{f"a{i}": small for i in range(5_000)})}
    (folder / "alone.npy").write_bytes(header("(349525000, 32, 32, 3)"))
    tensors = {
        "weights that declare a header of 2^60 bytes": struct.pack("<Q", 1 << 60) + b"{}",
        "weights with a header of 200 MB": struct.pack("<Q", 200_000_000) + b" " * 200_000_000,
        "weights that declare a tensor of 2^50 bytes": _safetensors([1 << 48], 1 << 50),
        "weights whose shape overflows": _safetensors([1 << 40, 1 << 40, 1 << 40], 4),
        "weights of 100,000 tensors": _many_tensors(100_000)}

    def weights(data: bytes) -> Callable[[], object]:
        def read() -> object:
            (checkpoint / "networks.safetensors").write_bytes(data)
            return unbraid.load(run)

        return read

    def in_its_place(file: Path, data: bytes, read: Callable[[], object]) -> Callable[[], object]:
        def attack() -> object:
            before = file.read_bytes()
            file.write_bytes(data)
            try:
                return read()
            finally:
                file.write_bytes(before)

        return attack

    large = png(folder / "wide.png", 60_000, 60_000)
    inside = png(folder / "pictures" / "0.png", 60_000, 60_000, bytes(10_000_000)).parent
    return [
        *(Bomb(name, lambda path=path: Npz(path=str(path), limit=0.25).open()) for name, path in files.items()),
        Bomb("an array that declares 10^12 bytes", lambda: Npz(path=str(folder / "alone.npy")).open()),
        Bomb("a PNG of 60,000 x 60,000", lambda: read_image(large, (16, 16), 3)),
        Bomb("a PNG of 2^31 x 2^31", lambda: read_image(png(folder / "p.png", 2**31 - 1, 2**31 - 1), (16, 16), 3)),
        Bomb("a folder with a PNG of 60,000 x 60,000", lambda: Folder(path=str(inside), size=16).open()),
        *(Bomb(name, weights(data)) for name, data in tensors.items()),
        Bomb("a record of 100 MB", in_its_place(run / "run.json", b"[" * 100_000_000, lambda: unbraid.load(run))),
        Bomb("a state of a checkpoint of 100 MB", in_its_place(
            checkpoint / "state.json", b'{"a":' * 20_000_000, lambda: unbraid.load(run))),
        Bomb("a recipe of 100 MB", in_its_place(run / "recipe.yaml", b"a: [" * 25_000_000, lambda: unbraid.load(run))),
        Bomb("a log of 10,000 brackets a line", in_its_place(
            run / "metrics.jsonl", (b"[" * 10_000 + b"\n") * 100, lambda: _none_logged(run)))]


def _none_logged(run: Path) -> object:
    if Run.at(run).metrics() == []:
        raise UnbraidError("no line could be read")
    return None


def _safetensors(shape: list[int], end: int) -> bytes:
    text = json.dumps({"encoder/0.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


def _many_tensors(count: int) -> bytes:
    text = json.dumps({f"e/{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(count)}).encode()
    return struct.pack("<Q", len(text)) + text


def attack(bombs: list[Bomb]) -> tuple[list[str], int, float]:
    """What was wrong, the most bytes that reading took, and the most seconds."""
    found, most, slowest = [], 0, 0.0
    for bomb in bombs:
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        try:
            bomb.read()
            found.append(f"{bomb.name}: it was read")
        except UnbraidError as error:
            if len(str(error)) > 2000:
                found.append(f"{bomb.name}: an error of {len(str(error))} characters")
        except Exception as error:
            found.append(f"{bomb.name}: {type(error).__name__}: {str(error)[:200]}")
        took = time.perf_counter() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
        if grown > MOST or took > SLOWEST:
            found.append(f"{bomb.name}: {grown >> 20} MiB, {took:.0f} s")
        most, slowest = max(most, grown), max(slowest, took)
    return found, most, slowest


def main() -> int:
    """Attack, and say how it went."""
    torch.set_num_threads(1)
    np.seterr(all="ignore")
    with tempfile.TemporaryDirectory() as folder:
        laid = bombs(Path(folder))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 6 * MOST, used + 6 * MOST))
        found, most, slowest = attack(laid)
    print(*found, sep="\n")
    print(f"{len(laid)} files, {len(found)} faults; reading one took at most {most >> 20} MiB and {slowest:.1f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
