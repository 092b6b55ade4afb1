"""The metrics of disentanglement as the evaluation calls them, with its table of complete rows."""

from __future__ import annotations

import numpy as np

from unbraid import metric
from unbraid_plugins.metrics.information_gap import InformationGap, mig


@metric(name="mig")
def of_information(table_codes: np.ndarray, table_factors: np.ndarray, measured_rows: np.ndarray, *, bins: int = 20,
                   resamples: int = 0, seed: int = 0) -> InformationGap:
    """Mutual information gap: is each factor told by one number of the code and no other (Chen et al. 2018)?"""
    return mig(table_codes[measured_rows], table_factors[measured_rows], bins=bins, resamples=resamples, seed=seed)
