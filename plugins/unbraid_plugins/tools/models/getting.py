"""Getting a model's pack: fetched where it is published, else the command that makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from unbraid_plugins.tools.datasets import data_folder, download
from unbraid_plugins.tools.models.catalogue import ModelsError, TrainedModel, find_model


def models_folder() -> Path:
    """Return the folder of fetched packs, `models` in the user's folder of data."""
    return data_folder() / "models"


def file_of(entry: TrainedModel) -> Path:
    """Return where a model's pack is, or would be fetched to."""
    return entry.bundled or models_folder() / entry.file.name


def get(entry: TrainedModel, to: Path | None = None, progress: Any = None) -> Path:
    """Fetch a model's pack, check it, and return its file.

    to: the folder for it; by default that of fetched packs.
    progress: called with the bytes that have arrived and those of the whole file.

    Raises ModelsError where no address is known, or the fetched file is no pack; DownloadError, FileError.
    """
    from unbraid_plugins.tools.datasets import quiet
    from unbraid_plugins.tools.packs import Pack

    if entry.bundled is not None and to is None:
        return entry.bundled
    if not entry.addresses:
        raise ModelsError(f"the model {entry.name!r} is not published, so there is nothing to fetch",
                          hint=f"make it yourself: {entry.command}; or let UNBRAID_MODELS name a mirror, https://...")
    folder = models_folder() if to is None else to.expanduser()
    found = folder / entry.file.name
    if not (found.is_file() and entry.file.bytes in (0, found.stat().st_size)):
        try:
            file = attrs.evolve(entry.file, hint=f"make it yourself: {entry.command}",
                                addresses=entry.addresses)  # type: ignore[arg-type]  # of a converter
            download(file, folder, progress or quiet)
        except ValueError as fault:                # of an address
            raise ModelsError(f"UNBRAID_MODELS: {fault}") from None
    Pack.at(found)                                 # its header: whether it is a pack that this version reads
    return found


def pack_of(name: str) -> Any:
    """Return the pack of a model that is here.  Raises ModelsError, with the command that fetches or makes it."""
    from unbraid_plugins.tools.packs import Pack

    entry = find_model(name)
    path = file_of(entry)
    if not path.is_file():
        fetch = f"unbraid models get {name}" if entry.addresses else entry.command
        raise ModelsError(f"the model {name!r} is not here", hint=fetch)
    return Pack.at(path)
