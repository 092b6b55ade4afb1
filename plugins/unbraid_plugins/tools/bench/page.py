"""The page of a benchmark: `results.md` from `results.json`, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from unbraid.runs import write_whole
from unbraid_plugins.tools.bench.cells import Cell
from unbraid_plugins.tools.bench.facts import Facts
from unbraid_plugins.tools.bench.folder import LARGEST, Bench
from unbraid_plugins.tools.bench.results import results_of
from unbraid_plugins.tools.bench.suite import Suite
from unbraid_registry.files import write_json

NOTHING = "–"
ABOUT = {"pixels": "principal components of the pixels, as many as the code has numbers; for labels, the pixels",
         "random": "codes from N(0, 1)", "perfect": "the known factors as a code",
         "supervised": "networks trained on the labels alone"}


def write_page(bench: Bench, suite: Suite, facts: Mapping[Cell, Facts], failures: Mapping[str, Sequence[str]],
               command: str) -> list[Path]:
    """Write results.json and results.md into the benchmark's folder; return the files.  Raises FileError."""
    found = results_of(bench, suite, facts, failures, command)
    json_file, page = bench.folder / "results.json", bench.folder / "results.md"
    write_json(json_file, _rounded(found), LARGEST)
    write_whole(page, "\n".join(page_of(_rounded(found))) + "\n")
    return [page, json_file]


def page_of(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the page.  found: what results.json holds."""
    yield f"# {found['title']}\n"
    if found["about"]:
        yield f"{found['about']}\n"
    yield from _protocol(found)
    for data in found["data"]:
        yield from _of_data(found, data)
    yield from _needs(found)
    yield from _tuning(found)
    yield from _remarks(found)
    yield from _commands(found)


def _protocol(found: Mapping[str, Any]) -> Iterator[str]:
    protocol = found["protocol"]
    tuning, splits = protocol["tuning"], protocol["splits"]
    yield "## Protocol\n"
    yield (f"* The same images for all: {', '.join(f'{share:.0%} {name}' for name, share in splits.items())}; "
           f"at most {protocol['images']:,} test images are measured on.")
    yield (f"* Seeds: {protocol['seeds']}. A training gets the steps that {protocol['budget']:g} processor seconds are "
           "worth, by the time of a few steps on the machine that ran it.")
    yield (f"* Learning rates: those of the recipe times {_listed([f'{r:g}' for r in tuning['rates']])}, tried for "
           f"{tuning['share']:.0%} of the steps with a seed of its own, and chosen by `{tuning['by']}` on the "
           "validation split. Nothing is chosen on test images.")
    yield "* Brackets: 95 % by bootstrap over seeds, too narrow where these are few. In italics: the same networks with"
    yield "  their initial weights. In bold: the best mean of the column."
    for name, data in found["data"].items():
        counts = "; ".join(f"{'' if source == 'source' else source + ': '}"
                           + ", ".join(f"{n:,} {split}" for split, n in splits.items())
                           for source, splits in data["images"].items())
        yield f"* *{name}*: {counts} images."
    yield ""
    yield "| measure | what it is | better |"
    yield "|---|---|---|"
    for name, measure in found["measures"].items():
        yield f"| {name} | {measure['told']} (`{measure['of']}`) | {measure['better']} |"
    yield ""


def _of_data(found: Mapping[str, Any], data: str) -> Iterator[str]:
    """Yield the table of one data set: methods, each beside its untrained networks, and baselines."""
    cells = [c for c in found["cells"].values() if c["data"] == data]
    yield f"## On {data}\n"
    if cells:
        yield from _table(found, data, cells)
    yield from (f"* {name} is not trained on {data}: {why[data]}." for name, why in found["blind"].items()
                if data in why)
    arms = [f"*{arm}*: {ABOUT[arm]}" for arm in found["baselines"].get(data, {})]
    yield f"* {'; '.join(arms)}.\n" if arms else ""


def _table(found: Mapping[str, Any], data: str, cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    measures = list(found["measures"])
    best = {m: _best([c["scores"].get(m) for c in cells], found["measures"][m]["better"]) for m in measures}
    yield f"| method | told | weights | steps | s | {' | '.join(measures)} |"
    yield f"|---|---|---|---|---|{'---|' * len(measures)}"
    for cell in cells:
        known = [s for s in cell["seconds"] if s is not None]
        scores = [_score(cell["scores"].get(m), best[m]) for m in measures]
        annotation = NOTHING if not cell["annotation"] else "; ".join(cell["annotation"])
        steps = NOTHING if cell["steps"] is None else f"{cell['steps']:,}"
        name = cell["method"] + " †" * _is_flawed(cell)
        yield (f"| {name} | {annotation} | {_count(cell['parameters']['model'])} | {steps} | "
               f"{f'{fmean(known):.0f}' if known else NOTHING} | {' | '.join(scores)} |")
        plain = [f"*{s['mean']:.3g}*" if (s := cell["untrained"].get(m)) else "" for m in measures]
        if any(plain):
            yield f"| *untrained* | | | | | {' | '.join(plain)} |"
    for arm, scores_of in found["baselines"].get(data, {}).items():
        yield f"| {arm} | | | | | {' | '.join(_span(scores_of.get(m)) for m in measures)} |"
    yield ""


def _needs(found: Mapping[str, Any]) -> Iterator[str]:
    yield "## What each method must be told, and its size\n"
    yield "Annotation is read off the recipe: what its draws share, and the fields that its losses read.\n"
    yield "| method | data | annotation | model | critics and others | recipe | paper |"
    yield "|---|---|---|---|---|---|---|"
    for cell in found["cells"].values():
        yield (f"| {cell['method']} | {cell['data']} | {'; '.join(cell['annotation']) or 'none'} | "
               f"{cell['parameters']['model']:,} | {cell['parameters']['helpers']:,} | `{cell['recipe']}` | "
               f"{cell['paper'] or NOTHING} |")
    yield ""


def _tuning(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"## Learning rates, by `{found['protocol']['tuning']['by']}` on the validation split\n"
    rates = [f"{r:g}" for r in found["protocol"]["tuning"]["rates"]]
    yield f"| method | data | {' | '.join(f'x {r}' for r in rates)} | taken | ms a step |"
    yield f"|---|---|{'---|' * len(rates)}---|---|"
    for cell in found["cells"].values():
        tries = cell["tries"] or {}
        scores = [f"{tries[r]:.3f}" if r in tries else NOTHING for r in rates]
        taken = NOTHING if cell["rate"] is None else f"x {cell['rate']:g}"
        each = NOTHING if not cell["each"] else f"{1000 * cell['each']:.0f}"
        why = f" ({cell['untuned']})" if cell["untuned"] else ""
        yield f"| {cell['method']} | {cell['data']} | {' | '.join(scores)} | {taken}{why} | {each} |"
    yield ""


def _remarks(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what went wrong or was left out: nothing of it is silent."""
    lines = []
    for name, cell in found["cells"].items():
        if cell["missing"]:
            lines.append(f"† {name}: {cell['missing']} of {cell['missing'] + len(cell['seeds'])} seeds have no result")
        lines += [f"† {name} failed: {why}" for why in cell["failures"]]
        lines += [f"† {name}: the loss of {what} stayed at chance: this adversary taught nothing"
                  for what in cell["at chance"]]
        lines += [f"† {name}: the losses of {what} rose to more than five times their least: the training broke at "
                  "this learning rate" for what in cell["broken"]]
        lacking = [m for m in found["measures"] if m not in cell["scores"] and cell["seeds"]]
        if lacking:
            lines.append(f"{name} has no {_listed(lacking)}: it has not what these measures ask for")
        lines += [f"{name}: {note}" for note in cell["notes"]]
    if lines:
        yield "## Remarks\n"
        yield from (f"* {' '.join(line.split())}{'' if line.endswith('.') else '.'}" for line in dict.fromkeys(lines))
        yield ""


def _commands(found: Mapping[str, Any]) -> Iterator[str]:
    made = found["made"]
    commit = (made.get("sources") or made.get("git") or {}).get("commit")
    versions = ", ".join(f"{k} {v}" for k, v in (made.get("versions") or {}).items())
    yield "## Commands\n"
    yield f"Of {made.get('started')}, at commit {commit or 'unknown'}; {versions}.\n"
    yield "```console"
    yield f"$ {found['command']}"
    yield "```\n"
    yield "It ran these:\n"
    yield "```console"
    for cell in found["cells"].values():
        yield from (f"$ {line}" for line in cell["commands"])
    yield "```"


def _is_flawed(cell: Mapping[str, Any]) -> bool:
    return bool(cell["missing"] or cell["failures"] or cell["at chance"] or cell["broken"])


def _best(scores: Sequence[Mapping[str, Any] | None], better: str) -> float | None:
    known = [s["mean"] for s in scores if s is not None]
    return None if len(known) < 2 or not better else (min if better == "lower" else max)(known)


def _score(s: Mapping[str, Any] | None, best: float | None) -> str:
    if s is None:
        return NOTHING
    mean = f"{s['mean']:.3g}"
    between = f" [{s['interval'][0]:.3g}, {s['interval'][1]:.3g}]" if s["interval"] else ""
    return (f"**{mean}**" if s["mean"] == best else mean) + between


def _span(s: Mapping[str, Any] | None) -> str:
    """Return a baseline's score, or its smallest and largest over the codes of the methods."""
    if s is None:
        return ""
    low, high = f"{s['min']:.3g}", f"{s['max']:.3g}"
    return low if low == high else f"{low} … {high}"


def _count(number: int) -> str:
    return f"{number / 1000:.0f} k" if number >= 1000 else str(number)


def _listed(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]


def _rounded(value: Any) -> Any:
    """Round floats to 6 digits; tuples become lists."""
    if isinstance(value, Mapping):
        return {str(key): _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return round(value, 6) if isinstance(value, float) else value
