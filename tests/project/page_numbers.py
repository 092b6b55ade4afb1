"""The numbers of pages, each of which stands in a result file (see `result_files.py`).

The result files of a section are those of its generated tables, those of the sections of the results that it links to,
and those that a line `<!-- results: NAME -->` names where there is no table. Numbers that nobody measured (a learning
rate, ln 2, a version) are settings: of the result file, or in docs/results/settings.json, by page and section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from house import ROOT
from result_files import FOLDER, read, table
from result_tables import BLOCK, PAGES

FORM = ["The paper's value and ours", "Failing ablation", "Picture"]     # of a fidelity page, after the deviations
FIDELITY = [page for page in sorted((ROOT / "docs/fidelity").glob("*.md")) if page.stem != "index"]
TOLD = [*PAGES, *(ROOT / "docs" / page for page in ("gallery.md", "models.md"))]
SETTINGS = FOLDER / "settings.json"
LINK = re.compile(r"\]\(((?:\.\./)*[\w/-]*\.md)?#([\w-]+)\)")
FILE = re.compile(r"<!-- results: ([\w-]+)(?: [\w-]+)? -->")
NO_PROSE = re.compile(r"```.*?```|`[^`]*`|!\[[^\]]*\]|\]\([^)]*\)|\$\$.*?\$\$|\$[^$\n]+\$|arXiv \d+\.\d+|<!--.*?-->",
                      re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")
PERCENT = re.compile(r"((?:\d+(?:\.\d+)?(?:,|\sto|\sand|\sor)\s+)*\d+(?:\.\d+)?)\s(?:%|per\scent)")


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """The title and the text of every section of a page, as far as the next title of any level."""
    title, lines, fenced = "", list[str](), False
    for line in page.read_text(encoding="utf-8").splitlines(keepends=True):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (found := re.match(r"#{1,4} (.*)", line)):
            yield title, "".join(lines)
            title, lines = found[1].strip(), []
        lines.append(line)
    yield title, "".join(lines)


def named(page: Path, title: str) -> str:
    """`docs/results.md: Mixing on LPC sprites`."""
    return f"{page.relative_to(ROOT)}: {title}"


def quotes(page: Path, title: str) -> bool:
    """Whether a section quotes numbers of the results, each with a link; test_quoted_numbers.py compares them."""
    return page.name in ("which-method.md", "claims.md") or (page.parent.name == "fidelity" and title in FORM)


def has_typed_table(page: Path, title: str, text: str) -> bool:
    """Whether somebody typed a measured number into a table: with decimals, no setting, in a row that links nowhere."""
    plain = re.sub(r"```.*?```", "", BLOCK.sub("", text), flags=re.DOTALL)
    rows = [NO_PROSE.sub("", row) for row in plain.splitlines() if row.startswith("|") and "results.md#" not in row]
    settings = page_settings().get(named(page, title), [])
    return any(n not in settings for row in rows for cell in row.split("|")[2:] for n in NUMBER.findall(cell))


def slug(title: str) -> str:
    """The anchor of a title, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).replace(" ", "-")


def files_of(page: Path, text: str) -> set[str]:
    """The names of the result files that hold the numbers of a section."""
    names = set(FILE.findall(text))
    for file, anchor in LINK.findall(text):
        target = (page.parent / file).resolve() if file else page
        if target.is_file():
            names |= {name for title, section in sections(target) if slug(title) == anchor
                      for name in FILE.findall(section)}
    return names


def untold(page: Path, title: str, text: str) -> list[str]:
    """The decimals and per cents in the text of a section that none of its result files has, and no setting is.

    A decimal has to stand in a table as it is written, or among the values of the text; one that is
    rounded further does not count. A wrong number that happens to be another one of the same file is not seen.
    """
    files = [read(name) for name in sorted(files_of(page, text))]
    settings = {*page_settings().get(named(page, title), [])}.union(*(found.get("settings", []) for found in files))
    lines = [line for found in files for name in found["tables"] for line in table(found, name)]
    shown = {number for line in lines for number in NUMBER.findall(line)}
    known = [abs(v) for found in files for v in of_the_text(found)]
    prose = NO_PROSE.sub("", BLOCK.sub("", text))
    decimals = NUMBER.findall(PERCENT.sub("", prose))
    percents = [n for group in PERCENT.findall(prose) for n in re.findall(r"\d+(?:\.\d+)?", group)]
    shares = [*known, *map(float, shown)]
    return [n for n in decimals if n not in settings | shown and not any(agrees(n, v) for v in known)] + [
        f"{n} %" for n in percents
        if f"{n} %" not in settings and not any(agrees(n, v) or agrees(n, v * 100) for v in shares)]


def agrees(written: str, value: float) -> bool:
    """Whether a number, rounded to as many decimals, is the written one."""
    return abs(float(written) - value) <= 0.5000001 * 10.0 ** -len(written.partition(".")[2])


def of_the_text(found: Mapping[str, Any]) -> Iterator[float]:
    """The numbers of a result file that stand in no table, and those of papers."""
    for row in (found["values"].get("in the text", {}), *found.get("papers", {}).values()):
        for values in row.values():
            if not isinstance(values, str):
                yield from values


@cache
def page_settings() -> dict[str, list[str]]:
    """The settings of sections that have no result file."""
    return json.loads(SETTINGS.read_text(encoding="utf-8")) if SETTINGS.is_file() else {}
