"""Faces of a morphable model: a source that draws them, and a renderer that turns a fitted face."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.opengl.faces.model import MorphableModel as MorphableModel, read_model as read_model
    from unbraid_plugins.opengl.faces.source import MorphableFaces as MorphableFaces
    from unbraid_plugins.opengl.faces.turning import FaceTurner as FaceTurner, turned as turned
else:
    __getattr__, __dir__ = door(__name__)
