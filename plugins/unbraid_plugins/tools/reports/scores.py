"""Metrics beside their baselines: rows of a table, comparisons with baselines, and the scores that come first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from unbraid_plugins.tools.reports.formatting import is_number, number, words
from unbraid_plugins.tools.reports.run_reader import Findings

MODEL = "model"
CEILING = "perfect"
KNOW_NOTHING = ("untrained", "pixels", "random", "unchanged")   # baselines that a model should beat
FIRST = ("transfer_accuracy", "retrieval_map", "edit_control", "swap_accuracy", "mig", "dci", "factor_vae_score",
         "linear_probe", "reconstruction_error", "fid", "live_factors")
TILES, ROWS = 4, 1000
ABOUT = {
    "model": "the trained model",
    "untrained": "the same networks with their initial weights",
    "pixels": "principal components of the pixels",
    "random": "a code of random numbers: the floor",
    "unchanged": "the images as they are, not translated",
    "supervised": "nearest neighbours in the pixels, which are told the azimuths of training images",
    "perfect": "the factors themselves as a code: the ceiling",
}


@attrs.frozen
class Cell:
    """One arm's score of a metric, with its interval."""

    arm: str
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def text(self) -> str:
        """The score, as text."""
        return number(self.value)

    @property
    def interval(self) -> str:
        """The range of plausible scores, as text."""
        return f"{number(self.low)} to {number(self.high)}" if self.low is not None else ""


@attrs.frozen
class Mark:
    """An arm in a small plot of a row.

    place: position of the score, as a share of the plot's width.
    low, high: the same for the ends of its interval.
    """

    arm: str
    place: float
    low: float | None = None
    high: float | None = None


@attrs.frozen
class Score:
    """A metric, or a part of its result, for every arm.

    cells: one for each arm of the page, None where not measured.
    better: "higher", "lower", or empty where unknown.
    part: whether it is a part of a metric's result.
    matched: the baseline that does as well as the model.
    """

    name: str
    title: str
    cells: list[Cell | None]
    summary: str = ""
    better: str = ""
    cost: str = ""
    part: bool = False
    marks: list[Mark] = attrs.Factory(list)
    matched: Cell | None = None

    @property
    def of_model(self) -> Cell | None:
        """The model's cell."""
        return next((c for c in self.cells if c is not None and c.arm == MODEL), None)


def scores(findings: Findings) -> list[Score]:
    """Return a row for every metric that any arm has, each followed by the parts of its result that are numbers."""
    rows = []
    for metric in metrics_of(findings):
        rows.append(_score(findings, metric))
        rows += _parts(findings, metric)
        if len(rows) > ROWS:
            return rows[:ROWS]
    return rows


def metrics_of(findings: Findings) -> list[str]:
    """Return all metrics, those of the model first."""
    return list(dict.fromkeys(m for arm in findings.arms.values() for m in arm))


def cell(findings: Findings, arm: str, metric: str) -> Cell | None:
    """Return the score of a metric; None where it was not measured."""
    result = findings.arms.get(arm, {}).get(metric)
    if result is None or "score" not in result:
        return None
    bounds = (findings.evaluation or {}).get("intervals", {}).get(arm)
    between = bounds.get(metric) if isinstance(bounds, dict) else None
    value = result["score"] if is_number(result["score"]) else None
    if isinstance(between, list) and len(between) == 2 and all(map(is_number, between)):
        return Cell(arm, value, *between)
    return Cell(arm, value)


def about(findings: Findings, metric: str) -> dict[str, Any]:
    """Return summary, better direction and cost of a metric; each is empty where the evaluation has none."""
    result = (findings.evaluation or {}).get("metrics", {}).get(metric)
    result = result if isinstance(result, dict) else {}
    better = result.get("better") if result.get("better") in ("higher", "lower") else ""
    cost = f"{number(result['cost'])} s" if is_number(result.get("cost")) else ""
    return {"summary": str(result.get("summary") or ""), "better": better, "cost": cost}


def _score(findings: Findings, metric: str) -> Score:
    cells = [cell(findings, arm, metric) for arm in findings.arms]
    facts = about(findings, metric)
    return Score(metric, words(metric), cells, **facts, marks=marks(cells), matched=_matched(cells, facts["better"]))


def _parts(findings: Findings, metric: str) -> list[Score]:
    """Return the parts of a metric's result that are numbers and differ from the score."""
    results = {name: arm.get(metric, {}) for name, arm in findings.arms.items()}
    names = dict.fromkeys(k for r in results.values() for k, v in r.items() if k != "score" and is_number(v))
    rows = []
    for part in names:
        values = [r.get(part) for r in results.values() if part in r]
        varies = len(values) < 2 or any(v != values[0] for v in values)          # a count of images is the same for all
        if varies and any(r.get(part) != r.get("score") for r in results.values()):
            cells = [Cell(arm, r[part]) if is_number(r.get(part)) else None for arm, r in results.items()]
            rows.append(Score(f"{metric}.{part}", words(part), cells, part=True, marks=marks(cells)))
    return rows


def marks(cells: Sequence[Cell | None]) -> list[Mark]:
    """Place all arms on one scale; return no marks where there is nothing to compare."""
    known = [c for c in cells if c is not None and c.value is not None]
    ends = [x for c in known for x in (c.value, c.low, c.high) if x is not None]
    if len(known) < 2 or max(ends) <= min(ends):
        return []
    low, size = min(ends), max(ends) - min(ends)

    def place(x: float | None) -> float | None:
        return None if x is None else (x - low) / size

    return [Mark(c.arm, (c.value - low) / size, place(c.low), place(c.high)) for c in known if c.value is not None]


def _matched(cells: Sequence[Cell | None], better: str) -> Cell | None:
    """Return the best baseline that knows nothing of the factors, if its score is as good as the model's or better."""
    own = next((c for c in cells if c is not None and c.arm == MODEL and c.value is not None), None)
    others = [c for c in cells if c is not None and c.arm in KNOW_NOTHING and c.value is not None]
    if own is None or not others or not better:
        return None
    sign = 1.0 if better == "higher" else -1.0
    best = max(others, key=lambda c: sign * (c.value or 0.0))
    return best if sign * (best.value or 0.0) >= sign * (own.value or 0.0) else None


def tiles(rows: Sequence[Score]) -> list[Score]:
    """Return the scores that come first on a page."""
    known = {r.name: r for r in rows if not r.part and r.of_model is not None and r.of_model.value is not None}
    return [known[name] for name in sorted(known, key=lambda n: FIRST.index(n) if n in FIRST else len(FIRST))][:TILES]


def of_data(findings: Findings) -> list[tuple[str, str, str]]:
    """Return name, score and summary of the metrics that depend on the images alone."""
    found = (findings.evaluation or {}).get("data", {})
    return [(words(name), number(result.get("score")), about(findings, name)["summary"])
            for name, result in found.items() if isinstance(result, dict)]
