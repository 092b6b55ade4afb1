"""Edits of images by a trained model: reconstructions, swaps, mixtures, traversals, samples, translations."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.editing.code_walks import Walk as Walk, blended as blended, walks as walks
    from unbraid_plugins.tools.editing.pictures import (
        TRAVERSAL as TRAVERSAL,
        reconstructions as reconstructions,
        shown_images as shown_images,
        swaps as swaps,
        translations as translations,
        traversals as traversals,
    )
else:
    __getattr__, __dir__ = door(__name__)
