"""The training loop, step by step: for one training, or for several seeds side by side."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from unbraid.engine import distributed
from unbraid.engine.devices import device_of
from unbraid.engine.distributed import RankError
from unbraid.engine.progress import Progress
from unbraid.engine.resume import Accept
from unbraid.engine.signals import on_signals
from unbraid.engine.training import Training, TrainingError
from unbraid.model import pinned
from unbraid.runs import Run, RunError, new_folder
from unbraid_configs import Recipe

if TYPE_CHECKING:
    from unbraid.engine.turns import StepReport

TIME, SPENT = 1, "the time budget is spent"        # TIME is less than any signal's number and 1

Play = Callable[[int, bool], "Sequence[StepReport]"]   # step, whether it is logged -> each training's report


class Stopped(KeyboardInterrupt):
    """Raised where a signal stopped a training, after its last checkpoint was written; `--resume` continues it."""

    def __init__(self, run: Run, signal_name: str) -> None:
        super().__init__(f"{signal_name}: {run.folder} has a checkpoint to go on from")
        self.run, self.signal_name = run, signal_name


@attrs.define
class Stop:
    """A request to stop a training before its next step.  reason: why; signal: the name of the signal, if one asked."""

    reason: str = ""
    signal: str = ""
    _asked: int = 0                                # the number of a signal and 1, or TIME

    def on_signals(self) -> AbstractContextManager[None]:
        """Return a context: a signal stops after the step, with a checkpoint; a second SIGINT at once."""
        def stop(number: int) -> None:
            if self._asked and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._asked = number + 1

        return on_signals(stop)

    def when_over(self, seconds: float, budget: float | None) -> None:
        """Request a stop if more minutes than the budget have passed."""
        if budget is not None and seconds > 60 * budget and not self._asked:
            self._asked = TIME

    def agreed(self) -> bool:
        """Return whether to stop: if any rank was asked to.  All ranks must call it, and get one answer."""
        asked = distributed.largest(self._asked)
        if asked and asked != TIME:
            self.signal = signal.Signals(asked - 1).name
        self.reason = self.signal or (SPENT if asked else "")
        return bool(asked)


def run_loop(trainings: Sequence[Training], play: Play, *, show: bool = False) -> str:
    """Train to the end, or to a signal, the time budget or a fault, and write the last checkpoints.

    trainings: trainings of one recipe, all at one step.
    play: plays one step of all of them.
    show: print progress on stderr.

    If the losses of one training stay non-finite, it ends and the others continue.  Returns the name of the signal, if
    one stopped them.  Raises TrainingError at the end, if one could not continue.
    """
    t, step = trainings[0].recipe.train, trainings[0].step
    going, failed, stop = list(trainings), list[TrainingError](), Stop()
    for training in trainings:
        training.begin()
    began = time.monotonic()
    try:
        done = [training.fit(show=show) for training in trainings]
        if step >= t.steps:
            save(trainings, [None] * len(trainings))
            for training, new in zip(trainings, done, strict=True):
                if new:
                    training.open_logbook()
                training.end("finished" if new else "nothing left to do")
            return ""
        with stop.on_signals(), Progress(t.steps, step, show) as progress:
            for training in trainings:
                training.open_logbook()
            while step < t.steps and going and not stop.agreed():
                logs = (step + 1) % t.log_every == 0 or step + 1 == t.steps or step == 0
                reports, step = play(step, logs), step + 1
                numbers: list[Mapping[str, float]] = []
                for training, report in zip(trainings, reports, strict=True):
                    if training not in going:
                        continue
                    try:
                        numbers += training.finish_step(report, log=logs)
                    except TrainingError as error:
                        failed.append(error)
                        training.end(f"TrainingError: {error}", error)
                        going.remove(training)
                progress.at(step, _means(numbers))
                if step % t.checkpoint_every == 0:
                    values = [r.numbers() if t.keep_best else None for r in reports]
                    save(going, [v for v, training in zip(values, trainings, strict=True) if training in going])
                stop.when_over(time.monotonic() - began, t.max_minutes)
            if stop.reason:
                progress.say(f"stopping after step {step}: {stop.reason}")
            save(going, [None] * len(going))
            for training in going:
                training.show()
        for training in going:
            training.end(stop.reason or "finished")
    except BaseException as error:
        for training in going:
            training.end(f"{type(error).__name__}: {error}", error)
        raise
    if failed:
        raise failed[0]
    return stop.signal


def save(trainings: Sequence[Training], numbers: Sequence[Mapping[str, float] | None]) -> None:
    """Write checkpoints; prune after all are written, so that all trainings share a step to resume from."""
    for training, values in zip(trainings, numbers, strict=True):
        training.save(values)
    for training in trainings:
        training.prune()


def resume_hint(run: Run) -> str:
    """Return advice for the loss of a rank: how to continue."""
    ranks = os.environ.get("LOCAL_WORLD_SIZE", distributed.world())
    if run.last_checkpoint() is None:
        return "nothing was saved yet; begin again with another --out"
    machines = int(os.environ.get("GROUP_WORLD_SIZE", 1))
    each = f"--nnodes {machines} --node-rank ... --master-addr ... " if machines > 1 else ""
    launch = f"torchrun {each}--nproc-per-node {ranks} --no-python unbraid train --resume"
    return f"go on with: {launch} --out {shlex.quote(str(run.folder))}"


def _means(numbers: Sequence[Mapping[str, float]]) -> dict[str, float] | None:
    """Return the numbers to show: the means over the trainings."""
    return {name: sum(n.get(name, 0.0) for n in numbers) / len(numbers) for name in numbers[0]} if numbers else None


def train(recipe: Recipe, out: str | Path | None = None, *, resume: bool = False, name: str = "run",
          show: bool = False, estimate: bool = False, accept_changes: Accept = False,
          ready: Callable[[Training], None] | None = None) -> Run:
    """Train a recipe into a run's folder and return the run.

    out: the run's folder; by default a new one, runs/NAME.
    resume: continue from the last checkpoint, with the same numbers as if the training had never stopped.
    show: print progress on stderr.
    estimate: time a few steps first, and print how long the training will take.
    accept_changes: continue although the recipe or data changed; or a function that decides, given a line per change.
    ready: called when everything is built, before the first step; an error that it raises ends the training.

    Raises UnbraidError (RecipeError, DataError, RunError, TrainingError, ...), and Stopped after a signal.

    >>> from unbraid import load_recipe, train
    >>> recipe = load_recipe("mixing-sprites", ["train.steps=1", "data.batch=2", "data.source.count=20"])
    >>> train(recipe, "runs/first").last_checkpoint().name
    'step-00000001'
    """
    with pinned(), distributed.together(), ExitStack() as held:
        device = distributed.own(device_of(recipe.train.device))
        run = Run(Path(name if out is None else out).expanduser())
        if out == "":
            raise RunError("the run's folder has an empty name", hint="leave `out` out for a new one in runs")
        if distributed.rank() == 0:                # the others write nothing
            run = Run(new_folder(name)) if out is None else run
            if resume:
                run = Run.at(run.folder)
            else:
                run.expect_none()
            held.enter_context(run.locked())
        run = Run(Path(distributed.agreed(str(run.folder))))
        try:
            training = Training.start(recipe, run, device, resume=resume, accept_changes=accept_changes)
            held.callback(training.close)
            shown, t = show and distributed.rank() == 0, training.recipe.train
            if ready is not None:
                ready(training)
            with Progress(t.steps, shown=shown) as progress:
                if chosen := training.choose():
                    progress.say(chosen)
                if estimate and training.step < t.steps:
                    progress.say(str(training.estimate()))
            stopped_by = run_loop([training], lambda step, logged: [training.players.step(step, watch=logged)],
                                  show=shown)
        except RankError as error:
            error.hint = resume_hint(run)
            raise
    if stopped_by:
        raise Stopped(run, stopped_by)
    return run
