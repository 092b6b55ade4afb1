"""The fidelity pages have one form: deviations, the paper's value and ours, failing ablation, picture."""

from __future__ import annotations

import re

import pytest
from page_numbers import FIDELITY, FORM, LINK, sections


@pytest.mark.parametrize("page", FIDELITY, ids=lambda page: page.stem)
def test_a_fidelity_page_has_the_form(page):
    text = page.read_text(encoding="utf-8")
    for include in re.findall(r"\{include\} (\S+)", text):
        text += (page.parent / include).resolve().read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert [title for title in FORM if title not in titles] == []
    assert any(title.startswith("What differs") for title in titles), "the deviations"
    rows = dict(sections(page))["The paper's value and ours"].splitlines()
    table = [row for row in rows if row.startswith("|")]
    assert table[0] == "| measure | the paper's value | ours | spread (seeds) | verdict | where |"
    assert len(table) > 2
    assert all(LINK.search(row) for row in table[2:]), "each row links to its section of the results"
    picture = dict(sections(page))["Picture"]
    shown = re.findall(r"!\[[^\]]+\]\((\S+)\)", picture)
    assert shown or "no picture" in picture.lower()
    assert all((page.parent / file).is_file() for file in shown)
