"""Profiling of training steps: the time by player, and by network forward and backward."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import attrs
import torch
from torch.autograd.profiler import record_function
from torch.profiler import ProfilerActivity

from unbraid.engine import UPDATE, Players, Training

WARM, STEPS = 3, 10                                # warm-up steps, measured steps
MARK = "unbraid/"
REST = "losses, and what lies between"
BACKWARD = "autograd::engine::evaluate_function: "


@attrs.frozen
class Spent:
    """The milliseconds per step of one part of a turn.

    player: the player of the turn; '' for work before all turns.
    what: a network, or another part of the turn.
    """

    player: str
    what: str
    forward: float
    backward: float


@attrs.frozen
class Profile:
    """The times of a training step.

    spent: the times by player and part, in the order of the turns.
    seconds: the duration of a step without the profiler.
    observed: the duration of a step with the profiler, in seconds.
    device: the device of the training.
    """

    spent: tuple[Spent, ...]
    seconds: float
    observed: float
    device: str


def _mark(kind: str, name: str) -> AbstractContextManager[Any]:
    """Mark a part of the engine's work in the profile; the computed values do not change."""
    return record_function(f"{MARK}{kind}/{name}")


def profile(training: Training, steps: int = STEPS) -> Profile:
    """Profile some steps of a training on copies of its networks; the training itself does not change.

    Backward time counts for the network whose forward operations are differentiated. Work outside the networks (losses,
    joins, noise, sums of gradients) is the rest. The times by part are the device's on CUDA, else the processor's.
    """
    cuda = training.players.device.type == "cuda"
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * cuda
    plain = _timed(training.trial(), training.step, steps, cuda)
    marked = training.trial(_mark)
    _timed(marked, training.step, WARM, cuda)
    with torch.profiler.profile(activities=activities, acc_events=True) as watched:
        observed = _timed(marked, training.step + WARM, steps, cuda)
    spent = _spent(watched.events() or [], ["", *training.recipe.players], steps, cuda)
    return Profile(tuple(spent), plain, observed, str(training.players.device))


def _timed(players: Players, first: int, steps: int, cuda: bool) -> float:
    """Play some steps and return the median of their seconds."""
    seconds = []
    for step in range(first, first + steps):
        began = time.perf_counter()
        players.step(step)
        if cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[len(seconds) // 2]


def _spent(events: Iterable[Any], order: list[str], steps: int, cuda: bool) -> Iterator[Spent]:
    """Yield the marked parts of a profile, with the times of the backward operations that belong to each."""
    events = list(events)
    forward: dict[tuple[str, str], float] = defaultdict(float)
    backward: dict[tuple[str, str], float] = defaultdict(float)
    network_of: dict[tuple[int, int], tuple[str, str]] = {}
    for e in events:
        if e.sequence_nr >= 0 and not _is_backward(e):
            network_of[e.thread, e.sequence_nr] = _place(e)
    for e in events:
        taken = (e.device_time_total if cuda else e.cpu_time_total) / 1e3 / steps
        if e.name.startswith(f"{MARK}part/"):
            forward[_place(e)] += taken
        elif e.name.startswith(f"{MARK}player/"):
            forward[_place(e)[0], REST] += taken
        elif e.name.startswith(BACKWARD):
            player, _ = _place(e)
            _, network = network_of.get((e.fwd_thread if e.fwd_thread else e.thread, e.sequence_nr), ("", REST))
            backward[player, network or REST] += taken
    for (player, what), taken in [*forward.items(), *backward.items()]:
        if player and what != REST:
            forward[player, REST] -= taken         # the remainder of a turn
    for player in {p for p, what in backward if what == REST}:
        forward[player, REST] -= backward[player, REST]
    for key in sorted({*forward, *backward}, key=lambda k: (order.index(k[0]), k[1] in (REST, UPDATE), k[1] == UPDATE)):
        yield Spent(*key, forward[key], backward[key])


def _place(event: Any) -> tuple[str, str]:
    """Return the player and the part within which an event happened."""
    player = part = ""
    while event is not None:
        if event.name.startswith(f"{MARK}player/"):
            player = player or event.name.removeprefix(f"{MARK}player/")
        elif event.name.startswith(f"{MARK}part/"):
            part = part or event.name.removeprefix(f"{MARK}part/")
        event = event.cpu_parent
    return player, part


def _is_backward(event: Any) -> bool:
    while event is not None:
        if event.name.startswith(BACKWARD):
            return True
        event = event.cpu_parent
    return False
