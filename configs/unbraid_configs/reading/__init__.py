"""Readers of YAML, TOML and scalars that keep the position of every node."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.reading.files import (
        LARGEST as LARGEST,
        display_name as display_name,
        read_file as read_file,
        read_override as read_override,
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
    from unbraid_configs.reading.yaml_reader import read_yaml as read_yaml
else:
    __getattr__, __dir__ = door(__name__)
