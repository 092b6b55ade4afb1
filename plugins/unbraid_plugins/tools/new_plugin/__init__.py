"""`unbraid new-plugin`: write a plugin package that is ready to install."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.new_plugin.command import TEMPLATE as TEMPLATE, refuse as refuse
else:
    __getattr__, __dir__ = door(__name__)
