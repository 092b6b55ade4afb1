"""The core does without tools: it trains, goes on and loads with every tool plugin blocked."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from tiny_run import TINY

TOOLS = sorted(e.name for e in distribution("unbraid").entry_points if ".tools." in e.value or "viewing" in e.value)
LOADED = """
import sys, torch, unbraid
model = unbraid.load("run")
assert model.step == 4 and model.reconstruct(torch.rand(2, 3, 16, 16)).shape == (2, 3, 16, 16)
assert not [m for m in sys.modules if m.startswith("unbraid_plugins.tools.")], sys.modules
"""


def run(folder: Path, *command: str, block: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "UNBRAID_PLUGINS_BLOCK": block}
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=120)


def test_the_core_trains_goes_on_and_loads_with_every_tool_blocked(tmp_path: Path) -> None:
    assert len(TOOLS) > 11
    (tmp_path / "tiny.yaml").write_text(TINY.replace("tensorboard: false", "tensorboard: true"))
    for command in (("-m", "unbraid", "train", "tiny.yaml", "--out", "run"),
                    ("-m", "unbraid", "train", "--resume", "--out", "run", "train.steps=4"), ("-c", LOADED)):
        done = run(tmp_path, *command, block=",".join(TOOLS))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/metrics.jsonl").read_text().count("\n") == 4
    assert not list((tmp_path / "run").glob("tensorboard*"))


@pytest.mark.parametrize("tool", ["export", "evaluation"])
def test_a_tool_that_is_switched_off_costs_its_command_alone(tmp_path: Path, tool: str) -> None:
    command = {"export": "export", "evaluation": "evaluate"}[tool]
    (tmp_path / "tiny.yaml").write_text(TINY)
    refused = run(tmp_path, "-m", "unbraid", command, "run", block=tool)
    assert refused.returncode == 2
    assert f"the command '{command}' is of the plugin '{tool}', which is not loaded" in refused.stderr
    for other in ("train", "check", "draw"):
        arguments = ["tiny.yaml", "--out", f"{other}.svg"] if other == "draw" else ["tiny.yaml"]
        done = run(tmp_path, "-m", "unbraid", other, *arguments, block=tool)
        assert (done.returncode, tool in done.stderr) == (0, False), done.stderr
