"""Pages that quote measured numbers link each to the section of the results where it stands, and say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house import ROOT
from page_numbers import FIDELITY, LINK, quotes, sections, slug

NAMED = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)" + LINK.pattern)
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")


def numbers(text: str) -> set[str]:
    return set(DECIMAL.findall(re.sub(r"\]\([^)]*\)", "]", text)))


def pieces(text: str) -> list[str]:
    """The paragraphs, items of lists and rows of tables of a text, without code."""
    plain = re.sub(r"```.*?```|<!--.*?-->|`[^`]*`", "", text, flags=re.DOTALL)
    return [piece.strip() for piece in re.split(r"\n\s*\n|\n(?=[*|])", plain) if piece.strip()]


def linked(page: Path, piece: str) -> str:
    """The text of the sections that a piece links to; of a link that says "row *mixing*", the lines of these rows."""
    found = []
    for words, file, anchor in NAMED.findall(piece):
        target = (page.parent / file).resolve() if file else page
        known = {slug(title): text for title, text in sections(target)}
        assert anchor in known, f"{target.name} has no section #{anchor}"
        rows = re.findall(r"\*([^*]+)\*", words) if re.search(r"\brows?\b", words) else []
        found += [text for row in rows for text in lines_of(known[anchor], row)] or [known[anchor]]
    return "\n".join(found)


def lines_of(text: str, row: str) -> list[str]:
    """The lines of the tables of a section whose title, which may stand above, has these words."""
    title, found = "", []
    for line in text.splitlines():
        if line.startswith("|"):
            title = line.split("|")[1].strip().lower() or title
            found += [line] if row.lower() in title else []
    return found


def quoted(page: Path) -> list[tuple[str, str]]:
    """The pieces of a page that quote numbers, with the section that they stand in."""
    return [(title, piece) for title, text in sections(page) for piece in pieces(text)
            if quotes(page, title) and numbers(piece)]


@pytest.mark.parametrize("page", [ROOT / "docs/which-method.md", ROOT / "docs/claims.md", *FIDELITY],
                         ids=lambda page: page.stem)
def test_quoted_numbers_stand_where_they_are_measured(page):
    wrong = [f"{title}: {sorted(missing)} in: {piece[:100]}" for title, piece in quoted(page)
             if (missing := numbers(piece) - numbers(linked(page, piece)))]
    assert not wrong, "\n".join(wrong)


def test_a_number_that_is_measured_nowhere_is_found(tmp_path):
    results, page = tmp_path / "results.md", tmp_path / "which-method.md"
    results.write_text("# Results\n\n## On cats\n\n0.50 of them.\n")
    page.write_text("# Which\n\nHalf of them, 0.50 ([cats](results.md#on-cats)).\n\n* 0.51 of cats.\n")
    (first, one), (_, two) = quoted(page)
    assert first == "Which"
    assert numbers(one) <= numbers(linked(page, one))
    assert numbers(two) - numbers(linked(page, two)) == {"0.51"}


def test_a_link_that_names_a_row_is_compared_with_that_row(tmp_path):
    results, page = tmp_path / "results.md", tmp_path / "which-method.md"
    results.write_text("# Results\n\n## On cats\n\n"
                       "| arm | |\n|---|---|\n| mixing | 0.50 |\n| | 0.51 |\n| none | 0.1 |\n")
    page.write_text("# Which\n\n0.51 and 0.1 ([row *mixing*](results.md#on-cats)).\n\n"
                    "* 0.1 ([rows](results.md#on-cats)).\n")
    (_, one), (_, two) = quoted(page)
    assert numbers(one) - numbers(linked(page, one)) == {"0.1"}
    assert not numbers(two) - numbers(linked(page, two))
