"""Files that want all memory are refused: `bombs.py`, in a process whose memory is limited."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_bombs_are_refused_in_little_memory() -> None:
    done = subprocess.run([sys.executable, Path(__file__).with_name("bombs.py")], capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "21 files, 0 faults" in done.stdout
