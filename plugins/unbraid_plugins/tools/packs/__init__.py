"""Packs: a trained model in one safetensors file, with its recipe, its data's facts, its licence and its scores.

Everything that reads a run reads a pack. Loading a pack opens this file alone and runs nothing of it.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.packs.pack import Pack as Pack, PackError as PackError
    from unbraid_plugins.tools.packs.packing import measured as measured, write_pack as write_pack
else:
    __getattr__, __dir__ = door(__name__)
