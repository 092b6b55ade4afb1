"""Data sets by name: facts and licences of each, a downloader of whole files, and the source that opens them.

`unbraid data get NAME` fetches; `source: {type: named, name: NAME}` opens a set that is here. Training never downloads.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.datasets.catalogue import (
        all_sets as all_sets,
        data_folder as data_folder,
        find_set as find_set,
        folder_of as folder_of,
        open_set as open_set,
    )
    from unbraid_plugins.tools.datasets.command import progress as progress, size as size
    from unbraid_plugins.tools.datasets.downloading import Progress as Progress, download as download, quiet as quiet
    from unbraid_plugins.tools.datasets.entry import (
        DataFile as DataFile,
        DataSet as DataSet,
        EntryError as EntryError,
        Reader as Reader,
        read_entries as read_entries,
    )
    from unbraid_plugins.tools.datasets.getting import get as get, verify as verify
    from unbraid_plugins.tools.datasets.tables import (
        contributed as contributed,
        one_of as one_of,
        read_tables as read_tables,
    )
    from unbraid_plugins.tools.datasets.web import DownloadError as DownloadError
else:
    __getattr__, __dir__ = door(__name__)
