"""Evaluation of a trained model in numbers and pictures, beside baselines that learned nothing.

The numbers come from metrics: components of kind `metric`. A metric is called with the pieces of evidence that its
parameters name.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.evaluation.baselines import Baselines as Baselines, untrained as untrained
    from unbraid_plugins.tools.evaluation.command import Reports as Reports
    from unbraid_plugins.tools.evaluation.encoded import usable as usable
    from unbraid_plugins.tools.evaluation.evidence import (
        BATCH as BATCH,
        EVIDENCE as EVIDENCE,
        as_numbers as as_numbers,
        factors_of as factors_of,
        halves as halves,
        image_array as image_array,
        numbers_of as numbers_of,
        source_of as source_of,
    )
    from unbraid_plugins.tools.evaluation.kept_results import LARGEST as LARGEST
    from unbraid_plugins.tools.evaluation.measure import evaluate as evaluate, evaluate_model as evaluate_model
    from unbraid_plugins.tools.evaluation.metric_suite import MetricSuite as MetricSuite
    from unbraid_plugins.tools.evaluation.options import (
        EVALUATING as EVALUATING,
        EvaluationOptions as EvaluationOptions,
    )
    from unbraid_plugins.tools.evaluation.pictures import assignment as assignment
    from unbraid_plugins.tools.evaluation.posterior import divergences as divergences
    from unbraid_plugins.tools.evaluation.protocol import (
        PROTOCOLS as PROTOCOLS,
        Protocol as Protocol,
        protocol_of as protocol_of,
    )
    from unbraid_plugins.tools.evaluation.score_table import table as table
else:
    __getattr__, __dir__ = door(__name__)
