"""The data sets of all plugins, the user's folder of data, and the opening of a set by its reader."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unbraid.data import DataError, Images
from unbraid_plugins.tools.datasets.entry import DataFile, DataSet, EntryError, read_entries
from unbraid_plugins.tools.datasets.tables import contributed, one_of
from unbraid_registry import UnbraidError, registry
from unbraid_registry.files import read_json, write_whole

PLACES = "places.json"                             # name -> folder, of sets that lie elsewhere
MOST = 1 << 20                                     # bytes


def all_sets() -> dict[str, DataSet]:
    """Return the data sets of all plugins by name; of two with one name, the bundled plugin's."""
    return contributed("unbraid_data", DataSet, read_entries, EntryError)


def find_set(name: str) -> DataSet:
    """Return a data set by name.  Raises EntryError with the nearest name."""
    return one_of(all_sets(), name, "data set", "unbraid data list", EntryError)


def data_folder() -> Path:
    """Return $UNBRAID_DATA, else `unbraid` in $XDG_DATA_HOME, else ~/.local/share/unbraid."""
    if own := os.environ.get("UNBRAID_DATA"):
        return Path(own).expanduser()
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".local/share") / "unbraid"


def folder_of(entry: DataSet) -> Path:
    """Return the folder where a set's files are, or would be laid."""
    place = _places().get(entry.name)
    return Path(place) if place else data_folder() / entry.name


def note_folder(entry: DataSet, folder: Path) -> None:
    """Remember that a set's files are in another folder than the user's folder of data."""
    places = {**_places(), entry.name: str(folder.absolute())}
    if folder.absolute() == (data_folder() / entry.name).absolute():
        del places[entry.name]
    write_whole(data_folder() / PLACES, json.dumps(places, indent=1) + "\n", hint="or set UNBRAID_DATA")


def _places() -> dict[str, str]:
    try:
        found = read_json(data_folder() / PLACES, MOST)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EntryError(f"can't read {data_folder() / PLACES}: {error}", hint="mend it, or remove it") from None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise EntryError(f"{data_folder() / PLACES} is no map from names to folders", hint="mend it, or remove it")
    return found


def missing_files(entry: DataSet, folder: Path) -> list[DataFile]:
    """Return the files of a set that are not in a folder, or have another size; optional ones are not missed."""
    def is_there(file: DataFile) -> bool:
        path = folder / file.name
        return path.is_file() and file.bytes in (0, path.stat().st_size)

    return [f for f in entry.files if not f.optional and not is_there(f)]


def is_here(entry: DataSet) -> bool:
    """Whether a set's files are here, by their names and sizes."""
    folder = folder_of(entry)
    return folder.is_dir() and not missing_files(entry, folder) and (bool(entry.files) or any(folder.iterdir()))


def open_set(entry: DataSet, folder: Path, options: Mapping[str, Any]) -> Images:
    """Open a set's files by the source that reads it.  options: the user's, before the entry's.

    Raises DataError.
    """
    path = folder / entry.reader.file if entry.reader.file else folder
    try:
        component = registry().catalog.find(entry.reader.type, "source")
        known = {o.name for o in component.options}
        if unknown := sorted(options.keys() - known):
            raise DataError(f"the data set {entry.name!r} has no option {unknown[0]!r}",
                            hint=f"its reader {component.name} has {', '.join(sorted(known - {'path'}))}")
        given = {**entry.reader.options, **options, "path": str(path)}
        found = component.target(**{name: _in_tuples(value) for name, value in given.items()}).open()
    except DataError:
        raise
    except UnbraidError as error:
        raise DataError(f"the data set {entry.name!r}: {error.message}", hint=error.hint) from None
    except (ValueError, TypeError) as error:
        raise DataError(f"the data set {entry.name!r} is not read with {dict(options) or 'its options'}: {error}",
                        hint=f"unbraid list {component.full_name}") from error
    assert isinstance(found, Images)
    return found


def _in_tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
