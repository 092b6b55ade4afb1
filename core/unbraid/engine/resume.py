"""Resuming of a run: changes of recipe and data since it was trained, and whether it may continue with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from unbraid.data import Data, DataFacts, SourceFacts
from unbraid.engine import distributed
from unbraid.runs import Run, RunError, write_whole
from unbraid_configs import Optimizer, Recipe, RecipeError, dump_recipe
from unbraid_configs.writing import Difference, all_differences, origin_of, with_choices, written
from unbraid_registry.files import read_whole

Accept = bool | Callable[[list[str]], bool]        # whether to accept changes, or a function of their lines


class ChangedError(RunError):
    """Raised where a run would continue with other settings or data than before.  changes: a line for each."""

    def __init__(self, message: str, changes: list[str], *, hint: str) -> None:
        super().__init__("\n".join([message, *(f"  {line}" for line in changes)]), hint=hint)
        self.changes = changes


@attrs.frozen
class Resumption:
    """A run that continues, perhaps with changes.  then: its recipe until now; now: its recipe from now on."""

    run: Run
    then: Recipe
    now: Recipe
    changes: list[Difference]                      # those that affect the numbers
    free: list[Difference]                         # those that don't: how long, how often it logs
    outgrown: list[str]                            # why the recipe until now no longer loads

    @classmethod
    def of(cls, run: Run, now: Recipe) -> Resumption:
        """Compare a run's recipe with the present one.  Raises ChangedError if its networks can't take the changes."""
        outgrown: list[str] = []
        try:
            then = run.recipe()
        except RecipeError as error:               # an option is gone, and `now` has another
            then, outgrown = run.with_cuts(now, ()), [str(m) for m in error.mistakes if m.path]
        if (then.data.splits, then.data.split_by) == (now.data.splits, now.data.split_by):
            now = attrs.evolve(now, data=attrs.evolve(now.data, split_at=then.data.split_at))
        now = with_choices(now, then)
        found = [d for d in map(_in_effect(now, then), all_differences(now, then)) if d.here != d.there]
        self = cls(run, then, now, [d for d in found if not d.is_free], [d for d in found if d.is_free], outgrown)
        impossible = [self.line(d) for d in self.changes if _is_layout(d.path)]
        impossible += [f"networks.{n}: it is no longer there" for n in then.networks if n not in now.networks]
        impossible += [f"networks.{n}: it is new, and has no weights" for n in now.networks if n not in then.networks]
        if impossible:
            raise self.refused(impossible)
        return self

    def line(self, d: Difference) -> str:
        """Return a line for a change: `players.critic.optimizer.lr: 2.0e-3 -> 1.0e-3 (small.yaml:31)`."""
        origin = f" ({origin_of(self.now, d.path)})" if d.here is not None and self.now.tree is not None else ""
        return f"{d.path}: {d.there or 'nothing'} -> {d.here or 'nothing'}{origin}"

    def refused(self, lines: list[str]) -> ChangedError:
        """Return the error for changes that the networks of the run can't take."""
        name = next(iter(self.then.networks), "encoder")
        return ChangedError(f"the networks of {self.run.folder} can't go on with:", lines,
                            hint="take that back; or train into another --out, where networks may begin with these "
                            f"weights: networks.{name}.from={self.run.folder}#{name}")

    def expect_checkpoint(self, step: int, record: Mapping[str, Any]) -> None:
        """Check that a run whose sessions ended with a checkpoint has it still.  Raises RunError without any."""
        ends = [s["to_step"] for s in record.get("sessions", ()) if isinstance(s.get("to_step"), int)
                and ":" not in str(s.get("exit"))]               # an error, `Type: message`, may come before the first
        reached = max([*ends, *(s.get("from_step", 0) for s in record.get("sessions", ()))], default=0)
        if step < reached:
            summary = f"{self.run.folder} was trained up to step {reached}, but its last checkpoint is of step {step}"
            if not step:
                raise RunError(summary.replace("its last checkpoint is of step 0", "its checkpoints are gone"),
                               hint=f"put {self.run.checkpoints} back, or train into another --out")
            warnings.warn(f"{summary}: it goes on from there, and its log is cut", stacklevel=4)

    def confirm(self, step: int, data: list[Difference], accept: Accept) -> None:
        """Ask `accept` about changes of the recipe and the data.  Raises ChangedError where it refuses."""
        lines = [*map(str, self.run.plugins().changes), *self.outgrown, *map(self.line, self.changes)]
        lines += [f"{d.path}: {d.there} -> {d.here}" for d in data]
        lines += [f"players.{name}: its optimizer begins anew" for name in self.anew if name in self.then.players]
        if not lines:
            return
        sure = (accept(lines) if distributed.rank() == 0 else False) if callable(accept) else accept
        if not distributed.agreed("yes" if sure else ""):
            raise ChangedError(f"{self.run.folder} was trained otherwise up to step {step}:", lines,
                               hint="--accept-changes (in Python accept_changes=True) goes on so; or take them "
                               "back, or train into another --out")

    @property
    def anew(self) -> list[str]:
        """The players whose optimizers start anew: they are new, of another type, or train other networks."""
        def kind(recipe: Recipe, name: str) -> tuple[str, tuple[str, ...]]:
            player = recipe.players[name]
            optimizer: Optimizer = player.optimizer or recipe.train.optimizer
            return optimizer.type, player.trains

        return [n for n in self.now.players if n not in self.then.players or kind(self.now, n) != kind(self.then, n)]

    def keep(self, step: int) -> None:
        """Write the recipe that the run continues with; where numbers change, keep the former recipe beside it."""
        if not self.changes and not self.free and not self.outgrown:
            return
        before = self.run.folder / f"recipe-until-{step:08d}.yaml"
        affected = self.changes or self.outgrown
        if affected and not before.exists():       # changed twice at one step: keep the one that trained
            write_whole(before, read_whole(self.run.recipe_file, 1 << 20), error=RunError)
        write_whole(self.run.recipe_file, dump_recipe(self.now), error=RunError)


def _in_effect(now: Recipe, then: Recipe) -> Callable[[Difference], Difference]:
    """Return a function that completes a difference: a player without its own optimizer has that of `train`."""
    here, there = written(now), written(then)

    def filled(d: Difference) -> Difference:
        first, *name, optimizer, field = d.path.split(".") if d.path.count(".") > 2 else ("", "", "")
        if first != "players" or optimizer != "optimizer" or not {".".join(name)} <= now.players.keys() & then.players:
            return d
        general = f"train.optimizer.{field}"
        return Difference(d.path, d.here or here[general], d.there or there[general])

    return filled


def _is_layout(path: str) -> bool:
    parts = path.split(".")
    return parts[0] == "code" or (parts[0] == "networks" and parts[-1] in ("code", "image"))


def data_changes(now: Data, record: Mapping[str, Any]) -> list[Difference]:
    """Return the sources that hold other images than the record says."""
    try:
        then, sums = DataFacts.from_json(record["data"]).sources, dict(record["data"].get("checksums", {}))
    except Exception:                              # a damaged record: loading weights shows whether they fit
        return []

    def held(s: SourceFacts, checksum: str) -> str:
        splits = ", ".join(f"{split} {count}" for split, count in s.splits.items())
        return f"{s.images} images {'x'.join(map(str, s.image))} ({splits})" + (checksum and f", checksum {checksum}")

    found = []
    for name, checksum in now.checksums().items():
        if name in then:
            before = str(sums.get(name, ""))       # older runs have no checksums
            here = held(now.facts.sources[name], checksum if before else "")
            there = held(then[name], before if checksum else "")
            found += [Difference(f"the source {name!r}", here, there)] if here != there else []
    return found


def data_notes(now: Data, run: Run) -> list[str]:
    """Return notes, which are warnings too, on sources that hold other images than when the run was trained."""
    changes = data_changes(now, run.record()) if run.record_file.is_file() else []
    follow = {f"the source {name!r}": bool(cuts) for name, cuts in now.split_at.items()}
    notes = [f"{d.path} changed after the training: {d.here}, was {d.there}; " + (
        "each picture stays in its split" if follow[d.path] else "images to test with may have been trained on")
        for d in changes]
    for note in notes:
        warnings.warn(note, stacklevel=3)
    return notes


def resume_notes(resumption: Resumption, session: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session's notes on its resumption: changes by path, and surroundings that changed.

    Warns where numbers depend on these surroundings (torch, threads, device, processes) in their last digits.
    """
    notes = _surroundings_changed(session, record)
    if notes and session["from_step"]:
        warnings.warn(f"{', '.join(notes)}: from step {session['from_step']} on, the numbers may differ in their last "
                      "digits from those of a training that was never stopped", stacklevel=3)
    changes = {d.path: [d.there, d.here] for d in (*resumption.changes, *resumption.free)}
    return {name: found for name, found in (("changes", changes), ("surroundings", notes)) if found}


def _surroundings_changed(now: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    sessions = record.get("sessions") or [{}]

    def of(session: Mapping[str, Any]) -> dict[str, Any]:
        return {"torch": session.get("versions", {}).get("torch"), "threads": session.get("threads"),
                "device": str(session.get("device", "")).partition(":")[0], "processes": session.get("world")}

    before, after = of(sessions[-1]), of(now)
    return [f"{name} {before[name]} -> {after[name]}" for name in after if before[name] and before[name] != after[name]]
