"""A disk cache of tensors that are costly to compute, kept in a folder of the user from one process to the next."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from unbraid import UnbraidError, write_whole

FILES = 50                                         # of one kind; the least recently used are removed
ABANDONED = 24 * 3600                              # seconds after which an unfinished folder of a cache is removed
DAMAGED = (OSError, SafetensorError, ValueError, KeyError, MemoryError)


def cache_folder() -> Path:
    """Return $UNBRAID_CACHE, else `unbraid` in $XDG_CACHE_HOME, else ~/.cache/unbraid.

    Raises RuntimeError without a home folder.
    """
    if own := os.environ.get("UNBRAID_CACHE"):
        return Path(own).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "unbraid"


def cached_tensors(kind: str, key: str, like: Mapping[str, Tensor],
                   make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors cached under a key, equal to the last bit, or make and cache them.

    kind: a folder in `cache_folder()`.
    key: a hash of everything that the tensors depend on.
    like: the expected names, shapes and types.
    make: computes the tensors.

    A file that is damaged or differs from `like` is made again. A warning says so where the file can't be written;
    without a home folder nothing is cached. Reading never runs code. Two processes may make the same tensors at once:
    the last one's file stays.
    """
    try:
        file = cache_folder() / kind / f"{key}.safetensors"
    except RuntimeError:
        return dict(make())
    known = _read(file, like)
    if known is None:
        known = {name: t.detach().cpu().contiguous() for name, t in make().items()}
        try:
            _write(file, known)
        except (UnbraidError, SafetensorError) as error:
            warnings.warn(f"the {kind} can't be kept in {file.parent} and are made anew each time: "
                          f"{getattr(error, 'message', None) or error}; set UNBRAID_CACHE to a folder with room",
                          stacklevel=2)
    return known


def _read(file: Path, like: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Return the tensors of a file that is whole and as expected, else None."""
    try:
        with safe_open(file, framework="pt") as opened:
            found = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            checksum = (opened.metadata() or {}).get("checksum")
    except DAMAGED:
        return None
    as_expected = found.keys() == like.keys() and all(
        t.shape == like[name].shape and t.dtype == like[name].dtype for name, t in found.items())
    if not as_expected or checksum != _checksum(found):
        return None
    with suppress(OSError):
        os.utime(file)
    return found


def _write(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a file whole or not at all, then remove files beyond the limit.  Raises UnbraidError, SafetensorError."""
    about = {"checksum": _checksum(tensors)}
    write_whole(file, lambda scratch: save_file(dict(tensors), scratch, metadata=about))
    with suppress(OSError):
        for old in sorted(file.parent.glob("*.safetensors"), key=lambda f: f.stat().st_mtime)[:-FILES]:
            old.unlink(missing_ok=True)            # leftovers of processes that were killed are among them


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = blake2b(digest_size=16)
    for name, t in sorted(tensors.items()):
        digest.update(f"{name} {tuple(t.shape)} {t.dtype}".encode())
        digest.update(t.contiguous().numpy().tobytes())
    return digest.hexdigest()
