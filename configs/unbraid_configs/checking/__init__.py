"""Strict conversion of nodes into typed sections, and checks between the sections."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.checking.components import (
        AVERAGE as AVERAGE,
        RESERVED as RESERVED,
        Finds as Finds,
        plain_value as plain_value,
    )
    from unbraid_configs.checking.factors import PATTERN as PATTERN, write_factor as write_factor
    from unbraid_configs.checking.fields import key_of as key_of
    from unbraid_configs.checking.structure import assemble as assemble
    from unbraid_configs.checking.wording import LISTS as LISTS, MAPS as MAPS, words as words
else:
    __getattr__, __dir__ = door(__name__)
