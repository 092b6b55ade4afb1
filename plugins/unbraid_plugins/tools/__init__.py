"""The tools: plugins that work with recipes and trained models, through the same hooks as any other plugin.

A tool's folder has a door (`__init__`), its hooks (`hooks`), its commands, and the modules that do the work.
Notebooks use the functions that are listed here:

    from unbraid_plugins.tools import evaluate, export_codes, probe, train_seeds
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.editing import (
        reconstructions as reconstructions,
        swaps as swaps,
        translations as translations,
        traversals as traversals,
    )
    from unbraid_plugins.tools.evaluation import evaluate as evaluate, evaluate_model as evaluate_model
    from unbraid_plugins.tools.export import export_codes as export_codes, export_function as export_function
    from unbraid_plugins.tools.figure import draw_figure as draw_figure
    from unbraid_plugins.tools.probing import probe as probe, probe_model as probe_model
    from unbraid_plugins.tools.profiling import profile as profile
    from unbraid_plugins.tools.reports import write_comparison as write_comparison, write_report as write_report
    from unbraid_plugins.tools.studies import train_seeds as train_seeds
else:
    __getattr__, __dir__ = door(__name__)
