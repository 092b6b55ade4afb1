"""What a step frees is there for the next one, without a page fault for each of its pages."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

STEPS = """
import ctypes
import resource
import torch
from unbraid.engine.devices import MAP, TRIM, keep_freed_memory

def step():
    return sum(float(t[0]) for t in [torch.ones(2**17) for _ in range(40)])

for which in TRIM, MAP:                            # as bad as it gets by chance
    ctypes.CDLL(None).mallopt(which, 2**17)
keep_freed_memory()
for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**surroundings: str) -> int:
    """How many pages ten steps of 5120 wait for; surroundings: environment variables."""
    own = {name: v for name, v in os.environ.items() if name not in ("MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")}
    told = subprocess.run([sys.executable, "-c", STEPS], env=own | surroundings, capture_output=True, check=True)
    return int(told.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_steps_find_their_memory_again() -> None:
    assert faults() < 5000
    assert faults(MALLOC_TRIM_THRESHOLD_="131072") > 25000      # as the user wishes
