"""Files as nodes with positions: YAML, TOML, names, scalars."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.reading.files import (
        display_name as display_name,
        read_file as read_file,
        read_override as read_override,
    )
    from unbraid_configs.reading.names import (
        Name as Name,
        check_name as check_name,
        check_signature as check_signature,
        name_problem as name_problem,
        read_signature as read_signature,
        split_names as split_names,
    )
    from unbraid_configs.reading.nodes import (
        OVERRIDE as OVERRIDE,
        PYTHON as PYTHON,
        Node as Node,
        from_python as from_python,
    )
    from unbraid_configs.reading.scalars import (
        quote as quote,
        read_scalar as read_scalar,
        write_expression as write_expression,
        write_number as write_number,
        write_scalar as write_scalar,
    )
else:
    __getattr__, __dir__ = door(__name__)
