"""The training engine: steps, logging, pictures, checkpoints, signals, exact resume."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from unbraid import checkpoint, distributed, memories
from unbraid.data import Data, open_data
from unbraid.devices import device_of, peak_memory, without_bfloat16
from unbraid.distributed import RankError
from unbraid.fitting import fit_networks
from unbraid.followers import follow
from unbraid.kept_memory import keep_freed_memory
from unbraid.lockstep import Stopped, TrainingError, go_on, how_to_go_on
from unbraid.logbook import Logbook
from unbraid.method import Method, bring_to_life
from unbraid.model import Model, ModelError
from unbraid.outcomes import STAYED, Report
from unbraid.pictures import overview, solids, translations
from unbraid.players import Players
from unbraid.pretrained import load_pretrained, with_pretrained
from unbraid.progress import Progress, duration
from unbraid.record import Run, RunError, new_folder, surroundings, write_whole
from unbraid.resuming import Accept, Resumption, data_changes, take_up, went_on
from unbraid_configs import Recipe, dump_recipe
from unbraid_registry import registry
from unbraid_registry.errors import UnbraidError

PATIENCE = 10                                      # turns in a row whose loss is not finite, before giving up
SHOWN = 8                                          # images in a picture's row
TRIAL = 3                                          # steps that are timed before the training starts
FORMS = 8                                          # of a network, for which torch compiles it: sizes, without gradients


@attrs.frozen
class Estimate:
    """What a training will take.  seconds: from a few steps of it; bytes: of memory, its peak so far and the data."""

    seconds_per_step: float
    steps: int
    memory: int

    def __str__(self) -> str:
        return (f"about {duration(self.seconds_per_step * self.steps)} for {self.steps} steps "
                f"({1 / self.seconds_per_step:.1f} steps/s) and {self.memory / 2**30:.1f} GiB of memory")


def train(recipe: Recipe, out: str | Path | None = None, *, resume: bool = False, name: str = "run",
          show: bool = False, estimate: bool = False, accept_changes: Accept = False,
          ready: Callable[[Training], None] | None = None) -> Run:
    """Train a recipe into a run's folder and return the run.

    out: the folder (by default a new one, runs/NAME); resume: go on from its last checkpoint, with the same numbers as
    if it had never stopped; show: progress on stderr; estimate: time a few steps first and say how long it will take;
    accept_changes: go on although the recipe or the data is another; or who is asked, given a line for each change;
    ready: called when everything is built, before the first step; what it raises ends the training.
    Raises UnbraidError (RecipeError, DataError, RunError, TrainingError, ...), and Stopped after SIGINT or SIGTERM.
    """
    with distributed.together(), ExitStack() as held:
        device = distributed.own(device_of(recipe.train.device))
        run = Run(new_folder(name) if out is None else Path(out).expanduser())
        if distributed.rank() == 0:                # the others write nothing
            if resume:
                run = Run.at(run.folder)
            else:
                run.expect_none()
            held.enter_context(run.locked())
        run = Run(Path(distributed.agreed(str(run.folder))))
        try:
            training = Training.start(recipe, run, device, resume=resume, accept_changes=accept_changes)
            held.callback(training.close)
            if ready is not None:
                ready(training)
            stopped_by = training.go(show=show, estimate=estimate)
        except RankError as error:
            error.hint = how_to_go_on(run)
            raise
    if stopped_by:
        raise Stopped(run, stopped_by)
    return run


@attrs.define(eq=False)
class Training:
    """A training under way.

    The state is the networks, the averages, the optimizers and the step; everything random has an address.
    beside: the seeds that it is trained with as one model, its own among them.
    """

    recipe: Recipe
    run: Run
    data: Data
    method: Method
    players: Players
    averages: dict[str, nn.Module]
    step: int = 0
    best: float | None = None
    beside: Sequence[int] = ()
    _bad: int = 0
    _logbook: Logbook | None = None
    _record: dict[str, Any] = attrs.Factory(dict)
    _resumption: Resumption | None = None

    @classmethod
    def start(cls, recipe: Recipe, run: Run, device: torch.device, *, resume: bool = False, data: Data | None = None,
              at: int | None = None, accept_changes: Accept = False) -> Training:
        """Open the data, build the networks, and take up a checkpoint on resume.

        data: where it is open already; at: the step to go on from, by default that of the last checkpoint.
        """
        t, path, resumption = recipe.train, None, None
        if device.type == "cpu":
            keep_freed_memory()
        if t.precision == "bf16" and distributed.rank() == 0 and (lacking := without_bfloat16(device)):
            warnings.warn(f"train.precision=bf16: {lacking}; float32 is several times as fast there", stacklevel=2)
        recipe = with_pretrained(recipe)
        if resume:
            resumption = Resumption.of(run, recipe)
            path = run.last_checkpoint() if at is None else checkpoint.steps(run.checkpoints).get(at)
            chosen = distributed.agreed("" if path is None else path.name)
            path = run.checkpoints / chosen if chosen else None
        if data is None:
            data = open_data(recipe.data, device=device, seed=t.seed, rank=distributed.rank(),
                             world=distributed.world())
        method = bring_to_life(recipe, data.facts)
        for module in method.modules.values():
            module.to(device)
            if t.channels_last:
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if path is None:
            load_pretrained(method)
            fit_networks(method, data)
        averages = {name: copy.deepcopy(method.modules[name]) for name in trained(recipe)} if t.average else {}
        players = Players(method, data.batch, device, t.seed, t.precision, t.accumulate)
        self = cls(recipe, run, data, method, players, averages)
        if t.compile:
            self._compile()
        elif t.cuda_graphs:
            raise UnbraidError("train.cuda_graphs: only compiled networks are kept as graphs",
                               hint="set train.compile=true, too")
        if resumption is not None:
            self._record, self._resumption = run.record(), resumption
            if path is not None:
                self._record |= take_up(self, path, resumption)
            resumption.confirm(self.step, data_changes(data, self._record), accept_changes)
            self.best = self._record.get("best", {}).get(t.keep_best)
        return self

    def go(self, *, show: bool = False, estimate: bool = False) -> str:
        """Train to the end, or to a signal (whose name it returns), the time budget or a fault."""
        t, show = self.recipe.train, show and distributed.rank() == 0
        if estimate and self.step < t.steps:
            with Progress(t.steps, shown=show) as progress:
                progress.say(str(self.estimate()))
        return go_on([self], lambda step, watch: [self.players.step(step, watch=watch)], show=show)

    # -- after a step -------------------------------------------------------------------------------------------------

    def done(self, report: Report, *, log: bool) -> list[dict[str, float]]:
        """What follows a step; its numbers, where they are logged.  Raises TrainingError."""
        self._after(report)
        self.step += 1
        numbers = report.numbers() if log else None
        if self._logbook and numbers is not None:
            self._logbook.numbers(self.step, numbers)
        registry().call("unbraid_step_end", run=self.run, step=self.step, values=report.values)
        if self.step % self.recipe.train.picture_every == 0:
            self.show()
        return [] if numbers is None else [numbers]

    def _after(self, report: Report) -> None:
        """Buffers of other ranks, averages, and the guard against losses that are not finite."""
        if distributed.world() > 1:
            own = memories.remembering(self.method)
            distributed.synchronize(b for name, m in self.method.modules.items() if name not in own
                                    for b in m.buffers())
        decay = self.recipe.train.average
        moved = {name for player, outcome in report.outcomes if outcome == "moved"
                 for name in self.recipe.players[player].trains}
        for name in moved & self.averages.keys():
            follow(self.averages[name], self.method.modules[name], decay or 0.0)
        stayed = any(outcome == STAYED for _, outcome in report.outcomes)
        self._bad = self._bad + 1 if stayed else 0
        if stayed and self._bad == 1 and distributed.rank() == 0:
            warnings.warn(f"step {report.step}: {', '.join(report.not_finite)} is not finite; the player did not move",
                          stacklevel=2)
        if self._bad >= PATIENCE:
            raise TrainingError(f"{', '.join(report.not_finite)} was not finite for {PATIENCE} steps up to step "
                                f"{report.step}", hint="lower the learning rate, clip the gradient (clip: 1.0) or mend "
                                "that loss, then go on from the last checkpoint with --resume")

    def save(self, numbers: Mapping[str, float] | None = None) -> None:
        """Write a checkpoint.  numbers: the step's values, among which may be the one that tells the best."""
        state = self.state()
        if distributed.rank() == 0 and self.step not in checkpoint.steps(self.run.checkpoints):
            t = self.recipe.train
            heard = registry().hook.unbraid_checkpoint.get_hookimpls()
            registry().call("unbraid_checkpoint", run=self.run, state=copy.deepcopy(state) if heard else state)
            value = (numbers or {}).get(t.keep_best) if t.keep_best else None
            if t.keep_best and numbers and t.keep_best not in (known := {*numbers, *self._logged()}):
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

    def _logged(self) -> Iterator[str]:
        """The names of what the recipe's players minimise and of what it watches, at whatever step."""
        for name, player in self.recipe.players.items():
            yield from (f"{name}/{term}" for term in player.minimizes)
        yield from (f"watch/{name}" for name in self.recipe.watch)

    def prune(self) -> None:
        """Forget all but the last checkpoints and the best one."""
        if distributed.rank() == 0:
            folder, best = self.run.checkpoints, self._record.get("best", {}).get("checkpoint")
            checkpoint.prune(folder, self.recipe.train.keep, folder / best if best else None)

    def state(self) -> checkpoint.Checkpoint:
        """Everything that the rest of the training depends on; all ranks have to ask."""
        groups = {"networks": checkpoint.flat({n: m.state_dict() for n, m in self.method.modules.items()}),
                  "optimizers": checkpoint.flat({n: o.state() for n, o in self.players.optimizers.items()})}
        if self.averages:
            groups["averages"] = checkpoint.flat({n: m.state_dict() for n, m in self.averages.items()})
        if kept := memories.gathered(self.method):
            groups[memories.GROUP] = kept
        return checkpoint.Checkpoint(self.step, groups)

    # -- the record ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write down what this session of the training is."""
        if distributed.rank() != 0:
            return
        if not self.run.record_file.exists():
            write_whole(self.run.recipe_file, dump_recipe(self.recipe))
        session = {**surroundings(), "device": str(self.players.device), "from_step": self.step,
                   "world": distributed.world(), "seed": self.recipe.train.seed,
                   "threads": torch.get_num_threads(), **({"beside": list(self.beside)} if self.beside else {})}
        if self._resumption is not None:
            session |= went_on(self._resumption, session, self._record)
        self._record = {"title": self.recipe.title, **self._record,
                        "data": {**self.data.facts.to_json(), "checksums": self.data.checksums()},
                        "sessions": [*self._record.get("sessions", []), session]}
        self.run.write_record(self._record)
        if self._resumption is not None:
            self._resumption.keep(self.step)
        registry().call("unbraid_run_start", run=self.run)

    def end(self, reason: str, error: BaseException | None = None) -> None:
        """Write down how it ended."""
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
        """Let go of the data's workers."""
        self.data.close()

    # -- pictures -----------------------------------------------------------------------------------------------------

    def model(self) -> Model:
        """The method with its present weights (averaged where kept), at rest, in modules of its own."""
        modules = copy.deepcopy({**self.method.modules, **self.averages})
        return Model(self.method, modules, self.players.device, self.run, self.step)

    def open_logbook(self) -> None:
        """Begin to log, with the method's figure before the first step."""
        if distributed.rank() == 0:
            self._logbook = Logbook(self.run, self.step, self.recipe.train.tensorboard)
            if self.step == 0:
                self._figure(self._logbook)

    def close_logbook(self) -> None:
        """Finish what is being written."""
        if self._logbook is not None:
            self._logbook.close()
            self._logbook = None

    def show(self) -> None:
        """Pictures of what the model makes of test images."""
        if self._logbook is None:
            return
        model = self.model()
        try:
            pictures = overview(model, *shown_images(self.data).chunk(2))
            for (a, b), name in model.translations.items():
                if a in self.data.images_of:       # the domain is a source
                    pictures[name] = translations(model, shown_images(self.data, a), a, b)
        except ModelError as error:                # a function that wants more than an image is no reason to stop
            warnings.warn(f"no pictures: {error.message}", stacklevel=2)
            return
        for name, picture in pictures.items():
            self._logbook.picture(self.step, name, picture)
        for name, solid in solids(model, shown_images(self.data)[:2]).items():
            self._logbook.solid(self.step, name, *solid)

    def _figure(self, logbook: Logbook) -> None:
        """The method's figure, in the run and on TensorBoard."""
        from unbraid.figure import draw_figure, figure_image

        draw_figure(self.recipe, self.run.folder / "figure.svg")
        logbook.picture(0, "figure", figure_image(self.recipe))

    # -- before -------------------------------------------------------------------------------------------------------

    def trial(self, kind: type[Players] = Players) -> Players:
        """Players on copies of the networks, to be timed; the training itself is untouched."""
        method = attrs.evolve(self.method, modules=copy.deepcopy(self.method.modules))
        return kind(method, self.data.batch, self.players.device, self.players.seed, self.players.precision,
                    self.players.accumulate)

    def estimate(self, play: Callable[[int], object] | None = None) -> Estimate:
        """Time a few steps.  play: plays one on trial; by default, this training's."""
        play, seconds = play or self.trial().step, []
        for step in range(self.step, self.step + TRIAL):
            began = time.perf_counter()
            play(step)
            seconds.append(time.perf_counter() - began)
        return Estimate(min(seconds[1:]), self.recipe.train.steps - self.step, peak_memory())

    def _compile(self) -> None:
        """Compile each network that gains by it; one that a loss takes whole (and differentiates twice) stays eager."""
        from unbraid.fusing import pays_compiled
        from unbraid.graph import ReferenceOp, below

        m = self.method
        terms = [t.node for game in m.games.values() for t in game.terms]
        eager = {n.op.network for n in below(*terms) if isinstance(n.op, ReferenceOp)}
        own: dict[str, Any] = {"options": {"fallback_random": True}}            # dropout as it is without compiling
        how = {"mode": "reduce-overhead"} if self.recipe.train.cuda_graphs else own
        for name, module in m.modules.items():
            if name not in eager and pays_compiled(module, m.called_with[name], self.players.device):
                module.compile(dynamic=False, **how)                   # symbols for sizes can keep it busy for an hour
                torch._dynamo.config.recompile_limit += FORMS          # which all networks of a class share


def shown_images(data: Data, source: str | None = None) -> Tensor:
    """The first images of the test split (of the training split where there is none), an even number.

    source: which one's, where there are several (None: the first's).
    """
    splits = next(iter(data.facts.sources.values())).splits if source is None else data.facts.sources[source].splits
    rows = data.rows("test" if splits.get("test", 0) >= 2 else "train", source)[:2 * SHOWN]
    return data.images(rows[:len(rows) // 2 * 2], source)


def trained(recipe: Recipe) -> list[str]:
    """The networks that some player trains."""
    return list(dict.fromkeys(name for p in recipe.players.values() for name in p.trains))
