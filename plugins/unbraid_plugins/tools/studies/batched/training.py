"""Training of several seeds of one recipe as one model, each into its own run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs
import torch

from unbraid.data import open_data
from unbraid.engine import Accept, Estimate, Stopped, Training, TrainingError, device_of, distributed, run_loop
from unbraid.runs import Run, RunError, checkpoint, new_folder
from unbraid_configs import Mistake, Recipe, RecipeError
from unbraid_plugins.tools.studies.batched.players import joint_players
from unbraid_registry import UnbraidError

ONE_BY_ONE = "train the seeds one by one"


def train_seeds(recipe: Recipe, seeds: Sequence[int], out: str | Path | None = None, *, resume: bool = False,
                name: str = "run", show: bool = False, accept_changes: Accept = False) -> list[Run]:
    """Train a recipe with several seeds as one model; every seed gets its own run, as if it were trained alone.

    seeds: different seeds.
    out: the folder of the runs OUT/seed=0, OUT/seed=1, ...; a `{seed}` in it makes other names.
    resume: continue from the last step of which all runs have a checkpoint.
    name: without `out`, the runs go into a new folder runs/NAME.
    show: print progress on stderr.
    accept_changes: resume even if the recipe or the data changed.

    Returns the runs in the order of the seeds. Raises the errors of `train_together`.

        train_seeds(load_recipe("beta-vae-shapes"), range(8), "study")
    """
    return train_together([with_seed(recipe, s) for s in seeds], folders(out or new_folder(name), seeds),
                          resume=resume, show=show, accept_changes=accept_changes)


def train_together(recipes: Sequence[Recipe], out: Sequence[str | Path], *, resume: bool = False, show: bool = False,
                   accept_changes: Accept = False,
                   ready: Callable[[Sequence[Training]], None] | None = None) -> list[Run]:
    """Train recipes that differ in their seed alone as one model, each into its own folder.

    The results equal those of separate trainings up to rounding. Every run can be used and resumed by itself.

    resume: continue existing runs from the last step of which all have a checkpoint.
    show: print progress on stderr.
    accept_changes: resume even if the recipe or the data changed.
    ready: called when everything is built, before the first step.

    Raises UnbraidError: RecipeError if the recipes can't share a model; Stopped after a signal; TrainingError if the
    seeds do not fit into memory, or, after the others are trained, if one of them could not continue.
    """
    _one_recipe(recipes, out)
    runs = [Run(Path(folder).expanduser()) for folder in out]
    began = [run.record_file.exists() for run in runs]
    if not resume:
        for run in runs:
            run.expect_none()
    t, device = recipes[0].train, device_of(recipes[0].train.device)
    with ExitStack() as held:
        for run in runs:
            held.enter_context(run.locked())
        step = _common_step(runs) if resume else 0
        data = open_data(recipes[0].data, device=device, seed=t.seed)
        held.callback(data.close)
        trainings = [Training.start(recipe, run, device, resume=there, at=step, data=data.with_seed(recipe.train.seed),
                                    accept_changes=accept_changes)
                     for recipe, run, there in zip(recipes, runs, began, strict=True)]
        for training in trainings:
            training.beside = [r.train.seed for r in recipes]
        _no_gates_before_statistics(trainings[0])
        players = joint_players([training.players for training in trainings])
        if ready is not None:
            ready(trainings)
        try:
            stopped_by = run_loop(trainings, lambda step, watch: players.play(step, watch=watch), show=show)
        except torch.OutOfMemoryError as error:
            raise TrainingError(f"{len(runs)} seeds at once do not fit into memory: {str(error).splitlines()[0]}",
                                hint="train fewer at once; go on with --resume") from error
    if stopped_by:
        raise Stopped(runs[0], stopped_by)
    return runs


def estimate(trainings: Sequence[Training]) -> Estimate:
    """Estimate the cost of joint trainings from a few steps on copies."""
    return trainings[0].estimate(joint_players([t.trial() for t in trainings]).play)


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return the recipe with another seed."""
    return attrs.evolve(recipe, train=attrs.evolve(recipe.train, seed=seed))


def folders(out: str | Path, seeds: Sequence[int]) -> list[Path]:
    """Return a run's folder for every seed: OUT/seed=0, or OUT with the seed in place of {seed}."""
    pattern = str(out) if "{seed}" in str(out) else str(Path(out) / "seed={seed}")
    return [Path(pattern.replace("{seed}", str(seed))) for seed in seeds]


def _one_recipe(recipes: Sequence[Recipe], out: Sequence[str | Path]) -> None:
    """Raise UnbraidError for recipes that can't be trained together."""
    seeds = [r.train.seed for r in recipes]
    if not recipes or len(set(seeds)) < len(seeds) or len(recipes) != len(out):
        raise UnbraidError(f"seeds that are trained together must differ, each with a folder; these are {seeds}, with "
                           f"{len(out)} folders")
    for other in recipes[1:]:
        differs = [a.name for a in attrs.fields(Recipe) if a.eq and getattr(with_seed(other, seeds[0]), a.name) !=
                   getattr(recipes[0], a.name)]
        if differs:
            raise UnbraidError("recipes that are trained together may differ in their seed alone; these differ in "
                               f"{', '.join(differs)}", hint=ONE_BY_ONE)
    if distributed.launched() > 1:
        raise UnbraidError("several seeds as one model are trained by one process, not by torchrun's",
                           hint="give each process seeds of its own, without torchrun; or " + ONE_BY_ONE)
    if recipes[0].train.compile:
        raise UnbraidError("train.compile: compiled networks can't be stacked",
                           hint=f"train.compile=false; or {ONE_BY_ONE}")


def _no_gates_before_statistics(training: Training) -> None:
    """Raise RecipeError if a player has a gate and a network has buffers.

    With some gates open and others closed, the running statistics of all seeds would change.
    """
    recipe = training.recipe
    counting = [name for name, m in training.method.modules.items() if any(True for _ in m.buffers())]
    gated = [(name, p.when) for name, p in recipe.players.items() if p.when is not None]
    if counting and gated:
        raise RecipeError([Mistake(when.place, f"players.{name}.when", "seeds decide apart when this player moves, and "
                                   f"{', '.join(counting)} keep statistics of every look: they can't share a model",
                                   ONE_BY_ONE) for name, when in gated])


def _common_step(runs: Sequence[Run]) -> int:
    """Return the last step of which all runs have a checkpoint; 0 if a run has no checkpoint yet.

    Raises RunError if all have checkpoints, but of different steps.
    """
    found = [checkpoint.steps(run.checkpoints) for run in runs]
    common = set(found[0]).intersection(*found[1:])
    if not common and all(found):
        steps = ", ".join(f"{run.folder.name} at {max(f)}" for run, f in zip(runs, found, strict=True))
        raise RunError(f"the runs have no checkpoint of one step: {steps}", hint="resume them one by one")
    return max(common, default=0)
