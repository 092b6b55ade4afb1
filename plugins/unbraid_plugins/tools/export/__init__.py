"""Export of a trained model: functions as ONNX or torch.export, codes as tables.

Nothing here reads a file that others made; what is written stands whole or not at all, and a program is compared with
the model before it is left to anybody.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.export.codes import ExportedCodes as ExportedCodes, export_codes as export_codes
    from unbraid_plugins.tools.export.formats import ExportError as ExportError
    from unbraid_plugins.tools.export.functions import Exported as Exported, export_function as export_function
else:
    __getattr__, __dir__ = door(__name__)
