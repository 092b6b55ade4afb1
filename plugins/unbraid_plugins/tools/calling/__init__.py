"""Calls of any function that a recipe declares, on images, clips and numbers; its results as pictures and films."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.calling.kinds import (
        ImageFunction as ImageFunction,
        Kind as Kind,
        functions_of_images as functions_of_images,
        kinds_of as kinds_of,
    )
    from unbraid_plugins.tools.calling.whole_clips import clip_rows as clip_rows
else:
    __getattr__, __dir__ = door(__name__)
