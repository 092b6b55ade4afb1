"""beta-VAE and its relatives: the networks of the original papers and of the large study, and the objectives.

Higgins et al., beta-VAE, ICLR 2017; Burgess et al., Understanding disentangling in beta-VAE, 2018; Kim & Mnih,
Disentangling by factorising (FactorVAE), ICML 2018; Chen et al., Isolating sources of disentanglement (beta-TCVAE),
NeurIPS 2018; Kumar et al., DIP-VAE, ICLR 2018; Locatello et al., Challenging common assumptions in the unsupervised
learning of disentangled representations, ICML 2019.  Each objective is the term that its method adds to a VAE.

Encoders make a Gaussian over the code; generators make logits by default, for `bernoulli(y, x)`.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.vae.burgess import BurgessEncoder, BurgessGenerator
from unbraid_plugins.papers.vae.capacity import annealed_kl, kl_per_dimension
from unbraid_plugins.papers.vae.dip_vae import dip
from unbraid_plugins.papers.vae.factor_vae import FactorCritic, density_ratio, tell_shuffled
from unbraid_plugins.papers.vae.fully_connected import FcEncoder, FcGenerator
from unbraid_plugins.papers.vae.locatello import StudyEncoder, StudyGenerator
from unbraid_plugins.papers.vae.total_correlation import dimension_wise_kl, index_code_information, total_correlation


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the networks and losses of the beta-VAE family."""
    return [StudyEncoder, StudyGenerator, BurgessEncoder, BurgessGenerator, FcEncoder, FcGenerator, FactorCritic,
            annealed_kl, kl_per_dimension, total_correlation, index_code_information, dimension_wise_kl, dip,
            density_ratio, tell_shuffled]
