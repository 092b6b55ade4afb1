"""A suite of two narrow methods on small pictures, whose trainings run in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_run import TINY

from unbraid.cli import main
from unbraid_plugins.tools.studies import Sweep

SUITE = """\
title: Two narrow methods
about: Small figures.
budget: 0.3
seeds: 2
images: 24
data:
  figures:
    source: {type: sprites, size: 16, count: 120, only: {shirt: red, trousers: jeans, facing: front, pose: stand}}
  clips:
    source: {type: moving_sprites, size: 16, frames: 4, clips: 10}
methods:
  mixing:
    recipe: ./tiny.yaml
    on: {figures: []}
    blind: {clips: "figures are enough"}
  pairs:
    recipe: ./tiny.yaml
    set: ["data.draw.x2={same: [skin], as: x1}"]
    on: {figures: ["networks.encoder.width=6"]}
    blind: {clips: "clips have no skin"}
tuning: {rates: [1, 10], share: 0.5, by: retrieval_map}
probe: {labels: [2]}
measures:
  retrieval: {of: retrieval_map, told: "neighbours by each factor's best chunk"}
  rebuilt:   {of: reconstruction_error.psnr, told: "of reconstructions"}
  labels:    {of: probe.linear.2, told: "with two labels"}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The file of the suite."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path / "suite.yaml"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of a sweep's child processes, which run in this process instead.

    A file `broken` names the cell whose commands fail.
    """
    ran: list[list[str]] = []

    def child(self: Sweep, job: object, commands: list[list[str]], slot: int) -> int:
        for command in commands:
            ran.append(command)
            if Path("broken").is_file() and Path("broken").read_text() in str(command):
                return 3
            code = main(command)
            if code:
                return code
        return 0

    monkeypatch.setattr(Sweep, "_child", child)
    return ran
