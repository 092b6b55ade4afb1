"""Lines of text files that other programs wrote: encodings with a mark, all ends of lines, continued lines."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
CONTINUED = re.compile(r"\\[ \t]*\n")


def expect_plain(words: Iterable[str]) -> None:
    """Raise ValueError where Python reads a word as a number that no other program does: 1_0, other digits."""
    text = "".join(words)
    if "_" in text or not text.isascii():
        raise ValueError("digits are 0 to 9")


def lines_of(data: bytes) -> Iterator[tuple[int, str]]:
    r"""Yield the lines with their numbers, from 1; a backslash at a line's end joins the next one to it.

    Text without a mark is UTF-8, or Latin-1 where it is no UTF-8.  Raises UnicodeDecodeError where a mark is wrong.

    >>> list(lines_of(b"f 1 2\\\r\n3\rs off"))
    [(1, 'f 1 2 3'), (3, 's off')]
    """
    coding = next((name for mark, name in MARKS if data.startswith(mark)), "")
    try:
        text = data.decode(coding or "utf-8")
    except UnicodeDecodeError:
        if coding not in ("", "utf-8-sig"):
            raise
        text = data.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    if "\\" not in text:
        yield from enumerate(text.split("\n"), 1)
        return
    number = 1
    for line in CONTINUED.sub("\0", text).split("\n"):
        yield number, line.replace("\0", " ")
        number += 1 + line.count("\0")
