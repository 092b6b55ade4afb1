"""Reports: the results of one run or several as one HTML file, which opens from disk and needs no network.

`run_reader` reads a run's folder. `scores`, `heatmaps`, `tables`, `curves` and `image_rows` turn the results into the
parts of a page. `page` and `comparison` fill the templates. Nothing here loads a model or torch.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.reports.files import write_comparison as write_comparison, write_report as write_report
    from unbraid_plugins.tools.reports.run_reader import (
        ReportError as ReportError,
        read_evaluation as read_evaluation,
        read_run as read_run,
    )
else:
    __getattr__, __dir__ = door(__name__)
