"""Another tracker is a plugin of one file: the example of the documentation, against a stand-in for its package."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[3] / "docs/examples/wandb_logger.py"


class Page:
    """What `wandb.init` gives, as far as it is used: it remembers what it is told."""

    def __init__(self, **about: Any) -> None:
        self.about, self.logged, self.exit_code = about, list[tuple[int, dict[str, Any]]](), None

    def log(self, values: dict[str, Any], step: int) -> None:
        assert not self.logged or step >= self.logged[-1][0], "wandb drops steps that go back"
        self.logged.append((step, values))

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """The pages that a stand-in for wandb was asked for."""
    opened: list[Page] = []

    def init(**about: Any) -> Page:
        opened.append(Page(**about))
        return opened[-1]

    stand_in: Any = ModuleType("wandb")
    stand_in.init, stand_in.Image = init, lambda pixels: ("image", pixels.shape)
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    return opened


def test_the_example_logs_a_training_and_goes_on_with_it(unbraid: Any, tiny: Path, pages: list[Page]) -> None:
    assert unbraid("train", tiny, "--plugin", EXAMPLE, "--out", "run").code == 0
    assert unbraid("train", "--resume", "--out", "run", "--plugin", EXAMPLE, "train.steps=4").code == 0
    first, second = pages
    assert first.about["id"] == "run"
    assert first.about["config"]["title"] == "A tiny mixing"
    numbers = {step: values for step, values in first.logged if "autoencoder/rebuild" in values}
    assert list(numbers) == [1, 2]
    assert all(isinstance(v, float) for v in numbers[1].values())
    assert any(value[0] == "image" and value[1][2] == 3 for _, values in first.logged for value in values.values()
               if isinstance(value, tuple))
    assert second.about["resume_from"] == "run?_step=2"
    assert [page.exit_code for page in pages] == [0, 0]


def test_a_tracker_that_fails_costs_a_line_and_no_training(unbraid: Any, tiny: Path, pages: list[Page],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "log", lambda *_, **__: 1 / 0)
    said = unbraid("train", tiny, "--plugin", EXAMPLE, "--out", "run")
    assert said.code == 0
    assert said.err.count("its hook unbraid_log failed: ZeroDivisionError") == 1
    assert Path("run/checkpoints/step-00000002").is_dir()
