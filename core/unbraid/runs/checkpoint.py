"""Checkpoints: tensors in safetensors, numbers in JSON, written whole or not at all. Nothing is ever unpickled."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from safetensors import SafetensorError

from unbraid_registry import UnbraidError
from unbraid_registry.files import (
    flush,
    open_file,
    read_json,
    reason,
    remedy,
    remove_tree,
    scratch_folder_for,
    write_json,
)
from unbraid_registry.terminal import shown

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
STATE, WRITING, REMOVING = "state.json", ".writing-", ".removing-"
MAX_STATE = 1 << 20                                # bytes


class CheckpointError(UnbraidError):
    """Raised where a checkpoint can't be written or read."""


@attrs.frozen
class Checkpoint:
    """The state of a run after `step` steps.  groups: 'networks', 'optimizers', ... -> tensors by name."""

    step: int
    groups: dict[str, dict[str, Tensor]]
    facts: dict[str, Any] = attrs.Factory(dict)    # numbers and texts beside the tensors


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into its own folder under `folder`; it appears there complete or not at all.

    Raises CheckpointError and leaves earlier checkpoints as they are.
    """
    from safetensors.torch import save_file

    final = folder / name_of(checkpoint.step)
    try:
        folder.mkdir(exist_ok=True)                # fails in a run that was removed, instead of making it again
        with scratch_folder_for(final, WRITING) as scratch:
            for name, tensors in checkpoint.groups.items():
                own = {key: t.detach().to("cpu", copy=True).contiguous() for key, t in tensors.items()}
                save_file(own, scratch / f"{name}.safetensors")
            state = {"format": FORMAT, "step": checkpoint.step, "groups": sorted(checkpoint.groups),
                     "facts": checkpoint.facts}
            write_json(scratch / STATE, state, MAX_STATE, error=CheckpointError)
            for file in scratch.iterdir():
                with suppress(OSError):            # permissions as its folder's, where the disk knows permissions
                    file.chmod(folder.stat().st_mode & 0o666)
                flush(file)
            flush(scratch)
        flush(folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"can't write the checkpoint {final}: {reason(error)}",
                              hint=f"{remedy(error)}, then go on with --resume") from None
    return final


def name_of(step: int) -> str:
    """Return the name of a step's folder."""
    return f"step-{step:08d}"


def steps(folder: Path) -> dict[int, Path]:
    """Return the complete checkpoints in a folder by step, in ascending order."""
    if not folder.is_dir():
        return {}
    found = {int(m[1]): path for path in folder.iterdir()
             if (m := re.fullmatch(r"step-(\d{8,})", path.name)) and (path / STATE).is_file()}
    return dict(sorted(found.items()))


def prune(folder: Path, keep: int, also: Path | None = None) -> None:
    """Remove all but the last `keep` checkpoints and the one in `also`, and the remains of interrupted writes."""
    for path in list(steps(folder).values())[:-keep]:
        if path != also:
            _remove(path)
    for scratch in (*folder.glob(f"{WRITING}*"), *folder.glob(f"{REMOVING}*")):
        remove_tree(scratch)


def _remove(path: Path) -> None:
    """Remove a checkpoint; rename it first, so that nobody sees a part of it."""
    scratch = path.with_name(f"{REMOVING}{path.name}")
    remove_tree(scratch)
    with suppress(OSError):
        os.replace(path, scratch)
    remove_tree(scratch)


def read(path: Path, only: Collection[str] | None = None) -> Checkpoint:
    """Read a checkpoint, or some of its groups.  Raises CheckpointError where it is damaged or not made by unbraid."""
    from safetensors.torch import load, load_file

    state = _state(path)
    groups = {}
    for name in state["groups"] if only is None else [n for n in state["groups"] if n in only]:
        file = path / f"{name}.safetensors"
        try:
            with open_file(file) as opened:        # refuses what is no file before safetensors waits for it
                groups[name] = load_file(file) if shown(file) == str(file) else load(opened.read())   # not UTF-8
        except (OSError, SafetensorError, ValueError, MemoryError) as error:
            raise CheckpointError(f"can't read {file}: {error}", hint="the file is damaged or no safetensors file; "
                                  + _without(path, state["step"])) from None
    return Checkpoint(state["step"], groups, state["facts"])


def _state(path: Path) -> dict[str, Any]:
    file = path / STATE
    try:
        state = read_json(file, MAX_STATE)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"can't read {file}: {error}", hint="this is no checkpoint of unbraid, or it is damaged"
                              ) from None
    names = re.compile(r"[a-z_]+")
    if not isinstance(state, Mapping) or not isinstance(state.get("format"), int):
        raise CheckpointError(f"{file} is no checkpoint of unbraid", hint="it lacks the number of its format")
    if state["format"] > FORMAT:
        raise CheckpointError(f"{file} has format {state['format']}; this unbraid reads up to {FORMAT}",
                              hint="install a newer unbraid")
    groups, step, facts = state.get("groups"), state.get("step"), state.get("facts", {})
    if not (isinstance(groups, list) and all(isinstance(g, str) and names.fullmatch(g) for g in groups)
            and type(step) is int and isinstance(facts, dict) and is_best(facts.get("best", {}))):
        raise CheckpointError(f"{file} is no checkpoint of unbraid", hint="its fields are not what they should be")
    there = {tensors.stem for tensors in path.glob("*.safetensors")}
    if path.name != name_of(step) or there - {*groups}:
        claim = f"tells of step {step} and {', '.join(sorted(groups))}"
        raise CheckpointError(f"{file} {claim}, beside {', '.join(sorted(there))} in {path.name}",
                              hint="the file is damaged, or the folder was renamed")
    return {"facts": {}, **state}


def _without(path: Path, step: int) -> str:
    """Return advice for a damaged checkpoint of a step."""
    older = [p.name for number, p in steps(path.parent).items() if number < step]
    return f"remove {path}, and {older[-1]} is the last one" if older else "train again"


def is_best(v: object) -> bool:
    """Return whether a value describes a best checkpoint as in a run's record: its name, and numbers."""
    return isinstance(v, dict) and all(isinstance(number, str if name == "checkpoint" else int | float)
                                       for name, number in v.items())


def flat(groups: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Flatten groups: {'encoder': {'0.weight': t}} -> {'encoder/0.weight': t}."""
    return {f"{name}/{key}": t for name, tensors in groups.items() for key, t in tensors.items()}


def nested(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Group flat names: the inverse of `flat`."""
    groups: dict[str, dict[str, Tensor]] = {}
    for key, t in tensors.items():
        name, _, rest = key.partition("/")
        groups.setdefault(name, {})[rest] = t
    return groups


def load_weights(module: nn.Module, tensors_: dict[str, Tensor], where: str) -> None:
    """Load tensors into a module.  Raises CheckpointError that names the first misfit.

    The buffers of a module with `fit` take the sizes of the tensors: they are results of its fit.
    """
    if hasattr(module, "fit"):
        for key, buffer in module.named_buffers():
            if key in tensors_ and buffer.ndim == tensors_[key].ndim:
                buffer.data = buffer.new_empty(tensors_[key].shape)
    own = module.state_dict()
    missing, foreign = sorted(own.keys() - tensors_.keys()), sorted(tensors_.keys() - own.keys())
    misfit = [f"{k} is {tuple(tensors_[k].shape)}, expected {tuple(own[k].shape)}" for k in own.keys() & tensors_.keys()
              if own[k].shape != tensors_[k].shape]
    faults = [f"it lacks {k}" for k in missing] + [f"it has an unknown {k}" for k in foreign] + sorted(misfit)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise CheckpointError(f"the weights of {where} don't fit: {faults[0]}{more}",
                         hint="the recipe or a plugin differs from the one that made them")
    module.load_state_dict(tensors_)
