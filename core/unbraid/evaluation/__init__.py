"""What a model learned, in numbers and pictures, beside controls that learned nothing.

The numbers are metrics: components of kind `metric`, called with the evidence that their parameters name.
"""

from unbraid.evaluation.controls import Controls
from unbraid.evaluation.evaluate import evaluate, evaluate_model
from unbraid.evaluation.evidence import EVIDENCE
from unbraid.evaluation.protocol import PROTOCOLS, Protocol, protocol_of
from unbraid.evaluation.report import table

__all__ = ["EVIDENCE", "PROTOCOLS", "Controls", "Protocol", "evaluate", "evaluate_model", "protocol_of", "table"]
