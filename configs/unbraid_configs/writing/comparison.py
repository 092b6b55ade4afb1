"""Comparison of two resolved recipes, which may differ in the place of the data and the length of the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from unbraid_configs import Recipe
from unbraid_configs.reading import read_file, write_scalar
from unbraid_configs.writing.dump import Written, write_recipe

SHOWN = 3                                          # differences that a message names
FREE = ("title", "paper", "requires.", *(f"train.{name}" for name in (
    "steps", "log_every", "checkpoint_every", "picture_every", "keep", "keep_best", "device", "tensorboard",
    "max_minutes")))                               # may differ within one experiment
OPEN = "train.channels_last", "train.compile"      # null: chosen by a trial
PLACES = ("path", "labels")                        # options of sources that differ from machine to machine


@attrs.frozen
class Difference:
    """A path of a recipe and the values there in both recipes; None where a recipe lacks the path."""

    path: str
    here: str | None
    there: str | None

    @property
    def is_free(self) -> bool:
        """Whether the field may differ within one experiment, such as `train.device`."""
        return self.path.startswith(FREE)

    @property
    def is_place(self) -> bool:
        """Whether the field is only the location of the data."""
        return self.path.startswith("data.source") and self.path.rpartition(".")[2] in PLACES

    def __str__(self) -> str:
        return f"{self.path} is {self.there or 'not there'}, not {self.here or 'there'}"


def differences(here: Recipe, there: Recipe) -> list[Difference]:
    """Return the differences between the expected recipe (`here`) and a found one (`there`), without the free ones.

    Networks that are taken from other runs must be resolved in both.
    """
    return [d for d in all_differences(here, there) if not d.is_free]


def all_differences(here: Recipe, there: Recipe) -> list[Difference]:
    """Return all differences, the free ones included.  Options that `here` leaves open may be anything there."""
    a, b = written(here), written(there)
    a |= {path: b[path] for path in OPEN if path in b and getattr(here.train, path.removeprefix("train.")) is None}
    found = [Difference(path, a.get(path), b.get(path)) for path in dict.fromkeys([*a, *b])
             if a.get(path) != b.get(path) and not path.startswith("data.split_at")]     # results, as checksums are
    if list(here.players) != list(there.players) and set(here.players) == set(there.players):
        found.append(Difference("players", ", ".join(here.players), ", ".join(there.players)))
    return found


def in_words(found: list[Difference]) -> str:
    """Return differences as part of a message."""
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(map(str, found[:SHOWN])) + more


def written(recipe: Recipe) -> dict[str, str]:
    """Return all values of a recipe by path: `weights.beta` -> `4`."""
    return dict(_flat(write_recipe(recipe), ""))


def as_it_stands(file: Path) -> dict[str, str]:
    """Return the values of a resolved recipe's file by path, without a look at any component.  Raises RecipeError."""
    return {".".join(path): node.text or _one_line(node.plain()) for path, node in read_file(file, []).walk()
            if path and not node.is_map and not path[-1].isdecimal()}


def _one_line(value: Any, inside: bool = False) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_one_line(item, True) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_one_line(item, True)}' for key, item in value.items())}}}"
    return write_scalar(value, inside_list=inside)


def _flat(tree: Written, prefix: str) -> list[tuple[str, str]]:
    return [entry for key, value in tree.items() for entry in
            ([(prefix + key, value)] if isinstance(value, str) else _flat(value, f"{prefix}{key}."))]
