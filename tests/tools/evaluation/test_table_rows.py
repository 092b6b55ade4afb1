"""Which rows the metrics of tables get, where factors are unknown and where there is a test split."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid.data import Field, Images
from unbraid_plugins.tools.evaluation import Protocol
from unbraid_plugins.tools.evaluation.evidence import _table, is_grid
from unbraid_plugins.tools.evaluation.metric_runner import interval
from unbraid_plugins.tools.evaluation.protocol import QUICK, STUDY

RNG = np.random.default_rng(0)
ORDER = RNG.permutation(600)
UNSEEN, SEEN = ORDER[:200], ORDER[200:]


@pytest.fixture(scope="module")
def images() -> Images:
    """600 images: the factor a is known for all, b for 70 % and rare for 20 %."""
    labels = {"a": RNG.integers(0, 3, 600), "b": np.where(RNG.random(600) < 0.3, -1, RNG.integers(0, 4, 600)),
              "rare": np.where(RNG.random(600) < 0.8, -1, RNG.integers(0, 4, 600))}
    return Images(np.zeros((600, 1, 4, 4), np.uint8), {name: Field(v, 4) for name, v in labels.items()})


@pytest.mark.parametrize("protocol", [QUICK, STUDY])
@pytest.mark.parametrize("apart", [True, False])
def test_rows_are_complete_and_fitted_ones_are_not_judged(images: Images, protocol: Protocol, apart: bool) -> None:
    found, columns, grid, notes = _table(images, dict.fromkeys(images.fields, 4), protocol, UNSEEN, SEEN, apart)
    assert columns == ["a", "b"]
    assert not grid
    assert notes == ["rare is known for less than half of the images, and no column of the table"]
    rows, factors = found["rows"], found["table_factors"]
    assert (factors >= 0).all()
    assert (factors == np.stack([images.fields[f].values[rows] for f in columns], 1)).all()
    assert len(rows) == (images.fields["b"].values >= 0).sum()
    assert set(rows[found["train_rows"]]) <= set(SEEN)
    assert set(rows[found["test_rows"]]) <= set(UNSEEN)
    for name in ("measured_rows", "drawn_rows"):
        assert (set(rows[found[name]]) <= set(UNSEEN)) == apart


def test_factors_that_are_never_known_together() -> None:
    known = np.arange(8) % 2 == 0
    fields = {"a": Field(np.where(known, 1, -1), 2), "b": Field(np.where(known, -1, 1), 2)}
    found, columns, _, notes = _table(Images(np.zeros((8, 1, 4, 4), np.uint8), fields), {"a": 2, "b": 2}, QUICK,
                                      np.arange(4), np.arange(4, 8), True)
    assert (found, columns) == ({}, [])
    assert notes[0].startswith("hardly an image has all of its factors known")


def test_a_grid_has_every_combination() -> None:
    grid = np.stack(np.meshgrid([0, 2, 4], [1, 5], indexing="ij"), -1).reshape(-1, 2)
    assert is_grid(grid)
    assert is_grid(np.concatenate([grid, grid]))
    assert not is_grid(grid[:-1])
    assert not is_grid(np.concatenate([grid, grid[:1]]))


def test_intervals() -> None:
    again = np.asarray([0.61, 0.6, 0.62])                            # resampling added 0.1: the interval is moved
    low, high = interval(0.5, again) or (0, 0)
    assert low < 0.5 < high
    assert high - low == pytest.approx(0.019, abs=1e-3)
    assert interval(0.01, np.asarray([0.0, 0.0, 0.0, 0.3])) == [0.0, pytest.approx(0.2125, abs=0.02)]
    assert interval(float("nan"), again) is interval(0.5, np.empty(0)) is None
