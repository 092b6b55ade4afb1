"""Files that may be somebody else's: read within bounds, written whole or not at all, never through a planted link."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_registry.files.forms import (
        Anything as Anything,
        Each as Each,
        Fields as Fields,
        Listed as Listed,
        Maybe as Maybe,
        check as check,
    )
    from unbraid_registry.files.json_writing import to_json as to_json, write_json as write_json
    from unbraid_registry.files.links import followed_links as followed_links, refuse_foreign as refuse_foreign
    from unbraid_registry.files.lock import is_free as is_free, locked as locked, new_folder as new_folder
    from unbraid_registry.files.own_folders import own_cache as own_cache
    from unbraid_registry.files.reading import (
        open_file as open_file,
        parse_json as parse_json,
        read_json as read_json,
        read_lines as read_lines,
        read_text as read_text,
        read_whole as read_whole,
        size_text as size_text,
    )
    from unbraid_registry.files.system import is_of_system as is_of_system, reason as reason, remedy as remedy
    from unbraid_registry.files.writing import (
        FileError as FileError,
        flush as flush,
        open_to_write as open_to_write,
        remove_tree as remove_tree,
        scratch_folder_for as scratch_folder_for,
        scratch_for as scratch_for,
        write_whole as write_whole,
    )
else:
    __getattr__, __dir__ = door(__name__)
