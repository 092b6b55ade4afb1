"""Explanations of YAML's pitfalls for people who write expressions (the table in the guide to recipes)."""

from __future__ import annotations

import re
from typing import Any

from unbraid_configs import Mistake, Place

QUOTE = "put the whole value in quotes"
LONGEST = 500                                      # characters of a line that are looked at, to explain an error


def is_cut(text: str) -> bool:
    """Whether a text has unbalanced brackets, because a comma cut it: `f(a`."""
    return any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}"))


def cut_value(braces: str) -> tuple[str, str]:
    """Explain why YAML reads `{x: f(a, b)}` as `{'x': 'f(a', 'b)': null}`: return the message and the remedy."""
    return (f"commas inside {braces} end the value, so this expression is cut in two",
            "write it on its own line or in quotes")


def bare_name() -> tuple[str, str]:
    """Explain why YAML reads `{a, b: f(x)}` as `{'a': null, 'b': 'f(x)'}`: return the message and the remedy."""
    return ("this name has no value; commas inside { } end a name",
            "write the line without { }, or `name: null` to remove something of the base")


def forbidden(source: str, event: Any, kind: str) -> tuple[str, str] | None:
    """Return the message and the remedy for an anchor, an alias or a tag; None for anything else."""
    start = source[event.start_mark.index:event.start_mark.index + 1]
    if kind == "AliasEvent":
        return "a value cannot begin with * (YAML takes it for an alias)", QUOTE
    if getattr(event, "anchor", None):
        return "a value cannot begin with & (YAML takes it for an anchor)", QUOTE
    if getattr(event, "tag", None) or start == "!":
        return "a value cannot begin with ! (YAML takes it for a tag)", QUOTE
    return None


def forbidden_name(name: str) -> tuple[str, str] | None:
    """Return the message and the remedy for YAML's merge key; None for any other name."""
    if name == "<<":
        return "`<<` is not part of recipes", "name a parent recipe with `base:`"
    return None


def explain(error: Any, source: str, file: str) -> Mistake:
    """Return the most likely mistake behind a syntax error, with its remedy."""
    mark = error.problem_mark or error.context_mark
    lines = [line[:LONGEST] for line in source.splitlines()] or [""]
    number = min(mark.line, len(lines) - 1) if mark else 0
    place = Place(file, number + 1, (mark.column if mark and mark.line == number else len(lines[number])) + 1)
    for pitfall in (_comment_inside, _first_character, _unclosed, _colon_inside, _layout):
        found = pitfall(error, lines, place)
        if found:
            return found
    problem = error.problem or "cannot be read"
    context = f" {error.context}" if error.context else ""
    return Mistake(place, "", f"is not YAML: {problem}{context}")


def unreadable(error: Exception, source: str, file: str) -> Mistake:
    """Return the mistake for a character that YAML does not allow, or for an error inside the parser."""
    position = getattr(error, "position", None)
    if isinstance(position, int):
        before = source[:position]
        place = Place(file, before.count("\n") + 1, position - before.rfind("\n"))
        code = ord(source[position]) if position < len(source) else 0
        return Mistake(place, "", f"a control character (U+{code:04X}) stands here", "remove it")
    reason = " ".join(str(error).split())[:200]
    return Mistake(Place(file), "", f"is not YAML: {reason or type(error).__name__}")


def _value_on(line: str) -> tuple[str, int]:
    """Return the text after `key: ` or `- ` on a line, and its column from 1."""
    found = re.match(r"""\s*(?:[^\s"'#{\[][^:#]*?|"[^"]*"|'[^']*')\s*:\s+|\s*-\s+|\s*""", line)
    assert found
    return line[found.end():], found.end() + 1


def _comment_inside(error: Any, lines: list[str], place: Place) -> Mistake | None:
    """Explain a comment between the lines of an expression, which ends it."""
    if not re.search(r"block end|could not find expected|not allowed here|block node", error.problem or ""):
        return None
    above = range(place.line - 2, max(place.line - 30, -1), -1)
    for index in above:
        if index >= len(lines):
            continue
        line = lines[index]
        comment = re.search(r"(^|\s)#", line)
        if comment:
            text = _expression_above(lines, index) + line[:comment.start()]
            goes_on = re.match(r"\s*[-+*.,)\]]", lines[place.line - 1])
            if goes_on or is_cut(text) or re.search(r"[-+*,(=]\s*$", text):
                return Mistake(Place(place.file, index + 1, comment.end()), "",
                               "a comment inside an expression of several lines ends it",
                               "put the comment above the expression")
        elif re.match(r"\s*[^\s#(]+\s*:(\s|$)", line):
            break
    return None


def _expression_above(lines: list[str], index: int) -> str:
    """Return the text of the value that continues at a line: from its key to the line above."""
    if re.match(r"\s*[^\s#]+\s*:(\s|$)", lines[index]):
        return ""
    text: list[str] = []
    for line in reversed(lines[max(index - 30, 0):index]):
        text.insert(0, re.sub(r"\s#.*", "", line))
        if re.match(r"\s*[^\s#]+\s*:(\s|$)", line):
            break
    return "\n".join(text)


_STARTS = {"*": "YAML takes it for an alias", "&": "YAML takes it for an anchor", "!": "YAML takes it for a tag",
           "%": "YAML keeps it for directives", "@": "YAML reserves it", "`": "YAML reserves it",
           ",": "YAML takes it for the end of an item", "}": "no { is open", "]": "no [ is open",
           '"': "the quotes end before the value does", "'": "the quotes end before the value does"}


def _first_character(error: Any, lines: list[str], place: Place) -> Mistake | None:
    """Explain a bad beginning of a value: `- mse(a, b)`, `*x`, `%x`, `@x`, `"a" + b`."""
    problem = error.problem or ""
    text, column = _value_on(lines[place.line - 1])
    here = Place(place.file, place.line, column)
    if "'\\t'" in problem:
        return Mistake(place, "", "a tab stands here", "indent with blanks")
    if "sequence entries are not allowed" in problem:
        return Mistake(place, "", "a value cannot begin with `- ` (YAML takes it for a list)",
                       "write `-1 * ...`, or put the whole value in quotes")
    if "mapping keys are not allowed" in problem:
        return Mistake(place, "", "a value cannot begin with `? ` (YAML takes it for a key)", QUOTE)
    if place.column < column or not text:
        return None
    first = text[0]
    if first in "\"'" and "block end" in problem:
        return Mistake(here, "", f"text follows the closing quote: {_STARTS[first]}", QUOTE)
    if first in _STARTS and first not in "\"'":
        return Mistake(here, "", f"a value cannot begin with {first} ({_STARTS[first]})", QUOTE)
    if first in "{[" and "block end" in problem:
        return Mistake(here, "", f"text follows the closing bracket of a value that begins with {first}", QUOTE)
    return None


def _unclosed(error: Any, lines: list[str], place: Place) -> Mistake | None:
    """Explain a quote or brace that is never closed, at the place where it opens."""
    opened = error.context_mark
    if not opened:
        return None
    here = Place(place.file, opened.line + 1, opened.column + 1)
    if "quoted scalar" in (error.context or ""):
        if "escape" in (error.problem or ""):
            return Mistake(place, "", "an unknown escape inside double quotes", "use single quotes, or write \\\\")
        return Mistake(here, "", "the quotes that open here are never closed")
    if "flow mapping" in (error.context or "") or "flow sequence" in (error.context or ""):
        brace = "{" if "mapping" in error.context else "["
    elif "flow node" in (error.context or "") and "stream end" in (error.problem or ""):
        brace = "bracket"
    else:
        return None
    return Mistake(here, "", f"the {brace} that opens here is not closed before line {place.line}, "
                             f"column {place.column}", "close it, or put a value with colons or braces in quotes")


def _colon_inside(error: Any, lines: list[str], place: Place) -> Mistake | None:
    """Explain a colon inside a value: `f(k="a: b")`, `f(form: 1)`."""
    if "mapping values are not allowed" not in (error.problem or ""):
        return None
    before = lines[place.line - 1][:place.column - 1]
    if re.search(r":\s", before):
        return Mistake(place, "", "a colon followed by a blank inside a value", QUOTE)
    return Mistake(place, "", "this key is indented differently from its neighbours, or the line above lacks a colon",
                   "write `name: value` on every line, with the same indentation within a block")


def _layout(error: Any, lines: list[str], place: Place) -> Mistake | None:
    """Explain wrong indentation or a missing colon."""
    problem = error.problem or ""
    if "could not find expected ':'" in problem:
        line = error.context_mark.line + 1 if error.context_mark else place.line
        return Mistake(Place(place.file, line, 1 + len(lines[line - 1]) - len(lines[line - 1].lstrip())), "",
                       "this line has no colon", "write `name: value`")
    if "block end" in problem or "document start" in problem or "block node" in problem:
        return Mistake(place, "", "this line does not fit the block that it stands in",
                       "indent the names of one block equally; put a value that begins unusually in quotes")
    return None
