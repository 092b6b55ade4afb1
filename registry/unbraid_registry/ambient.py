"""Settings of the whole process, which the import of a plugin may not change."""

from __future__ import annotations

import locale
import math
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

Settings = dict[str, tuple[Any, Callable[[Any], object]]]              # name -> its value, and what sets it


@contextmanager
def defaults_kept(plugin: str) -> Iterator[None]:
    """Put back settings of the process that change in the block, and warn; random numbers continue as without it.

    Kept are torch's gradients, default dtype and device, threads, precision and determinism; the working folder, the
    locale, numpy's treatment of errors, Pillow's of cut pictures; and a filter that hides all warnings is removed.
    """
    before, filters, go_on = _settings(), list(warnings.filters), _random_states()
    try:
        yield
    finally:
        if "torch's gradients" not in before and (torch := sys.modules.get("torch")) is not None and (
                hasattr(torch, "get_default_device")):                  # the import was the first of torch
            fresh = {"gradients": True, "default dtype": torch.float32, "default device": torch.device("cpu")}
            before |= {f"torch's {name}": (value, _of_torch(torch)[name][1]) for name, value in fresh.items()}
        after = _settings()
        changed = [name for name, (value, put) in before.items() if name in after and after[name][0] != value]
        for name in changed:
            before[name][1](before[name][0])
        if hidden := [f for f in warnings.filters if _hides_all(f) and f not in filters]:
            warnings.filters[:] = [f for f in warnings.filters if f not in hidden]     # type: ignore[index]
            changed.append("the filter of warnings")
        for again in go_on:
            again()
        if changed:
            warnings.warn(f"the plugin {plugin!r} changed {_joined(changed)} when it was imported; that was put back",
                          stacklevel=4)


def memory_of_machine() -> float:
    """Return the machine's memory in bytes; infinity where the system doesn't tell."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _settings() -> Settings:
    """Return the settings that modules have which are imported already."""
    found: Settings = {"the locale": (locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(
        locale.LC_ALL, value))}
    with suppress(OSError):                        # the folder may be gone
        found["the working folder"] = os.getcwd(), os.chdir
    numpy: Any = sys.modules.get("numpy")
    pillow: Any = sys.modules.get("PIL.ImageFile")
    torch: Any = sys.modules.get("torch")
    if hasattr(numpy, "geterr"):
        found["numpy's treatment of errors"] = numpy.geterr(), lambda value: numpy.seterr(**value)
    if hasattr(pillow, "LOAD_TRUNCATED_IMAGES"):
        found["Pillow's LOAD_TRUNCATED_IMAGES"] = (pillow.LOAD_TRUNCATED_IMAGES, lambda value: setattr(
            pillow, "LOAD_TRUNCATED_IMAGES", value))
    if hasattr(torch, "get_default_device"):       # no older torch, and none that is being imported
        found |= {f"torch's {name}": own for name, own in _of_torch(torch).items()}
    return found


def _of_torch(torch: Any) -> Settings:
    return {"gradients": (torch.is_grad_enabled(), torch.set_grad_enabled),
            "default dtype": (torch.get_default_dtype(), torch.set_default_dtype),
            "default device": (torch.get_default_device(), torch.set_default_device),
            "threads": (torch.get_num_threads(), torch.set_num_threads),
            "matmul precision": (torch.get_float32_matmul_precision(), torch.set_float32_matmul_precision),
            "determinism": (torch.are_deterministic_algorithms_enabled(), torch.use_deterministic_algorithms)}


def _random_states() -> list[Callable[[], object]]:
    """Return functions that set the random numbers of Python, numpy and torch back to where they are now."""
    found: list[Callable[[], object]] = [partial(random.setstate, random.getstate())]
    numpy: Any = sys.modules.get("numpy.random")
    torch: Any = sys.modules.get("torch")
    if hasattr(numpy, "get_state"):
        found.append(partial(numpy.set_state, numpy.get_state()))
    if hasattr(torch, "get_rng_state"):
        found.append(partial(torch.set_rng_state, torch.get_rng_state()))
    return found


def _hides_all(entry: tuple[Any, ...]) -> bool:
    """Return whether a filter of warnings hides all of them."""
    action, message, category, module, _ = entry
    return action == "ignore" and message is None and category is Warning and module is None


def _joined(names: list[str]) -> str:
    torchs = [name.removeprefix("torch's ") for name in names if name.startswith("torch's ")]
    others = [name for name in names if not name.startswith("torch's ")]
    return " and ".join([*(["torch's " + " and ".join(torchs)] if torchs else []), *others])
