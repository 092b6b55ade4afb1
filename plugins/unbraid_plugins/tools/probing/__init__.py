"""Transfer: what small classifiers read off frozen codes, with few and with many labels, beside pixels and an untrained
encoder.

`task` chooses what is fitted and judged on, `representations` are what it is turned into, `labels` are drawn,
`classifiers` are fitted; `probe` puts them together, `table` and `plot` tell what came out.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.probing.accuracy_table import table as table
    from unbraid_plugins.tools.probing.fit import probe as probe, probe_model as probe_model
    from unbraid_plugins.tools.probing.settings import ProbeError as ProbeError, Settings as Settings
else:
    __getattr__, __dir__ = door(__name__)
