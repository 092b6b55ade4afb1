"""Options that a recipe leaves open, since they change how fast it trains: chosen by a trial, once on a machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from unbraid_configs.recipe import Recipe
from unbraid_configs.writing.comparison import Difference, written
from unbraid_registry import UnbraidError
from unbraid_registry.files import own_cache, read_whole, write_whole

GAIN = 0.97                                        # of the time, at most: what is nearly as fast is no reason
SHORTEST = 1000                                    # steps that are worth a trial
LEAST = {"channels_last": 0, "compile": 3600}      # seconds of a training that are worth trying an option
WARM, TIMED = 2, 6                                 # steps of a trial

Begin = Callable[[Recipe], Callable[[int], object]]      # a recipe -> a function that plays a step on copies


def with_choices(recipe: Recipe, of: Recipe) -> Recipe:
    """Return a recipe whose open options are as in another one."""
    for name in LEAST:
        if getattr(recipe.train, name) is None:
            recipe = _with(recipe, name, getattr(of.train, name))
    return recipe


def with_fastest(recipe: Recipe, begin: Begin, clock: Callable[[], float], machine: Sequence[object],
                 agreed: Callable[[str], str]) -> tuple[Recipe, str]:
    """Return a recipe whose open options are chosen, and a line that reports it, "" where there was no choice.

    begin: begins a trial, which changes nothing of the training.
    clock: the seconds that count.
    machine: all else that the speed depends on.
    agreed: gives all processes of a training the text of the first one.

    The user's cache keeps the times of a trial. All trainings of the recipe on this machine, with any seed and of any
    length, choose by them: the same recipe and seed give the same numbers again. A short training makes no trial, and
    without a place to keep its times nothing is chosen.
    """
    file, whole, short = _file(recipe, machine), recipe, recipe.train.steps < SHORTEST
    if file is None:
        return recipe, ""
    times, chosen = _times(agreed(_kept(file))), list[str]()
    for name, least in LEAST.items():
        if getattr(recipe.train, name) is not None or (short and name not in times):
            continue
        if least and "step" not in times:
            times = _times(agreed(json.dumps({"step": _raced([begin(recipe)], clock)[0]})))
        if least and times["step"] * recipe.train.steps < least:
            continue
        if name not in times:
            step, other = _raced([begin(r) for r in (recipe, _with(recipe, name, True))], clock)
            found = {"step": step, **times, name: other / step, **_times(_kept(file))}     # the first to keep one wins
            times = _times(agreed(json.dumps(found)))
            if trouble := agreed(_keep(file, times)):
                return whole, f"train.{name} stays off: the time of a trial can't be kept ({trouble})"
        faster = times[name] < GAIN
        recipe = _with(recipe, name, faster)
        chosen.append(f"train.{name}={str(faster).lower()} (with it a step takes {times[name]:.2f} times as long)")
    return recipe, f"chosen by a trial: {', '.join(chosen)}" if chosen else ""


def _with(recipe: Recipe, name: str, value: bool | None) -> Recipe:
    changed: Any = {name: value}
    return attrs.evolve(recipe, train=attrs.evolve(recipe.train, **changed))


def _raced(plays: Sequence[Callable[[int], object]], clock: Callable[[], float]) -> list[float]:
    """Return the least seconds of a step of each, which play in turns."""
    seconds = [list[float]() for _ in plays]
    for step in range(WARM + TIMED):
        for play, own in zip(plays, seconds, strict=True):
            began = clock()
            play(step)
            own.append(clock() - began)
    return [max(min(own[WARM:]), 1e-9) for own in seconds]


def _file(recipe: Recipe, machine: Sequence[object]) -> Path | None:
    """Return the file of the times of a recipe, with any seed and of any length, on this machine."""
    fields = {path: value for path, value in written(recipe).items()
              if path != "train.seed" and not Difference(path, value, value).is_free}
    about = json.dumps([fields, *map(str, machine)], sort_keys=True)
    with suppress(RuntimeError):                   # there is no home folder
        return own_cache() / "trials" / f"{hashlib.sha256(about.encode()).hexdigest()[:32]}.json"
    return None


def _kept(file: Path) -> str:
    with suppress(OSError):
        return read_whole(file, 4096).decode(errors="replace")
    return ""


def _keep(file: Path, times: dict[str, float]) -> str:
    """Keep the times, and return what was in the way."""
    try:
        write_whole(file, json.dumps(times), hint="")
    except UnbraidError as error:
        return error.message
    return ""


def _times(text: str) -> dict[str, float]:
    """Return the times of a trial; none where they can't be read."""
    with suppress(ValueError, TypeError, AttributeError):
        found: Any = json.loads(text)
        times = {str(name): float(value) for name, value in found.items()}
        return times if times.get("step", 0) > 0 else {}
    return {}
