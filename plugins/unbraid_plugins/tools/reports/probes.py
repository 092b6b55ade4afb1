"""The results of `unbraid probe` as tables of a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from unbraid.data import BadPicture, open_picture
from unbraid_plugins.tools.reports.formatting import is_number, number
from unbraid_plugins.tools.reports.image_rows import Strip, data_uri
from unbraid_plugins.tools.reports.run_reader import Findings

TITLES = {"linear": "Linear classifier", "nearest": "Nearest neighbour", "network": "Supervised network"}

REGRESSIONS = {"linear": "R2 of a linear regression", "nearest": "R2 of the nearest images"}


@attrs.frozen
class Accuracy:
    """A cell of a table.

    share: the accuracy from 0 to 1.
    spread: standard deviation of the draws of few labels, as text.
    best: whether it is the best of its factor's column.
    """

    text: str
    share: float
    spread: str
    best: bool


@attrs.frozen
class Table:
    """The accuracies of one classifier; factors: name, chance and the rows of representations."""

    title: str
    columns: list[str]
    factors: list[tuple[str, str, list[tuple[str, list[Accuracy]]]]]


@attrs.frozen
class Transfer:
    """One probe: classifiers that are fitted on one source and judged on one source."""

    title: str
    tables: list[Table]
    notes: list[str]
    picture: Strip | None


def transfers(findings: Findings) -> list[Transfer]:
    """Return a part of the page for every probe, with its picture if it can be read."""
    return [Transfer(_title(probe), [*_tables(probe)], list(map(str, probe["notes"])),
                     _picture(findings, probe["name"])) for probe in findings.probes]


def _title(probe: dict[str, Any]) -> str:
    ends = [f"{number(end.get('images'))} {end.get('split', '')} images of {end.get('source', '')}"
            for end in (probe["fitted_on"], probe["judged_on"])]
    return f"Fitted on {ends[0]}, judged on {ends[1]}"


def _tables(probe: dict[str, Any]) -> Iterator[Table]:
    """Yield a table for every classifier, and for every regression of numbers."""
    if probe["factors"]:
        for name, found in probe["accuracy"].items():
            yield _table(probe, TITLES.get(name, name), found, probe["factors"])
    for name, found in probe.get("r2", {}).items():
        yield _table(probe, REGRESSIONS.get(name, name), found, probe.get("numbers", {}))


def _table(probe: dict[str, Any], title: str, found: dict[str, Any], known: dict[str, Any]) -> Table:
    factors = []
    for factor, facts in known.items():
        columns = list(zip(*(found[name][factor]["mean"] for name in found), strict=True))
        best = [_text(max(filter(is_number, column), default=None)) for column in columns]
        rows = [(str(name), [_cell(by_factor[factor], i, best[i]) for i in range(len(columns))])
                for name, by_factor in found.items()]
        factors.append((str(factor), number(facts.get("chance", 0)), rows))
    return Table(title, [str(n) for n in probe["labels"]], factors)


def _cell(found: dict[str, Any], i: int, best: str) -> Accuracy:
    value, spreads = found["mean"][i], found.get("std") or []
    spread = spreads[i] if i < len(spreads) else None
    share = min(max(value, 0.0), 1.0) if is_number(value) else 0.0
    return Accuracy(_text(value), share, _text(spread) if is_number(spread) else "",
                    is_number(value) and _text(value) == best)


def _text(value: Any) -> str:
    return f"{value:.2f}" if is_number(value) else number(None)


def _picture(findings: Findings, name: str) -> Strip | None:
    """Return the picture that stands beside the numbers; the tables have the same content."""
    file = findings.pictures.get(name)
    if file is None:
        return None
    try:
        with open_picture(file.path, ("PNG",)) as picture:
            image = picture.convert("RGB")
    except (BadPicture, OSError, ValueError, SyntaxError) as error:
        findings.gaps.append(f"The picture {file.path.name} can't be read: {type(error).__name__}.")
        return None
    return Strip(data_uri(image), "Accuracy over the number of labels, a panel for every factor and classifier, a line "
                 "for every representation; the tables below have the numbers", image.width, image.height, False)
