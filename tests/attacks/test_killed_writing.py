"""A kill at any time leaves whole checkpoints; `killed_writing.py` does the same a thousand times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_kills_leave_whole_checkpoints() -> None:
    done = subprocess.run([sys.executable, HERE / "killed_writing.py", "--rounds", "60"], capture_output=True,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.split()
    assert int(words[words.index("kills,") + 1]) > 5                # some struck in the middle
    assert int(words[words.index("checkpoints") - 1]) > 20
    assert "0 faults" in done.stdout
