"""Result files that benchmarks write: docs/results/NAME.json, with the command, the commit and the processor."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests/project"))
from result_files import kept, without, write  # noqa: E402

TEXT = "in the text"                               # numbers that stand in no table
Rows = Mapping[str, Mapping[str, Sequence[float] | str]]


def record(name: str, rows: Rows, tables: Mapping[str, Any] | None = None) -> None:
    """Write measured rows into a result file; other rows, tables and settings of it stay.

    tables: how they are shown; those that the file has stay.
    """
    found = kept(name)
    own = [row for row in rows if row != TEXT] + [f"{TEXT}: {words}" for words in rows.get(TEXT, {})]
    made = {"command": command(), "commit": git("rev-parse", "--short", "HEAD"),
            "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+0000}", "processor": processor(), "values": own}
    text = {**found["values"].get(TEXT, {}), **rows.get(TEXT, {})}
    values = {**found["values"], **rows} | ({TEXT: text} if text else {})
    found = {**found, "made": [*without(found["made"], own), made], "values": values,
             "tables": {**(tables or {}), **found["tables"]}}
    write(name, found)


def command() -> str:
    """The command that runs, from the root of a checkout."""
    script = Path(sys.argv[0]).resolve()
    return shlex.join(["python", str(script.relative_to(ROOT)), *(Path(w).name if w.startswith("/") else w
                                                                 for w in sys.argv[1:])])


def processor() -> str:
    """The processor's name and the widest vectors that it computes with."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    widest = next((name for flag, name in (("avx512f", "AVX512"), ("avx2", "AVX2")) if flag in flags), "")
    return " ".join([facts.get("model name", "unknown"), widest]).strip()


def git(*words: str) -> str:
    """Ask git about this checkout."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
