"""Expressions: a text as a tree.  Python's own parser reads it; it is never evaluated as Python."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.expressions.expression import Condition as Condition, Expression as Expression
    from unbraid_configs.expressions.names import (
        KeyName as KeyName,
        check_name as check_name,
        check_signature as check_signature,
        name_problem as name_problem,
        read_signature as read_signature,
        split_names as split_names,
    )
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
    from unbraid_configs.expressions.weights import SCHEDULES as SCHEDULES, Weight as Weight, Weights as Weights
else:
    __getattr__, __dir__ = door(__name__)
