"""The command line, and helpers that commands share: arguments and options, recipes by name, tables, prompts, errors.

A plugin contributes click commands by the hook `unbraid_commands`. They get the options that all commands share
(`--plugin`, `--no-plugin`, `--strict`, `--follow-links`, `--traceback`); `@click.pass_obj` hands them the `Session`.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.cli.arguments import (
        DEVICE as DEVICE,
        RUN as RUN,
        SET as SET,
        factors_of as factors_of,
        model_of as model_of,
        out_option as out_option,
        overrides_given as overrides_given,
        write as write,
    )
    from unbraid.cli.data_summary import describe as describe
    from unbraid.cli.entry import main as main
    from unbraid.cli.errors import say as say
    from unbraid.cli.program import foreign_commands as foreign_commands, one_of as one_of
    from unbraid.cli.prompts import (
        SIGNALS as SIGNALS,
        announce as announce,
        ask_before as ask_before,
        asked_about_changes as asked_about_changes,
        echo as echo,
        recipe_on as recipe_on,
    )
    from unbraid.cli.recipes import (
        OVERRIDES as OVERRIDES,
        RECIPE as RECIPE,
        read_recipe as read_recipe,
    )
    from unbraid.cli.session import Session as Session
    from unbraid_registry.tables import columns as columns, indented as indented
else:
    __getattr__, __dir__ = door(__name__)
