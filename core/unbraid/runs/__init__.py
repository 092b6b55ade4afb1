"""Run folders on disk: checkpoints, the log, the record, and files that are written whole or not at all."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.runs import checkpoint as checkpoint
    from unbraid.runs.checkpoint import CheckpointError as CheckpointError, load_weights as load_weights
    from unbraid.runs.images import write_image as write_image
    from unbraid.runs.logbook import Logbook as Logbook, Mesh as Mesh, Picture as Picture
    from unbraid.runs.run import Run as Run, RunError as RunError
    from unbraid_registry.files import (
        is_free as is_free,
        locked as locked,
        new_folder as new_folder,
        reason as reason,
        remedy as remedy,
        write_whole as write_whole,
    )
    from unbraid_registry.origin import provenance as provenance
else:
    __getattr__, __dir__ = door(__name__)
