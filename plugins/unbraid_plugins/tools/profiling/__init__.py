"""Profiles of a training step: the time by player, and by network forward and backward."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.profiling.profiler import Profile as Profile, Spent as Spent, profile as profile
else:
    __getattr__, __dir__ = door(__name__)
