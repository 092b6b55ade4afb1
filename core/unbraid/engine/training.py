"""A training under way: its networks, the end of each step, checkpoints, the record, pictures.  `loop` drives it."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import nn

from unbraid.data import Data, open_data
from unbraid.engine import distributed
from unbraid.engine.compile import prepare
from unbraid.engine.devices import keep_freed_memory, peak_memory, without_bfloat16
from unbraid.engine.fitting import fit_networks, fitted
from unbraid.engine.optimizers import update_ema
from unbraid.engine.pictures import pictures_from_plugins
from unbraid.engine.players import Mark, Players
from unbraid.engine.progress import duration
from unbraid.engine.resume import Accept, Resumption, data_changes, resume_notes
from unbraid.engine.state import checkpoint_of, remembering, restore
from unbraid.engine.turns import NOT_FINITE, UPDATED, StepReport
from unbraid.model import Method, Model, build_method, load_pretrained, with_pretrained
from unbraid.runs import Logbook, Run, RunError, checkpoint, provenance, write_whole
from unbraid_configs import Recipe, dump_recipe, logged_names
from unbraid_configs.writing import with_fastest
from unbraid_registry import UnbraidError, record_plugins, registry

PATIENCE = 10                                      # steps in a row with a loss that is not finite, before giving up
TRIAL = 3                                          # steps that are timed before the training starts


class TrainingError(UnbraidError):
    """Raised where a training can't continue; its last checkpoint is whole."""


@attrs.frozen
class Estimate:
    """The time and memory that a training will take, measured on a few steps."""

    seconds_per_step: float
    steps: int
    memory: int                                    # bytes: the process's peak until now

    def __str__(self) -> str:
        return (f"about {duration(self.seconds_per_step * self.steps)} for {self.steps} steps "
                f"({1 / self.seconds_per_step:.1f} steps/s) and {self.memory / 2**30:.1f} GiB of memory")


@attrs.define(eq=False)
class Training:
    """A training under way.  Its state is the networks, their EMA, the optimizers and the step.

    Random numbers depend only on their addresses.
    ema: the EMA of the networks (`train.average`).  beside: the seeds trained with it as one model, its seed included.
    """

    recipe: Recipe
    run: Run
    data: Data
    method: Method
    players: Players
    ema: dict[str, nn.Module]
    step: int = 0
    best: float | None = None
    beside: Sequence[int] = ()
    _restored: bool = False                        # from a checkpoint
    _not_finite: int = 0                           # steps in a row
    _logbook: Logbook | None = None
    _record: dict[str, Any] = attrs.Factory(dict)
    _resumption: Resumption | None = None

    @classmethod
    def start(cls, recipe: Recipe, run: Run, device: torch.device, *, resume: bool = False, data: Data | None = None,
              at: int | None = None, accept_changes: Accept = False) -> Training:
        """Open the data, build the networks, and restore a checkpoint on resume.

        data: the data, if open already.  at: the step to resume from, by default that of the last checkpoint.
        """
        t, path, resumption = recipe.train, None, None
        if device.type == "cpu":
            keep_freed_memory()
        if t.precision == "bf16" and distributed.rank() == 0 and (lacking := without_bfloat16(device)):
            warnings.warn(f"train.precision=bf16: {lacking}; float32 is several times as fast there", stacklevel=2)
        recipe = with_pretrained(recipe)
        if resume:
            resumption = Resumption.of(run, recipe)
            recipe, t = resumption.now, resumption.now.train
            path = run.last_checkpoint() if at is None else checkpoint.steps(run.checkpoints).get(at)
            chosen = distributed.agreed("" if path is None else path.name)
            path = run.checkpoints / chosen if chosen else None
        if data is None:
            data = open_data(recipe.data, device=device, seed=t.seed, rank=distributed.rank(),
                             world=distributed.world())
        data.expect_batches()
        recipe = attrs.evolve(recipe, data=attrs.evolve(recipe.data, split_at=data.split_at))
        method = build_method(recipe, data.facts)
        for module in method.modules.values():
            module.to(device)
        prepare(method, device)
        if path is None:
            load_pretrained(method)
        ema = {name: copy.deepcopy(method.modules[name]) for name in trained(recipe)} if t.average else {}
        players = Players(method, data.batch, device, t.seed, t.precision, t.accumulate)
        self = cls(recipe, run, data, method, players, ema)
        if t.cuda_graphs and not t.compile:
            raise UnbraidError("train.cuda_graphs: only compiled networks are kept as graphs",
                               hint="set train.compile=true, too")
        if resumption is not None:
            self._resume(resumption, path, accept_changes)
        return self

    def _resume(self, resumption: Resumption, path: Any, accept_changes: Accept) -> None:
        """Restore the record, and the state of the checkpoint at a path, if there is one."""
        self._record, self._resumption = self.run.record(), resumption
        if path is not None:
            state = restore(self.method, self.ema, self.players.optimizers, path, resumption)
            self._restored, self.step, best = True, state.step, state.facts.get("best")
            self._record |= {"best": best} if isinstance(best, Mapping) else {}
        resumption.expect_checkpoint(self.step, self._record)
        changes = data_changes(self.data, self._record)
        resumption.confirm(self.step, changes, accept_changes)
        self.best = self._record.get("best", {}).get(self.recipe.train.keep_best)

    def fit(self, *, show: bool = False) -> bool:
        """Fit the networks that are fitted instead of trained, and write a checkpoint; return whether there are any.

        A training that continues from a checkpoint has fitted them already.
        """
        if self._restored or not fitted(self.method):
            return False
        fit_networks(self.method, self.data, show=show)
        self.save()
        return True

    # -- after a step -------------------------------------------------------------------------------------------------

    def finish_step(self, report: StepReport, *, log: bool) -> list[dict[str, float]]:
        """Finish a step: EMA, checks, log, hooks, pictures.  Returns the logged numbers.  Raises TrainingError."""
        self._synchronize()
        updated = {name for player, outcome in report.outcomes if outcome == UPDATED
                   for name in self.recipe.players[player].trains}
        for name in updated & self.ema.keys():
            update_ema(self.ema[name], self.method.modules[name], self.recipe.train.average or 0.0)
        self._guard(report)
        self.step += 1
        numbers = report.numbers() if log else None
        if self._logbook and numbers is not None:
            self._logbook.numbers(self.step, numbers)
        registry().call("unbraid_step_end", run=self.run, step=self.step, values=report.values)
        if self.step % self.recipe.train.picture_every == 0:
            self.show()
        return [] if numbers is None else [numbers]

    def _synchronize(self) -> None:
        """Give all ranks the mean of the running statistics, except of networks that remember."""
        if distributed.world() > 1:
            own = remembering(self.method)
            distributed.synchronize(b for name, m in self.method.modules.items() if name not in own
                                    for b in m.buffers())

    def _guard(self, report: StepReport) -> None:
        """Warn of losses that are not finite.  Raises TrainingError when they stay non-finite."""
        failed = any(outcome == NOT_FINITE for _, outcome in report.outcomes)
        self._not_finite = self._not_finite + 1 if failed else 0
        if failed and self._not_finite == 1 and distributed.rank() == 0:
            warnings.warn(f"step {report.step}: {', '.join(report.not_finite)} is not finite; the player did not move",
                          stacklevel=3)
        if self._not_finite >= PATIENCE:
            raise TrainingError(f"{', '.join(report.not_finite)} was not finite for {PATIENCE} steps up to step "
                                f"{report.step}", hint="lower the learning rate, clip the gradient (clip: 1.0) or mend "
                                "that loss, then go on from the last checkpoint with --resume")

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def save(self, numbers: Mapping[str, float] | None = None) -> None:
        """Write a checkpoint.  numbers: the step's values; that of `train.keep_best` tells whether it is the best."""
        state = checkpoint_of(self.method, self.ema, self.players.optimizers, self.step)
        if distributed.rank() == 0 and self.step not in checkpoint.steps(self.run.checkpoints):
            t = self.recipe.train
            heard = registry().hook.unbraid_checkpoint.get_hookimpls()
            registry().call("unbraid_checkpoint", run=self.run, state=copy.deepcopy(state) if heard else state)
            value = (numbers or {}).get(t.keep_best) if t.keep_best else None
            if t.keep_best and numbers and t.keep_best not in (known := {*numbers, *logged_names(self.recipe)}):
                warnings.warn(f"train.keep_best: nobody logs {t.keep_best!r}; there are {', '.join(sorted(known))}",
                              stacklevel=2)
            better = value is not None and (self.best is None or value < self.best)
            if better:
                self.best, name = value, checkpoint.name_of(self.step)
                self._record["best"] = {"step": self.step, t.keep_best: value, "checkpoint": name}
            facts = {"best": self._record["best"]} if "best" in self._record else {}
            checkpoint.write(self.run.checkpoints, attrs.evolve(state, facts=facts))
            if better:
                self.run.write_record(self._record)

    def prune(self) -> None:
        """Remove all checkpoints except the last ones and the best one."""
        if distributed.rank() == 0:
            folder, best = self.run.checkpoints, self._record.get("best", {}).get("checkpoint")
            checkpoint.prune(folder, self.recipe.train.keep, folder / best if best else None)

    # -- the record ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write this session into the record, and the recipe of a new run into its file."""
        if distributed.rank() != 0:
            return
        if not self.run.record_file.exists():
            write_whole(self.run.recipe_file, dump_recipe(self.recipe), error=RunError)
        session = {**provenance(), "plugins": record_plugins(self.method.components, registry()),
                   "device": str(self.players.device), "from_step": self.step,
                   "world": distributed.world(), "seed": self.recipe.train.seed,
                   "threads": torch.get_num_threads(), **({"beside": list(self.beside)} if self.beside else {})}
        if self._resumption is not None:
            session |= resume_notes(self._resumption, session, self._record)
        self._record = {"title": self.recipe.title, **self._record,
                        "data": {**self.data.facts.to_json(), "checksums": self.data.checksums()},
                        "sessions": [*self._record.get("sessions", []), session]}
        self.run.write_record(self._record)
        if self._resumption is not None:
            self._resumption.keep(self.step)
        registry().call("unbraid_run_start", run=self.run, step=self.step, recipe=self.recipe)

    def end(self, reason: str, error: BaseException | None = None) -> None:
        """Write into the record how the session ended."""
        if distributed.rank() == 0:
            last = self._record["sessions"][-1]
            last |= {"ended": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "to_step": self.step, "exit": reason,
                     "peak_memory": peak_memory()}
            try:
                self.run.write_record(self._record)
            except RunError:
                if error is None:
                    raise
        registry().call("unbraid_run_end", run=self.run, error=error)

    def close(self) -> None:
        """Stop the data's workers."""
        self.data.close()

    # -- logs and pictures --------------------------------------------------------------------------------------------

    def open_logbook(self) -> None:
        """Open the logbook; log pictures before the first step."""
        if distributed.rank() == 0:
            self._logbook = Logbook(self.run, self.step)
            if self.step == 0:
                self.show()

    def show(self) -> None:
        """Log the pictures that plugins make of the training."""
        if self._logbook is not None:
            self._logbook.pictures(self.step, pictures_from_plugins(run=self.run, step=self.step, model=self.model(),
                                                                    data=self.data))

    def model(self) -> Model:
        """Return a model with copies of the present weights (EMA weights where kept), in evaluation mode."""
        modules = copy.deepcopy({**self.method.modules, **self.ema})
        return Model(self.method, modules, self.players.device, self.run, self.step)

    # -- before -------------------------------------------------------------------------------------------------------

    def choose(self) -> str:
        """Choose by a trial what the recipe of a new training leaves open, and return a line that reports it."""
        if self._resumption is not None or fitted(self.method):
            return ""
        device, cpu = self.players.device, self.players.device.type == "cpu"
        kind = torch.backends.cpu.get_cpu_capability() if cpu else torch.cuda.get_device_name(device)
        machine = [kind, torch.__version__, torch.get_num_threads(), distributed.world()]
        self.recipe, chosen = with_fastest(self.recipe, lambda recipe: self.trial(recipe=recipe).step,
                                           time.process_time if cpu else time.perf_counter, machine,
                                           distributed.agreed)
        if chosen:
            self.method = attrs.evolve(self.method, recipe=self.recipe)
            prepare(self.method, device)
            self.players = self._players(self.method)
            self.ema = {name: copy.deepcopy(self.method.modules[name]) for name in self.ema}
            self._record["chosen"] = chosen
        return chosen

    def trial(self, mark: Mark | None = None, recipe: Recipe | None = None) -> Players:
        """Return players on copies of the networks, for timing.  mark: a profiler's; recipe: another one for them."""
        method = attrs.evolve(self.method, recipe=recipe or self.recipe, modules=copy.deepcopy(self.method.modules))
        prepare(method, self.players.device)
        return self._players(method, mark)

    def _players(self, method: Method, mark: Mark | None = None) -> Players:
        p = self.players
        return Players(method, self.data.batch, p.device, p.seed, p.precision, p.accumulate, mark=mark)

    def estimate(self, play: Callable[[int], object] | None = None) -> Estimate:
        """Estimate time and memory from a few steps.  play: plays one on trial; by default, this training's."""
        play, seconds = play or self.trial().step, []
        for step in range(self.step, self.step + TRIAL):
            began = time.perf_counter()
            play(step)
            seconds.append(time.perf_counter() - began)
        return Estimate(min(seconds[1:]), self.recipe.train.steps - self.step, peak_memory())


def trained(recipe: Recipe) -> list[str]:
    """Return the networks that some player trains."""
    return list(dict.fromkeys(name for p in recipe.players.values() for name in p.trains))
