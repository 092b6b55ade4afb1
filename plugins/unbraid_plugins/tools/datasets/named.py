"""The source of a data set by its name. Its file imports no arrays: the command of this plugin begins at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from unbraid import UnbraidError, source

if TYPE_CHECKING:
    from unbraid import Images


@source
@attrs.frozen(kw_only=True)
class Named:
    """A data set that `unbraid data get NAME` laid here; a training fetches nothing.

    name: the set.
    path: the folder of its files, where they lie elsewhere.
    size: scale its images to this.
    options: other options of its reader, {"camera": "both"}.
    """

    name: str
    path: str = ""
    size: int | tuple[int, int] | None = None
    options: dict[str, Any] = attrs.Factory(dict)

    def open(self) -> Images:
        """Return the set's images and their fields.  Raises DataError, with the command that fetches it."""
        from unbraid import DataError
        from unbraid_plugins.tools.datasets.catalogue import find_set, folder_of, missing_files, open_set

        try:
            entry = find_set(self.name)
            folder = Path(self.path).expanduser() if self.path else folder_of(entry)
        except UnbraidError as error:
            raise DataError(error.message, hint=error.hint) from None
        if not folder.is_dir() or (missing := missing_files(entry, folder)):
            what = "it has never been fetched" if not folder.is_dir() else f"no whole {missing[0].name} in {folder}"
            raise DataError(f"the data set {self.name!r} is not here: {what}", hint=f"unbraid data get {self.name}")
        options = {**self.options, **({} if self.size is None else {"size": self.size})}
        return open_set(entry, folder, options)
