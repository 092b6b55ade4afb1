"""A probe as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from unbraid_plugins.tools.display import Page

PARTS = 3                                          # number of the best parts of the code to show for a factor
TITLES = {"linear": "linear", "nearest": "nearest", "network": "network"}


def table(results: Sequence[tuple[str, dict[str, Any]]], *, colour: bool | None = None) -> str:
    """Return a table for every run: factors and representations down, classifiers and numbers of labels across.

    colour: use the terminal's colours and lines; None: if stdout is a terminal; otherwise plain text.
    """
    page = Page(colour)
    for name, result in results:
        page.print(f"{name}: {_about(result)}")
        if result["factors"]:
            page.print(_accuracies(result, page.table(between=1)))
        if result.get("numbers"):
            page.print("R2 of numbers, by how many images are labelled; 0 is the mean, below 0 is worse than it:")
            page.print(_explained(result, page.table(between=1)))
        for note in result["notes"]:
            page.print(f"{name}: {note}")
    page.print(_legend([result for _, result in results]), dim=True)
    return str(page)


def _about(result: dict[str, Any]) -> str:
    ends = [f"{end['images']} {end['split']} images of {end['source']}"
            for end in (result["fitted_on"], result["judged_on"])]
    return f"fitted on {ends[0]}, judged on {ends[1]}"


def _accuracies(result: dict[str, Any], grid: Table) -> Table:
    """Fill the table with accuracies; the best of a factor's column is bold."""
    columns = [(c, i) for c in result["accuracy"] for i in range(len(result["labels"]))]
    grid.add_column("factor")
    grid.add_column("of")
    for classifier, i in columns:
        grid.add_column(f"{TITLES[classifier] if i == 0 else ''}\n{result['labels'][i]}", justify="right")
    for factor, known in result["factors"].items():
        rows = [(name, [_value(result, c, name, factor, i) for c, i in columns]) for name in shown(result, factor)]
        best = [_text(max((v for _, row in rows if (v := row[i]) is not None), default=None))
                for i in range(len(columns))]
        for number, (name, row) in enumerate(rows):
            grid.add_row(factor if number == 0 else "", name, *(_cell(v, b) for v, b in zip(row, best, strict=True)))
        grid.add_row("", "chance", *[f"{known['chance']:.2f}"] * len(columns), style="dim")
        grid.add_section()
    return grid


def _explained(result: dict[str, Any], grid: Table) -> Table:
    """Fill the table with R2 of numbers; the best of a number's column is bold."""
    columns = [(c, i) for c in result["r2"] for i in range(len(result["labels"]))]
    grid.add_column("number")
    grid.add_column("of")
    for kind, i in columns:
        grid.add_column(f"{kind if i == 0 else ''}\n{result['labels'][i]}", justify="right")
    for number in result["numbers"]:
        rows = [(name, [result["r2"][c][name][number]["mean"][i] for c, i in columns])
                for name in shown(result, number)]
        best = [_text(max((v for _, row in rows if (v := row[i]) is not None), default=None))
                for i in range(len(columns))]
        for place, (name, row) in enumerate(rows):
            cells = (_cell(v, b) if v is None or v >= 0 else "<0" for v, b in zip(row, best, strict=True))
            grid.add_row(number if place == 0 else "", name, *cells)
        grid.add_section()
    return grid


def shown(result: dict[str, Any], what: str) -> Iterator[str]:
    """Yield the representations to show for a factor or number: all, but of many parts only those that tell the most.
    """
    scores = result["accuracy" if what in result["factors"] else "r2"]["linear"]
    parts = [name for name, r in result["representations"].items() if r["kind"] == "part"]
    know = sorted(parts, key=lambda name: -sum(v or 0.0 for v in scores[name][what]["mean"]))[:PARTS]
    return (name for name, r in result["representations"].items() if r["kind"] != "part" or name in know)


def _value(result: dict[str, Any], classifier: str, name: str, factor: str, i: int) -> float | None:
    found = result["accuracy"][classifier].get(name)
    return None if found is None else found[factor]["mean"][i]


def _cell(value: float | None, best: str) -> Text:
    text = _text(value)
    return Text(text, "bold" if value is not None and text == best else "")


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _legend(results: Sequence[dict[str, Any]]) -> str:
    draws = max(r["draws"] for r in results)
    few = f"the mean of {draws} draws" if draws > 1 else "one draw"
    hidden = any(sum(r["kind"] == "part" for r in result["representations"].values()) > PARTS for result in results)
    return (f"Accuracy on test images, by how many images of every class are labelled; {few} of few "
            "labels. linear: a logistic regression; nearest: the nearest labelled images; both on frozen codes. "
            "code: all of the code; untrained: that of the same networks before training; chance: the most frequent "
            "class." + (f" The {PARTS} best parts of a code are shown; probe.json has all." if hidden else ""))
