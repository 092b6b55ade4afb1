"""What is wrong with a recipe: every mistake with its place, path and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import attrs

from unbraid_configs.recipe import Place
from unbraid_registry import UnbraidError


@attrs.frozen
class Mistake:
    """One thing that is wrong.  path: `players.critic.minimizes.realism`."""

    place: Place
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.place}  {self.path}: " if self.path else f"{self.place}  "
        return f"{where}{self.message}" + (f"; {self.hint}" if self.hint else "")


class RecipeError(UnbraidError):
    """A recipe that can't be run, with all its mistakes, in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda m: (m.place.file, m.place.line, m.place.column))
        super().__init__("\n".join(map(str, self.mistakes)))


def closest(name: str, names: Iterable[str]) -> str:
    """`did you mean 'cycle'?`, or nothing where no name is near."""
    near = get_close_matches(name, [str(n) for n in names], n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
