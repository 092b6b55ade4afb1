"""Typed recipes: reading, merging, overriding, checking, showing and writing them.

Every name is loaded when it is first used: importing this package is fast, and never imports torch.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.expressions import Expression as Expression
    from unbraid_configs.library import (
        all_recipes as all_recipes,
        bundled_recipes as bundled_recipes,
        find_recipe as find_recipe,
        is_path as is_path,
        title_of as title_of,
        whole_name as whole_name,
    )
    from unbraid_configs.load import (
        load_recipe as load_recipe,
        make_recipe as make_recipe,
        recipe_from_text as recipe_from_text,
    )
    from unbraid_configs.mistakes import (
        Mistake as Mistake,
        Place as Place,
        RecipeError as RecipeError,
    )
    from unbraid_configs.reading.nodes import Node as Node
    from unbraid_configs.reads import logged_names as logged_names, read_by as read_by, unread as unread
    from unbraid_configs.recipe import (
        Data as Data,
        Draw as Draw,
        Factor as Factor,
        Function as Function,
        Network as Network,
        Optimizer as Optimizer,
        Player as Player,
        Recipe as Recipe,
        Spec as Spec,
        Train as Train,
    )
    from unbraid_configs.writing.dump import dump_recipe as dump_recipe
    from unbraid_configs.writing.json_schema import recipe_schema as recipe_schema
    from unbraid_configs.writing.show import show_recipe as show_recipe
else:
    __getattr__, __dir__ = door(__name__)
