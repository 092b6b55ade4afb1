"""Export of a trained model: functions as ONNX or torch.export, codes as tables.

Nothing here reads a file that others made; what is written stands whole or not at all, and a program is compared with
the model before it is left to anybody.
"""

from unbraid.export.codes import ExportedCodes, export_codes
from unbraid.export.faults import ExportError
from unbraid.export.functions import Exported, export_function

__all__ = ["ExportError", "Exported", "ExportedCodes", "export_codes", "export_function"]
