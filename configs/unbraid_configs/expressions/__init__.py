"""Expressions: the text of one as a tree.  Parsed by Python's own parser, and never evaluated as Python."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.expressions.parser import parse as parse
    from unbraid_configs.expressions.tree import (
        SIGNS as SIGNS,
        Arithmetic as Arithmetic,
        Attribute as Attribute,
        Call as Call,
        Comparison as Comparison,
        Name as Name,
        Number as Number,
        Text as Text,
        Tree as Tree,
        Tuple as Tuple,
        parts_of as parts_of,
    )
else:
    __getattr__, __dir__ = door(__name__)
