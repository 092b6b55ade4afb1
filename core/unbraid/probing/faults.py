"""What can be wrong with a probe, in the words of who asked for it."""

from unbraid_registry.errors import UnbraidError


class ProbeError(UnbraidError):
    """Nothing can be probed so."""
