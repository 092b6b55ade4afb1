"""Resolution of a recipe into one tree: shorthands, `base:`, overrides, environment variables, requirements."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.resolving.environment import check_variables as check_variables
    from unbraid_configs.resolving.merge import EMPTY as EMPTY, Merger as Merger
    from unbraid_configs.resolving.overrides import override as override
    from unbraid_configs.resolving.requirements import check_requires as check_requires
    from unbraid_configs.resolving.sections import is_expression as is_expression
    from unbraid_configs.resolving.shorthands import expand as expand
    from unbraid_configs.resolving.texts import check_texts as check_texts
else:
    __getattr__, __dir__ = door(__name__)
