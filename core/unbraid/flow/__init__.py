"""The flow: a recipe's lines as a graph of nodes, each with the networks that it depends on.  Never imports torch."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.flow.builder import (
        Flow as Flow,
        FunctionGraph as FunctionGraph,
        PlayerGraph as PlayerGraph,
        Term as Term,
    )
    from unbraid.flow.graph import (
        ArithmeticOp as ArithmeticOp,
        AttributeOp as AttributeOp,
        ComponentOp as ComponentOp,
        DetachOp as DetachOp,
        DrawOp as DrawOp,
        Graph as Graph,
        ItemOp as ItemOp,
        NetworkOp as NetworkOp,
        Node as Node,
        NumberOp as NumberOp,
        ParameterOp as ParameterOp,
        ReferenceOp as ReferenceOp,
        TupleOp as TupleOp,
        below as below,
        reached as reached,
        written as written,
    )
else:
    __getattr__, __dir__ = door(__name__)
