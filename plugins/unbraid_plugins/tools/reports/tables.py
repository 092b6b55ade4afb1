"""Tables of a model's results by factor and by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from unbraid_plugins.tools.reports.formatting import is_number, number, words
from unbraid_plugins.tools.reports.run_reader import Findings

LARGEST = 128                                      # rows


@attrs.frozen
class Column:
    """Values of one part of one metric's result, one for each row of the table."""

    metric: str
    part: str
    values: list[str]


@attrs.frozen
class Breakdown:
    """A table by factor or chunk."""

    of: str
    rows: list[str]
    columns: list[Column]

    @property
    def heads(self) -> list[tuple[str, int]]:
        """The metrics, each with the number of its columns."""
        counts: dict[str, int] = {}
        for column in self.columns:
            counts[column.metric] = counts.get(column.metric, 0) + 1
        return list(counts.items())


def breakdowns(findings: Findings) -> list[Breakdown]:
    """Return tables by factor and by chunk, where the results have values for them."""
    model = findings.arms.get("model", {})
    chunks: list[Any] = next((r["chunks"] for r in model.values() if isinstance(r.get("chunks"), list)), [])
    found = [_breakdown("factor", findings.factors, model, (findings.evaluation or {}).get("data", {})),
             _breakdown("chunk", [str(c) for c in chunks], model, {})]
    return [b for b in found if b.columns]


def _breakdown(of: str, rows: Sequence[str], model: Mapping[str, Any], data: Mapping[str, Any]) -> Breakdown:
    columns: list[Column] = []
    for metric, result in {**model, **data}.items():
        for part, value in (result.items() if isinstance(result, dict) else ()):
            values = _values(value, rows) if len(columns) < LARGEST else None
            if values is not None and not any(c.values == values and (c.part == words(part) or _is_text(value))
                                              for c in columns):       # two metrics with the same chance values
                columns.append(Column(words(metric), words(part), values))
    return Breakdown(of, list(rows)[:LARGEST], columns)


def _is_text(value: Mapping[str, Any]) -> bool:
    return all(isinstance(v, str) for v in value.values())


def _values(value: Any, rows: Sequence[str]) -> list[str] | None:
    """Return one text for each row; None where the part is about other things than the rows."""
    if not rows or not isinstance(value, dict) or not value or not set(value) <= set(rows):
        return None
    if not all(v is None or is_number(v) or isinstance(v, str) for v in value.values()):
        return None
    return [v if isinstance(v := value.get(row), str) else number(v) for row in rows][:LARGEST]
