"""Seconds of processor of a command by function, from samples of the stack.

    python tests/benchmarks/shares.py evaluate runs/toy --images 60
    python tests/benchmarks/shares.py --record after evaluate runs/toy --images 60      # docs/results/profile.json

A function has the samples in which it is on the stack, so what it calls counts as its own. Of which checkout the
command is, PYTHONPATH says.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from types import FrameType

from recording import record

APART = 0.004                                      # seconds of processor between samples
PARTS = {
    "DCI's trees": "boosted_trees", "intervals of MIG and modularity": "resampled_information",
    "SAP's machines": "sap", "linear probes": "chunk_probe", "probe of the whole code": "linear_probe",
    "beta-VAE score": "beta_vae_score", "imports": "_find_and_load", "pictures": "write_pictures", "all": "main"}
TABLES = {"main": {"corner": "seconds of processor", "turned": True, "rows": ["before", "after"], "columns": [
    {"title": title, "digits": 1} for title in PARTS]}}


class Samples:
    """Samples of the stack while a block runs: how often each function was on it.  seconds: all in all."""

    def __init__(self) -> None:
        self.found, self.number, self.seconds = Counter[tuple[str, str]](), 0, 0.0

    def __enter__(self) -> Samples:
        self.seconds = -time.process_time()
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, APART, APART)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.seconds += time.process_time()

    def _take(self, _: int, frame: FrameType | None) -> None:
        seen: set[tuple[str, str]] = set()
        while frame is not None:
            seen.add((frame.f_code.co_name, frame.f_code.co_filename.rpartition("site-packages/")[2]))
            frame = frame.f_back
        self.found.update(seen)
        self.number += 1

    def of(self, function: str) -> float:
        """Seconds in a function of this name."""
        most = max((n for (name, _), n in self.found.items() if name == function), default=0)
        return self.seconds * most / max(self.number, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", choices=["before", "after"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with Samples() as samples:
        from unbraid.cli import main as unbraid

        if code := unbraid(options.command):
            sys.exit(code)
    for (name, file), number in samples.found.most_common(60):
        print(f"{samples.seconds * number / samples.number:7.2f} s  {name}  {file}")
    if options.record:
        found = {title: [round(samples.of(name), 2)] for title, name in PARTS.items()}
        record("profile", {options.record: {**found, "all": [round(samples.seconds, 2)]}}, TABLES)


if __name__ == "__main__":
    main()
