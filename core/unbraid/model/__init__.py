"""Recipes applied to data (`Method`: built networks, checked shapes) and trained models (`Model`, `load`)."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.model.ambient import pinned as pinned
    from unbraid.model.arrays import ModelError as ModelError
    from unbraid.model.compute import (
        Environment as Environment,
        EvaluationError as EvaluationError,
        Step as Step,
        computation as computation,
        detached as detached,
        evaluate as evaluate,
    )
    from unbraid.model.method import Method as Method, build_method as build_method
    from unbraid.model.model import Model as Model, code_of as code_of, load as load
    from unbraid.model.networks import preserved_buffers as preserved_buffers, shapes_of as shapes_of
    from unbraid.model.pretrained import load_pretrained as load_pretrained, with_pretrained as with_pretrained
    from unbraid.model.shapes import BATCH as BATCH
else:
    __getattr__, __dir__ = door(__name__)
