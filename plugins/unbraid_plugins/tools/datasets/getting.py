"""Getting a data set: its files fetched or found, checked, noted, and opened once by its reader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unbraid_plugins.tools.datasets.catalogue import data_folder, folder_of, missing_files, note_folder
from unbraid_plugins.tools.datasets.downloading import Progress, download, quiet
from unbraid_plugins.tools.datasets.entry import DataFile, DataSet, EntryError
from unbraid_registry.files import FileError, open_file, read_json, write_whole

RECEIPT = "unbraid-data.json"                      # in a set's folder: file -> its size and sha256 as it was fetched
MOST = 1 << 20
AT_ONCE = 1 << 20


class SetError(EntryError):
    """Raised for a data set whose files are missing or wrong."""


def get(entry: DataSet, to: Path | None = None, *, own: Path | None = None, progress: Progress = quiet,
        say: Callable[[str], object] = lambda line: None) -> Path:
    """Fetch the files of a set that are not here yet, and return their folder.

    to: the folder for them.
    own: a folder with one's own copy; it is checked and remembered, and nothing is fetched or copied.
    progress: as of `download`.
    say: gets a line for each file.

    Raises SetError, DownloadError, FileError.
    """
    if own is not None:
        if wrong := faults(entry, own.expanduser(), noted=False):
            raise SetError("\n  ".join([f"{own} does not hold the data set {entry.name!r}:", *wrong]), hint=entry.how)
        note_folder(entry, own.expanduser())
        return own.expanduser()
    folder = to.expanduser() if to is not None else folder_of(entry)
    missing = missing_files(entry, folder) if entry.files else []
    by_hand = [f for f in missing if not f.addresses]
    if not entry.files or entry.access != "open" or by_hand:
        if entry.files and not missing:
            return _noted(entry, folder)
        raise SetError(_how(entry, by_hand or missing), hint=f"then: unbraid data get {entry.name} --from FOLDER")
    for file in missing:
        say(f"{file.name} from {', '.join(file.addresses[:1])}")
        receipt = download(file, folder, progress)
        _write_receipt(folder, file, receipt)
        say(f"{file.name}: {(folder / file.name).stat().st_size:,} bytes, sha256 {receipt}"
            + ("" if file.hash[1] else " (none is published to compare it with)"))
    return _noted(entry, folder)


def _noted(entry: DataSet, folder: Path) -> Path:
    if folder != data_folder() / entry.name:
        note_folder(entry, folder)
    return folder


def _how(entry: DataSet, files: list[DataFile]) -> str:
    needs = {"account": "needs an account", "purchase": "needs a purchase"}.get(entry.access, "is fetched by hand")
    lines = [f"the data set {entry.name!r} {needs}: {entry.how or entry.homepage}"]
    lines += ["  ".join(["", f.name, *([f"{f.bytes:,} bytes"] if f.bytes else []), *([f.hint] if f.hint else [])])
              for f in files]
    return "\n".join(lines)


def verify(entry: DataSet, say: Callable[[str], object] = lambda line: None) -> list[str]:
    """Read all files of a set and return what is wrong with them; nothing where all are as published.

    Files without a published hash are compared with what they were when they were fetched.
    """
    return faults(entry, folder_of(entry), say=say)


def faults(entry: DataSet, folder: Path, *, noted: bool = True, say: Callable[[str], object] = lambda line: None
           ) -> list[str]:
    """Return what is wrong with the files of a set in a folder.  noted: compare with the receipt too."""
    if not folder.is_dir():
        return [f"there is no folder {folder}"]
    if not entry.files:
        return [] if any(folder.iterdir()) else [f"{folder} is empty"]
    receipt = _receipt(folder) if noted else {}
    found = []
    for file in entry.files:
        fault = _fault(file, folder / file.name, receipt.get(file.name, {}))
        if fault is None:
            continue
        if fault:
            found.append(f"{file.name}: {fault}")
        else:
            say(f"{file.name}: " + ("as published" if file.hash[1] else "as it was fetched" if file.name in receipt
                                     else "there; no hash is published"))
    return found


def _fault(file: DataFile, path: Path, before: Any) -> str | None:
    """Return what is wrong with a file; an empty text where nothing is, None for an optional one that is not there."""
    try:
        with open_file(path) as opened:
            kind, expected = file.hash
            digest, size = hashlib.new(kind, usedforsecurity=False), 0
            while block := opened.read(AT_ONCE):
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        return None if file.optional else "it is missing"
    except OSError as error:
        return f"can't read it: {error.strerror or error}"
    if file.bytes and size != file.bytes:
        return f"it has {size:,} bytes, expected {file.bytes:,}"
    expected = expected or (before.get("sha256", "") if isinstance(before, dict) else "")
    wrong = expected not in ("", digest.hexdigest())
    return f"its {kind} is {digest.hexdigest()}, expected {expected}" if wrong else ""


def _receipt(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / RECEIPT, MOST)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FileError(f"can't read {folder / RECEIPT}: {error}", hint="remove it") from None
    return found if isinstance(found, dict) else {}


def _write_receipt(folder: Path, file: DataFile, sha256: str) -> None:
    size = (folder / file.name).stat().st_size
    found = {**_receipt(folder), file.name: {"bytes": size, "sha256": sha256}}
    write_whole(folder / RECEIPT, json.dumps(found, indent=1) + "\n", hint="or choose another --to")
