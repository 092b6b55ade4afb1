"""Runner of a study's jobs: several child processes at once, with retries and safe stops."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, suppress

import attrs

from unbraid.engine import duration, on_signals
from unbraid.runs import RunError
from unbraid_configs import Recipe
from unbraid_plugins.tools.studies import child_process
from unbraid_plugins.tools.studies.folder import Study, note_evaluated, wait_until_free
from unbraid_plugins.tools.studies.jobs import Job, Machine, evaluation, last_lines, last_step, trainings
from unbraid_plugins.tools.studies.plan import Plan
from unbraid_plugins.tools.studies.points import Point
from unbraid_registry.files import open_to_write

USERS = 2                                          # the exit code of a mistake of the user's
TOLD_EVERY = 60.0                                  # seconds between lines about running jobs


@attrs.frozen
class Failure:
    """A point that was not completed: the reason and the last lines of its log."""

    point: Point
    why: str
    lines: tuple[str, ...] = ()


@attrs.define(eq=False)
class Sweep:
    """A study in progress.

    retries: the number of times that a failed job is restarted from its checkpoint.
    shared: the options of the program for every child process.
    say: called with each line of progress for the user.
    """

    study: Study
    plan: Plan
    recipes: Mapping[Point, Recipe]
    machine: Machine
    retries: int = 1
    shared: Sequence[str] = ()
    say: Callable[[str], None] = lambda line: None
    stopped_by: str = ""                           # the name of the signal, or empty
    failures: list[Failure] = attrs.Factory(list)
    _alive: dict[Job, subprocess.Popen[bytes]] = attrs.Factory(dict)
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def run(self, jobs: Sequence[Job]) -> None:
        """Run all jobs; `failures` then lists the failed points, `stopped_by` the signal that stopped the sweep."""
        slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(self.machine.jobs):
            slots.put(slot)
        began, reported, finished = time.monotonic(), time.monotonic(), 0
        with self._signals(), ThreadPoolExecutor(self.machine.jobs) as pool:
            futures = {pool.submit(self._job, job, slots): job for job in jobs}
            waiting: set[Future[str]] = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    if outcome:
                        finished += 1
                        left = (time.monotonic() - began) / finished * len(waiting)
                        self.say(f"[{finished}/{len(jobs)}] {futures[future].name}: {outcome}"
                                 + (f"; about {duration(left)} left" if waiting and not self.stopped_by else ""))
                if waiting and time.monotonic() - reported > TOLD_EVERY:
                    reported = time.monotonic()
                    self.say(f"running: {'; '.join(self._whereabouts())}")

    def _job(self, job: Job, slots: queue.SimpleQueue[int]) -> str:
        """Run a job with retries; return its outcome in words, or an empty text if it was stopped."""
        slot, began = slots.get(), time.monotonic()
        try:
            why = ""
            for attempt in range(self.retries + 1):
                if attempt:
                    self.say(f"{job.name}: {why}; once more" + (", one by one" if len(job.points) > 1 else ""))
                for part in [Job((p,)) for p in self._undone(job)] if attempt else [job]:
                    try:
                        why = self._attempt(part, slot)
                    except (OSError, RunError) as error:
                        why = str(error)
                    if self.stopped_by:
                        return ""
                undone = self._undone(job)
                if not undone:
                    return f"done in {duration(time.monotonic() - began)}"
                if why == _reason(USERS):
                    break
            why = why or "it did not come to its end"
            with self._lock:
                self.failures += [Failure(p, why, tuple(last_lines(self.study.log(p)) or
                                                        last_lines(self.study.log(job.points[0])))) for p in undone]
            return f"failed: {why}"
        finally:
            slots.put(slot)

    def _undone(self, job: Job) -> list[Point]:
        return [p for p in job.points if not self._is_done(p)]

    def _is_done(self, point: Point) -> bool:
        try:
            return self.study.state(point, self.recipes[point], self.plan.evaluate) == "done"
        except RunError:                           # a damaged record; reading it elsewhere reports the error
            return False

    def _attempt(self, job: Job, slot: int) -> str:
        """Run the rest of a job in one child process; return the reason of a failure, or an empty text."""
        states = {p: self.study.state(p, self.recipes[p], self.plan.evaluate) for p in job.points}
        to_train = [p for p in job.points if states[p] in ("new", "begun")]
        to_evaluate = [p for p in job.points if states[p] != "done"] if self.plan.evaluate is not None else []
        for point in job.points:
            wait_until_free(self.study.run(point))
        commands = trainings(self.study, self.plan, job, to_train, self.shared)
        if self.plan.evaluate is not None and to_evaluate:
            commands.append(evaluation(self.study, to_evaluate, self.plan.evaluate, self.shared))
        if not commands or self.stopped_by:
            return ""
        code = self._child(job, commands, slot)
        undone = self._undone(job)
        for point in to_evaluate:
            if point not in undone and self.plan.evaluate is not None:
                note_evaluated(self.study.run(point), self.plan.evaluate)
        return "" if not undone or self.stopped_by else _reason(code)

    def _child(self, job: Job, commands: list[list[str]], slot: int) -> int:
        """Run commands in a child process that ends with this process; return its exit code."""
        try:
            with open_to_write(self.study.log(job.points[0]), append=True) as log, self._lock:
                if self.stopped_by:
                    return 0
                child = subprocess.Popen(
                    [sys.executable, "-P", "-m", child_process.__name__, json.dumps(commands)],
                    stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                    env=self.machine.environment(slot))
                self._alive[job] = child
                if self.stopped_by:                # the signal came during the start
                    child.terminate()
            with child:                            # which closes its stdin when it has ended
                return child.wait()
        finally:
            with self._lock:
                self._alive.pop(job, None)

    def _whereabouts(self) -> Iterator[str]:
        """Yield the name and the step of every running job."""
        with self._lock:
            jobs = list(self._alive)
        for job in jobs:
            step = last_step(self.study.run(job.points[0]))
            at = "starting" if step is None else f"step {step} of {self.recipes[job.points[0]].train.steps}"
            yield f"{job.name} {at}"

    def _signals(self) -> AbstractContextManager[None]:
        """Handle signals within the context.

        The first SIGINT or SIGTERM stops the children; trainings write checkpoints. A second SIGINT kills the children.
        """
        def stop(number: int) -> None:
            again, self.stopped_by = bool(self.stopped_by), self.stopped_by or signal.Signals(number).name
            for child in list(self._alive.values()):
                with suppress(ProcessLookupError):
                    if again and number == signal.SIGINT and hasattr(os, "killpg"):
                        os.killpg(child.pid, signal.SIGKILL)
                    else:
                        child.terminate()

        return on_signals(stop)


def _reason(code: int) -> str:
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    again = ", a mistake that no second try mends" if code == USERS else ""
    return f"exit code {code}{again}" if code else "it ended without its results"
