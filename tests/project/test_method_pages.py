"""The pages of the methods say what the recipes say: equations beside lines that exist, figures of what is there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from house import ROOT

from unbraid.cli import read_recipe
from unbraid_configs import bundled_recipes
from unbraid_plugins.tools.figure.diagram import diagram_of
from unbraid_registry import registry

PAGES = [p for p in sorted((ROOT / "docs/methods").glob("*.md")) if p.stem != "index"]
FIGURES = [f for f in sorted((ROOT / "docs/figures").glob("*.svg")) if f.stem in bundled_recipes()]
TABLE = re.compile(r"^\| in the papers?[^|]*\| in (?:the|a) recipe \|\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
INCLUDED = re.compile(r"literalinclude\} \S+/recipes/\w+/([\w-]+)\.yaml")
VARIANTS = re.compile(r"^```\{variants\} (.+)$", re.MULTILINE)


def plain(text: str) -> str:
    """Without comments, and with single spaces."""
    return " ".join(re.sub(r"\s#.*", "", text).split())


def quoted(text: str) -> list[str]:
    """The lines of recipes that stand beside equations."""
    rows = [row for table in TABLE.findall(text) for row in table.splitlines()]
    return [line for row in rows for line in re.findall(r"`([^`]+)`", row.rstrip("| ").rpartition(" | ")[2])]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_equations_stand_beside_lines_of_the_recipe(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    recipes = [plain(bundled_recipes()[name].read_text(encoding="utf-8")) for name in INCLUDED.findall(text)]
    lines = quoted(text)
    assert len(lines) >= 6, f"{page.name} quotes {len(lines)} lines of its recipe beside equations"
    missing = [line for line in lines if not any(plain(line) in recipe for recipe in recipes)]
    assert not missing, f"{page.name} quotes what no recipe on it says: " + "; ".join(missing)


@pytest.mark.parametrize("file", FIGURES, ids=lambda f: f.stem)
def test_a_figure_is_that_of_its_recipe(file: Path) -> None:
    """By its title and its words: glyphs depend on matplotlib.  `unbraid draw NAME --out docs/figures/NAME.svg`"""
    diagram = diagram_of(read_recipe(file.stem, on_paper=True), registry().catalog)
    root, space = ElementTree.parse(file).getroot(), "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{space}title") == diagram.title
    assert root.findtext(f"{space}desc") == diagram.description


def test_every_recipe_is_in_the_table_of_a_method() -> None:
    families = {name for page in PAGES for found in VARIANTS.findall(page.read_text("utf-8")) for name in found.split()}
    bases = {name: re.search(r"^base: *([\w-]+)", file.read_text("utf-8"), re.MULTILINE)
             for name, file in bundled_recipes().items()}

    def line(name: str) -> set[str]:
        base = bases[name]
        return {name} | (line(base[1]) if base else set())

    assert families <= bases.keys()
    lost = sorted(name for name in bases if not families & line(name))
    assert not lost, f"no page of docs/methods has a table with {', '.join(lost)}:  ```{{variants}} {lost[:1]}"
