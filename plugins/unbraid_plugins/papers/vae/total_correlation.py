"""The three parts of the KL (Chen et al., Isolating sources of disentanglement, NeurIPS 2018, eq. 2), from one batch.

    E_n KL(q(z | n) || p(z))  =  I(z; n)  +  KL(q(z) || prod_l q(z_l))  +  sum_l KL(q(z_l) || p(z_l)):

the mutual information of code and image, the total correlation, and the dimension-wise KL. In all of them q(z) is the
mixture of all images' q(z | n). It is estimated from the B images of the batch, out of N in the data set:

    q(z_i) ~ sum_j w_ij q(z_i | n_j),

weighted (eq. 3): w = 1 / (N B); stratified (appendix C.2): w = 1/N for j = i, (N - M) / (N M) for one other j, 1/M for
the others, with M = B - 1. The weights of the weighted estimate only add a constant, so its gradient does not need N.
Without N they are 1, as in disentanglement_lib. All parts are in nats and are means over the batch. Single estimates
can be negative.
"""

from __future__ import annotations

import math
from typing import Literal

import attrs
import torch
from torch import Tensor

from unbraid import Gaussian, loss
from unbraid.values import records as values

Estimate = Literal["weighted", "stratified"]


@loss
def total_correlation(z: Tensor, q: Gaussian, *, estimate: Estimate = "weighted", size: int | None = None) -> Tensor:
    """Dependence between the dimensions of the code:  TC = KL(q(z) || prod_l q(z_l))  (Chen et al. 2018, eq. 2 and 3).

        TC = mean_i [ log sum_j w_ij prod_l q(z_il | n_j)  -  sum_l log sum_j w_ij q(z_il | n_j) ]

    beta-TCVAE (eq. 4) weighs the total correlation inside the KL by beta. The KL contains it once, so the loss is
    `kl(q) + (beta - 1) * total_correlation(z, q)`.

    z: sample of q, (B, D).
    q: Gaussian over (B, D).
    estimate, size: see the module; without size the weighted estimate lacks the constant (D - 1) log (N B).

    Returns a scalar.  Raises ValueError for codes that are not (B, D), or a size that the estimate can't use.
    """
    found = Densities.of("total_correlation", z, q, estimate, size)
    return (found.joint - found.marginals.sum(1)).mean()


@loss
def index_code_information(z: Tensor, q: Gaussian, *, estimate: Estimate = "weighted",
                           size: int | None = None) -> Tensor:
    """Mutual information of code and image:  I(z; n) = E [ log q(z | n) - log q(z) ]  (Chen et al. 2018, eq. 2).

    z, q, estimate, size, errors: as for total_correlation; without size the weighted estimate lacks the constant
    log (N B).  Returns a scalar.
    """
    found = Densities.of("index_code_information", z, q, estimate, size)
    return (found.conditional - found.joint).mean()


@loss
def dimension_wise_kl(z: Tensor, q: Gaussian, *, estimate: Estimate = "weighted", size: int | None = None) -> Tensor:
    """Distance of each dimension from the prior:  sum_l KL(q(z_l) || N(0, 1))  (Chen et al. 2018, eq. 2).

    z, q, estimate, size, errors: as for total_correlation; without size the weighted estimate lacks the constant
    -D log (N B).  Returns a scalar.
    """
    found = Densities.of("dimension_wise_kl", z, q, estimate, size)
    return (found.marginals.sum(1) - found.prior).mean()


@attrs.frozen(eq=False)
class Densities:
    """The logarithms of the densities of a batch's samples, in float32 at least.

    conditional: log q(z | n), (B,).
    joint: log q(z), (B,).
    marginals: log q(z_l), (B, D).
    prior: log p(z), (B,).
    """

    conditional: Tensor
    joint: Tensor
    marginals: Tensor
    prior: Tensor

    @classmethod
    def of(cls, name: str, z: Tensor, q: Gaussian, estimate: Estimate, size: int | None) -> Densities:
        """Return the densities of samples z under q.  name: the loss, for error messages.  Raises ValueError."""
        mean = values.plain(q.mean)
        if z.ndim != 2 or not z.shape == mean.shape == q.logvar.shape:
            raise ValueError(f"{name} takes codes (B, D) and a Gaussian of one shape; these are "
                             f"{tuple(z.shape)}, {tuple(mean.shape)} and {tuple(q.logvar.shape)}")
        exact = torch.promote_types(z.dtype, torch.float32)
        z, mean, logvar = z.to(exact), mean.to(exact), q.logvar.to(exact)
        away = (z.unsqueeze(1) - mean).square() * (-logvar).exp()               # (B, B, D): sample i under q(. | n_j)
        densities = -0.5 * (away + logvar + math.log(2 * math.pi))
        weights = _log_weights(name, z, estimate, size)                         # (B, B)
        return cls(conditional=densities.sum(2).diagonal(),
                   joint=(densities.sum(2) + weights).logsumexp(1),
                   marginals=(densities + weights.unsqueeze(2)).logsumexp(1),
                   prior=-0.5 * (z.square() + math.log(2 * math.pi)).sum(1))


def _log_weights(name: str, z: Tensor, estimate: str, size: int | None) -> Tensor:
    """Return the logarithms of w_ij, (B, B) on z's device."""
    if size is not None and size < 1:
        raise ValueError(f"{name}: size is the number of images in the data set; it is {size}")
    if estimate == "stratified":
        if size is None:
            raise ValueError(f"{name}: the stratified estimate depends on the number of images in the data set: give "
                             "it  size=N")
        return stratified_weights(len(z), size).log().to(z)
    return torch.full((len(z), len(z)), -math.log(len(z) * size) if size else 0.0, dtype=z.dtype, device=z.device)


def stratified_weights(batch: int, size: int) -> Tensor:
    """Return w_ij of minibatch-stratified sampling (Chen et al. 2018, appendix C.2), (B, B), float64; rows sum to 1.

    The mean of the estimates over all batches without repetition is the density of the data set.  The image after i in
    the batch (after the last, the first) has the weight (N - M) / (N M).
    Raises ValueError for a batch of one image, or of more images than the data set has.
    """
    others = batch - 1
    if not 1 <= others < size:
        raise ValueError("the stratified estimate needs at least two images in a batch and no more than in the data "
                         f"set; these are {batch} and {size}")
    itself = torch.eye(batch, dtype=torch.float64)
    following = itself.roll(1, 1)
    rest = 1 - itself - following
    return itself / size + following * (size - others) / (size * others) + rest / others
