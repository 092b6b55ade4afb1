"""Reports: a run's folder, or several, as one HTML file that opens from disk and asks nothing of a network.

`run_reader` finds what a folder tells, `scores`, `heatmaps`, `tables`, `curves` and `image_rows` turn it into what a
page shows, `page` and `comparison` fill the templates. Nothing here loads a model or torch.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.reports.files import write_comparison as write_comparison, write_report as write_report
    from unbraid_plugins.tools.reports.run_reader import ReportError as ReportError, read_run as read_run
else:
    __getattr__, __dir__ = door(__name__)
