"""Where the time of a training's step goes: by player, and by network forwards and backwards."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.profiling.profiler import Profile as Profile, Spent as Spent, profile as profile
else:
    __getattr__, __dir__ = door(__name__)
