"""Names in a recipe: the allowed ones, keys that hold several (`a, b`), and signatures (`decode(f)`)."""

from __future__ import annotations

import keyword
import re
import unicodedata

import attrs

from unbraid_configs import Mistake, Place


@attrs.frozen
class KeyName:
    """A name in a key, with its place."""

    text: str
    place: Place


def name_problem(name: str) -> tuple[str, str] | None:
    """Return why a text cannot be a name, and the remedy; None where it can."""
    if keyword.iskeyword(name):
        return (f"{name!r} is a keyword of Python and cannot be a name in expressions",
                f"call it {_other_name(name)!r}; a label of the data gets another name by `rename: "
                f"{{{name}: {_other_name(name)}}}` in its source")
    if not name.isidentifier():
        if not name:
            return "a name is missing here", "write names separated by commas"
        return f"{name!r} cannot be a name", "a name has letters, digits and _, and does not begin with a digit"
    if unicodedata.normalize("NFKC", name) != name:
        return f"{name!r} cannot be a name", f"write {unicodedata.normalize('NFKC', name)!r}"
    return None


def _other_name(word: str) -> str:
    return {"class": "kind", "from": "source", "in": "inside", "lambda": "scale", "is": "same"}.get(word, f"{word}_")


def split_names(key: str, place: Place) -> list[KeyName]:
    """Split `front1, front2` into two names with their places."""
    names, column = [], 0
    for part in key.split(","):
        blanks = len(part) - len(part.lstrip())
        names.append(KeyName(part.strip(), _right(place, column + blanks)))
        column += len(part) + 1
    return names


def _right(place: Place, columns: int) -> Place:
    return attrs.evolve(place, column=place.column + columns) if place.line else place


@attrs.frozen
class Signature:
    """A function's head `name(a, b)`; parameters is None where it has no parentheses."""

    name: KeyName
    parameters: tuple[KeyName, ...] | None

    def __str__(self) -> str:
        if self.parameters is None:
            return self.name.text
        return f"{self.name.text}({', '.join(p.text for p in self.parameters)})"


def read_signature(key: str, place: Place) -> Signature | None:
    """Read `decode(f)` as a signature; return None where the key is neither a name nor a signature."""
    found = re.fullmatch(r"([^()]*)(?:\(([^()]*)\))?\s*", key)
    if not found:
        return None
    name = KeyName(found[1].strip(), place)
    if found[2] is None:
        return Signature(name, None)
    if not found[2].strip():
        return Signature(name, ())
    return Signature(name, tuple(split_names(found[2], _right(place, found.start(2)))))


def check_name(name: KeyName, path: str) -> list[Mistake]:
    """Return the mistake in a name; an empty list for a good name."""
    problem = name_problem(name.text)
    return [Mistake(name.place, path, *problem)] if problem else []


def check_signature(signature: Signature, path: str) -> list[Mistake]:
    """Return the mistakes in a function's name and parameters."""
    mistakes = check_name(signature.name, path)
    seen: set[str] = set()
    for parameter in signature.parameters or ():
        if "=" in parameter.text or "*" in parameter.text or ":" in parameter.text:
            mistakes.append(Mistake(parameter.place, path, f"{parameter.text!r} is not a plain parameter",
                                    "functions have plain names as parameters: `decode(f): ...`"))
            continue
        mistakes += check_name(parameter, path)
        if parameter.text in seen:
            mistakes.append(Mistake(parameter.place, path, f"the parameter {parameter.text!r} stands here twice"))
        seen.add(parameter.text)
    return mistakes
