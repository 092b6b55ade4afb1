"""The disentanglement metrics as components, which the evaluation calls with its table of complete rows."""

from __future__ import annotations

import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.disentanglement.beta_vae import BetaVaeScore, beta_vae_score
from unbraid_plugins.shared.metrics.disentanglement.dci import Dci, dci
from unbraid_plugins.shared.metrics.disentanglement.factor_vae import FactorVaeScore, factor_vae_score
from unbraid_plugins.shared.metrics.disentanglement.irs import InterventionalRobustness, irs
from unbraid_plugins.shared.metrics.disentanglement.mig import InformationGap, mig
from unbraid_plugins.shared.metrics.disentanglement.modularity_explicitness import (
    Explicitness,
    Modularity,
    explicitness,
    modularity,
)
from unbraid_plugins.shared.metrics.disentanglement.sap import Predictability, sap


@metric(name="mig", better="higher")
def of_gaps(table_codes: np.ndarray, table_factors: np.ndarray, measured_rows: np.ndarray, *, bins: int = 20,
            resamples: int = 0, seed: int = 0) -> InformationGap:
    """Mutual information gap: whether only one dimension of the code encodes a factor (Chen et al. 2018)."""
    return mig(table_codes[measured_rows], table_factors[measured_rows], bins=bins, resamples=resamples, seed=seed)


@metric(name="modularity", better="higher")
def of_modules(table_codes: np.ndarray, table_factors: np.ndarray, measured_rows: np.ndarray, *, bins: int = 20,
               resamples: int = 0, seed: int = 0) -> Modularity:
    """Modularity: whether each dimension of the code encodes one factor only (Ridgeway & Mozer 2018).

    Random codes have about 0.7.
    """
    return modularity(table_codes[measured_rows], table_factors[measured_rows], bins=bins, resamples=resamples,
                      seed=seed)


@metric(name="irs", better="higher")
def of_interventions(table_codes: np.ndarray, table_factors: np.ndarray, measured_rows: np.ndarray, *,
                     quantile: float = 0.99, bins: int = 20) -> InterventionalRobustness:
    """Interventional robustness: whether a dimension stays when the other factors change (Suter et al. 2019).

    It has no interval: it is relative to the largest deviation, and a bootstrap can't say how certain a maximum is.
    """
    return irs(table_codes[measured_rows], table_factors[measured_rows], quantile=quantile, bins=bins)


@metric(name="sap", better="higher")
def of_attributes(table_codes: np.ndarray, table_factors: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray, *,
                  work: int | None = None, resamples: int = 0, seed: int = 0) -> Predictability:
    """Separated attribute predictability: whether only one dimension predicts a factor (Kumar et al. 2018)."""
    rows = _affordable(table_codes, train_rows, work, "sap")
    return sap(table_codes, table_factors, train=rows, test=test_rows, resamples=resamples, seed=seed)


@metric(name="explicitness", better="higher")
def of_areas(table_codes: np.ndarray, table_factors: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray, *,
             work: int | None = None, resamples: int = 0, seed: int = 0) -> Explicitness:
    """Explicitness: whether a linear classifier can read each factor (Ridgeway & Mozer 2018).

    It measures content, not disentanglement.
    """
    rows = _affordable(table_codes, train_rows, work, "explicitness")
    return explicitness(table_codes, table_factors, train=rows, test=test_rows, resamples=resamples, seed=seed)


@metric(name="dci", better="higher")
def of_importances(table_codes: np.ndarray, table_factors: np.ndarray, train_rows: np.ndarray, test_rows: np.ndarray,
                   *, rounds: int = 100, work: int | None = None, seed: int = 0) -> Dci:
    """Disentanglement, completeness and informativeness, with boosted trees (Eastwood & Williams 2018).

    It has no interval: every resample would need separate trees.
    """
    rows = _affordable(table_codes, train_rows, work, "dci")
    return dci(table_codes, table_factors, train=rows, test=test_rows, rounds=rounds, seed=seed)


@metric(name="beta_vae_score", better="higher")
def of_differences(table_codes: np.ndarray, table_factors: np.ndarray, drawn_rows: np.ndarray, *, pairs: int = 64,
                   train_points: int = 10_000, points: int = 5000, resamples: int = 0, seed: int = 0) -> BetaVaeScore:
    """Accuracy of finding the factor that pairs of images share (Higgins et al. 2017).  Dense linear mixing passes.

    Its interval is that of the points that were drawn.
    """
    return beta_vae_score(table_codes[drawn_rows], table_factors[drawn_rows], pairs=pairs, train_points=train_points,
                          points=points, resamples=resamples, seed=seed)


@metric(name="factor_vae_score", better="higher")
def of_votes(table_codes: np.ndarray, table_factors: np.ndarray, drawn_rows: np.ndarray, *, batch: int = 64,
             train_votes: int = 10_000, votes: int = 5000, least: float = 0.05, resamples: int = 0,
             seed: int = 0) -> FactorVaeScore:
    """Accuracy of finding a fixed factor by the dimension that varies least (Kim & Mnih 2018).

    Dense linear mixing often passes. Its interval is that of the votes that were drawn.
    """
    return factor_vae_score(table_codes[drawn_rows], table_factors[drawn_rows], batch=batch, train_votes=train_votes,
                            votes=votes, least=least, resamples=resamples, seed=seed)


def _affordable(codes: np.ndarray, rows: np.ndarray, work: int | None, name: str) -> np.ndarray:
    """Return the rows to fit on.  Raises ValueError where their codes have more than `work` numbers."""
    if work is not None and len(rows) * codes.shape[1] > work:
        raise ValueError(f"{len(rows)} codes of {codes.shape[1]} numbers are too much for the quick protocol; "
                         f"ask for it with --metrics {name} or --protocol study")
    return rows


OF_TABLES = (of_gaps, of_importances, of_attributes, of_modules, of_areas, of_interventions, of_differences, of_votes)
