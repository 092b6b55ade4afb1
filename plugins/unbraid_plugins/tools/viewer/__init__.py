"""A live viewer: `unbraid view RUN` shows what a trained model does, in the browser.

A plugin adds a tab with the hook `unbraid_views(scene)`, which returns `View`s: controls, and a function that draws
outputs from their values.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.viewer import controls as controls, outputs as outputs
    from unbraid_plugins.tools.viewer.scene import Scene as Scene
    from unbraid_plugins.tools.viewer.view import View as View, ViewError as ViewError
    from unbraid_plugins.tools.viewer.view_suite import ViewSuite as ViewSuite
else:
    __getattr__, __dir__ = door(__name__)
