"""Export of a trained model: functions as ONNX or torch.export, codes as tables.

The plugin reads no foreign files. It writes each file or folder completely or not at all. It compares every exported
program with the model before it keeps the file.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.export.codes import ExportedCodes as ExportedCodes, export_codes as export_codes
    from unbraid_plugins.tools.export.formats import ExportError as ExportError
    from unbraid_plugins.tools.export.functions import Exported as Exported, export_function as export_function
else:
    __getattr__, __dir__ = door(__name__)
