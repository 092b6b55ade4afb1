"""Probes: small classifiers on frozen codes, with few and with many labels, beside pixels and an untrained encoder.

`task` chooses the images to fit and to judge on. `representations` turns them into codes or pixels. `labels` draws
labels. `classifiers` fits classifiers. `probe` runs all of these, and `table` and `plot` show the results.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.probing.accuracy_table import table as table
    from unbraid_plugins.tools.probing.fit import probe as probe, probe_model as probe_model
    from unbraid_plugins.tools.probing.settings import ProbeError as ProbeError, Settings as Settings
else:
    __getattr__, __dir__ = door(__name__)
