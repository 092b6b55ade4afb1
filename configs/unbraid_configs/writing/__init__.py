"""Writers of recipes: resolved, with origins, as a JSON schema; and the comparison of two recipes."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_configs.writing.comparison import (
        FREE as FREE,
        Difference as Difference,
        all_differences as all_differences,
        as_it_stands as as_it_stands,
        differences as differences,
        in_words as in_words,
        written as written,
    )
    from unbraid_configs.writing.dump import dump_recipe as dump_recipe
    from unbraid_configs.writing.json_schema import recipe_schema as recipe_schema
    from unbraid_configs.writing.open_options import with_choices as with_choices, with_fastest as with_fastest
    from unbraid_configs.writing.show import origin_of as origin_of, show_recipe as show_recipe
else:
    __getattr__, __dir__ = door(__name__)
