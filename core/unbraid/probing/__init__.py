"""Transfer: what small classifiers read off frozen codes, with few and with many labels, beside pixels and an untrained
encoder.

`images` chooses what is fitted and judged on, `representations` are what it is turned into, `labels` are drawn,
`linear` and `nearest` are the classifiers, `supervised` is their upper bound; `probes` puts them together, `report` and
`showing` tell what came out.
"""

from unbraid.probing.faults import ProbeError
from unbraid.probing.probes import probe, probe_model
from unbraid.probing.report import table
from unbraid.probing.settings import Settings

__all__ = ["ProbeError", "Settings", "probe", "probe_model", "table"]
