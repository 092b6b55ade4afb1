"""Studies: a recipe at many points and over many seeds, as a folder of ordinary runs with tables and plots."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.studies.batched import train_seeds as train_seeds, train_together as train_together
    from unbraid_plugins.tools.studies.folder import Study as Study, StudyError as StudyError
    from unbraid_plugins.tools.studies.plan import Plan as Plan
else:
    __getattr__, __dir__ = door(__name__)
