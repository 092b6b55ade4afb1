"""Mistakes in a recipe, each with its place, path and remedy."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from unbraid_registry import UnbraidError


@attrs.frozen
class Place:
    """A position in a file, counted from 1; without a file, `file` is '<override>' or '<recipe>'."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@attrs.frozen
class Mistake:
    """One mistake in a recipe.

    path: `players.critic.minimizes.realism`.
    cause: the exception of a component that failed; `--traceback` shows where.
    """

    place: Place
    path: str
    message: str
    hint: str = ""
    cause: Exception | None = attrs.field(default=None, eq=False, repr=False)

    def __str__(self) -> str:
        where = f"{self.place}  {self.path}: " if self.path else f"{self.place}  "
        return f"{where}{self.message}" + (f"; {self.hint}" if self.hint else "")


class RecipeError(UnbraidError):
    """The error for a recipe that can't be run, with all its mistakes, in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda m: (m.place.file, m.place.line, m.place.column))
        super().__init__("\n".join(map(str, self.mistakes)))
        causes = [m.cause for m in self.mistakes if m.cause is not None]
        if causes:
            self.__cause__ = causes[0] if len(causes) == 1 else ExceptionGroup("faults of components", causes)
