"""Trained models by name: facts, licences and scores of each, the command that makes it, and its pack to fetch.

`unbraid models list` shows them, `unbraid models make NAME` trains, evaluates and packs one, `unbraid models get NAME`
fetches a pack that is published.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.models.catalogue import (
        TrainedModel as TrainedModel,
        all_models as all_models,
        find_model as find_model,
        read_models as read_models,
    )
    from unbraid_plugins.tools.models.getting import get as get
    from unbraid_plugins.tools.models.making import make as make
else:
    __getattr__, __dir__ = door(__name__)
