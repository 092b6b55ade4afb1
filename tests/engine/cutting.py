"""Ends a training in the middle of a step, between the updates of two players."""

from __future__ import annotations

import pytest

from unbraid.engine.optimizers import Optimizer


class CutError(Exception):
    """The training ends here."""


def cut_at(monkeypatch: pytest.MonkeyPatch, step: int, move: int | None = None) -> None:
    """End a training in this step (counted from 0), when so many updates are made.

    move: by default 1, so that one player moved and the next did not; 0 where a step has one update.
    """
    update, made = Optimizer.step, dict[int, int]()

    def counted(self: Optimizer, number: int) -> None:
        at = min(1, made.get(number - 1, 1) - 1) if move is None else move
        if number > step or (number == step and made.get(number, 0) == at):
            raise CutError
        made[number] = made.get(number, 0) + 1
        update(self, number)

    monkeypatch.setattr(Optimizer, "step", counted)
