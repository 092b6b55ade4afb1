"""Studies: a recipe at many points and over many seeds, as a folder of ordinary runs with tables and plots."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.studies.batched import train_seeds as train_seeds, train_together as train_together
    from unbraid_plugins.tools.studies.folder import (
        Study as Study,
        StudyError as StudyError,
        trained_to as trained_to,
    )
    from unbraid_plugins.tools.studies.groups import (
        Group as Group,
        best_of as best_of,
        gap_between as gap_between,
        groups_of as groups_of,
    )
    from unbraid_plugins.tools.studies.jobs import Machine as Machine, jobs_of as jobs_of
    from unbraid_plugins.tools.studies.plan import Plan as Plan
    from unbraid_plugins.tools.studies.runner import Failure as Failure, Sweep as Sweep
    from unbraid_plugins.tools.studies.scores import (
        MODEL as MODEL,
        Row as Row,
        baselines_of as baselines_of,
        is_better_lower as is_better_lower,
        rows_of_study as rows_of_study,
    )
    from unbraid_plugins.tools.studies.statistics import Summary as Summary, summary as summary
    from unbraid_plugins.tools.studies.sweep import options_of as options_of
else:
    __getattr__, __dir__ = door(__name__)
