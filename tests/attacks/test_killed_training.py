"""A training that is killed again and again is the undisturbed one; `killed_training.py` does it a thousand times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_kills_change_nothing() -> None:
    done = subprocess.run([sys.executable, HERE / "killed_training.py", "--rounds", "20"], capture_output=True,
                          text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.split()
    assert int(words[words.index("kills,") - 1]) >= 20
    assert int(words[words.index("trainings") - 1]) > 0
    assert "0 faults" in done.stdout
