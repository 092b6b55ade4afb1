"""Whether two resolved recipes are one experiment, wherever its data lies and however long it is trained."""

from __future__ import annotations

import attrs

from unbraid_configs import Recipe
from unbraid_configs.writing.dump import Written, write_recipe

SHOWN = 3                                          # differences that a message names
FREE = ("title", "paper", "requires.", *(f"train.{name}" for name in (
    "steps", "log_every", "checkpoint_every", "picture_every", "keep", "keep_best", "device", "tensorboard",
    "max_minutes")))                               # what may differ: it is no part of the numbers
PLACES = ("path", "labels")                        # options of sources that differ from machine to machine


@attrs.frozen
class Difference:
    """A path of the recipe and what stands there in both; None where nothing does."""

    path: str
    here: str | None
    there: str | None

    @property
    def is_free(self) -> bool:
        """Whether it is no part of the numbers."""
        return self.path.startswith(FREE)

    @property
    def is_place(self) -> bool:
        """Whether it is only where the data lies."""
        return self.path.startswith("data.source") and self.path.rpartition(".")[2] in PLACES

    def __str__(self) -> str:
        return f"{self.path} is {self.there or 'not there'}, not {self.here or 'there'}"


def differences(here: Recipe, there: Recipe) -> list[Difference]:
    """In what a recipe that was found differs from the expected one.

    Networks that are taken from other runs have to be resolved in both.
    """
    return [d for d in all_differences(here, there) if not d.is_free]


def all_differences(here: Recipe, there: Recipe) -> list[Difference]:
    """The same with what is no part of the numbers."""
    a, b = written(here), written(there)
    found = [Difference(path, a.get(path), b.get(path)) for path in dict.fromkeys([*a, *b])
             if a.get(path) != b.get(path)]
    if list(here.players) != list(there.players) and set(here.players) == set(there.players):
        found.append(Difference("players", ", ".join(here.players), ", ".join(there.players)))
    return found


def told(found: list[Difference]) -> str:
    """Differences as part of a message."""
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(map(str, found[:SHOWN])) + more


def written(recipe: Recipe) -> dict[str, str]:
    """All that a recipe says, by path: `weights.beta` -> `4`."""
    return dict(_flat(write_recipe(recipe), ""))


def _flat(tree: Written, prefix: str) -> list[tuple[str, str]]:
    return [entry for key, value in tree.items() for entry in
            ([(prefix + key, value)] if isinstance(value, str) else _flat(value, f"{prefix}{key}."))]
