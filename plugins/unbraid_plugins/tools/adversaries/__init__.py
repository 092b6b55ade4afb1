"""Adversaries that stay at chance: a warning of a training whose critic teaches nothing."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.adversaries.chance import adversaries as adversaries, chance_levels as chance_levels
else:
    __getattr__, __dir__ = door(__name__)
