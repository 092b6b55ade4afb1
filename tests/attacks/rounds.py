"""The command line of an attack in rounds: how many, from which seed, and what it found."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch


def in_rounds(description: str | None, attack: Callable[[Path, int, int], tuple[str, list[str]]]) -> int:
    """Attack in an empty folder and say how it went; the exit code.

    attack(folder, rounds, seed): a line on what it did, and the faults that it found.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        did, found = attack(Path(folder), asked.rounds, asked.seed)
    print(*found[:20], sep="\n")
    print(f"{did}; {len(found)} faults")
    return 1 if found else 0
