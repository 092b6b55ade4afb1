"""Text with tables, for terminals and for files."""

from __future__ import annotations

import pytest

from unbraid_plugins.tools.display import Page


@pytest.mark.parametrize("colour", [False, True])
def test_cells_and_texts_are_as_they_are(colour: bool) -> None:
    page = Page(colour)
    table = page.table()
    table.add_column("factor")
    table.add_row("[bold]skin[/bold]")
    page.print(table)
    page.print("a note [bold] in brackets", dim=True)
    text = str(page)
    assert "a note [bold] in brackets" in text
    assert "[bold]skin[/bold]" in text
    assert ("\x1b[1m" in text) == colour
    assert ("| [bold]skin[/bold] |" in text) != colour
