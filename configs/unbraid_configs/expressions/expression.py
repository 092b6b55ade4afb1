"""An expression of a recipe: its text, its place and its tree."""

from __future__ import annotations

from typing import ClassVar

import attrs

from unbraid_configs import Place
from unbraid_configs.expressions.parser import parse
from unbraid_configs.expressions.tree import Tree


@attrs.frozen
class Expression:
    """An expression, parsed when it is created.  Raises RecipeError with the place of the part that can't be read.

    text: the slice of the file, without quotes, so that its lines and columns are lines and columns of the file.
    """

    compares: ClassVar[bool] = False               # whether one comparison may stand at the top

    text: str
    place: Place = attrs.field(default=Place("<recipe>"), eq=False)
    tree: Tree = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "tree", parse(self.text, self.place, compares=self.compares))


@attrs.frozen
class Condition(Expression):
    """An expression that may be a comparison: `when: mean(loss) < 0.5`."""

    compares: ClassVar[bool] = True
