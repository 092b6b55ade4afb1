"""The total correlation of a code, from one batch (Chen et al., Isolating sources of disentanglement, NeurIPS 2018)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from unbraid import Gaussian, loss, values


@loss
def total_correlation(z: Tensor, q: Gaussian, *, estimate: Literal["weighted", "stratified"] = "weighted",
                      size: int | None = None) -> Tensor:
    """Dependence between the numbers of the code:  TC = KL(q(z) || prod_l q(z_l))  (Chen et al. 2018, eq. 2 and 3).

    q(z) is the mixture of all images' q(z | n), and is estimated from the batch's, in nats:

        TC = mean_i [ log sum_j w_ij prod_l q(z_il | n_j)  -  sum_l log sum_j w_ij q(z_il | n_j) ].

    beta-TCVAE (eq. 4) weighs the total correlation inside the KL by beta; as the KL has it once,
    `kl(q) + (beta - 1) * total_correlation(z, q)`.

    z: sample of q, (B, D); q: Gaussian over (B, D).  estimate: weighted (eq. 3), w = 1 / (N B), which only adds a
    constant; stratified (appendix C.2), w = 1/N for j = i, (N - M) / (N M) for one other j, 1/M for the others, with
    M = B - 1.  size: N, the number of images in the data set; left out, the weighted estimate is without its constant
    (D - 1) log (N B), as in disentanglement_lib, and has the same gradient; the stratified one needs it.
    Returns a scalar, which can be negative.  Raises ValueError for codes that are not (B, D), or no such size.
    """
    mean = values.plain(q.mean)
    if z.ndim != 2 or not z.shape == mean.shape == q.logvar.shape:
        raise ValueError("total_correlation takes codes (B, D) and a Gaussian of one shape; these are "
                         f"{tuple(z.shape)}, {tuple(mean.shape)} and {tuple(q.logvar.shape)}")
    exact = torch.promote_types(z.dtype, torch.float32)
    z, mean, logvar = z.to(exact), mean.to(exact), q.logvar.to(exact)
    away = (z.unsqueeze(1) - mean).square() * (-logvar).exp()               # (B, B, D): sample i under q(. | n_j)
    densities = -0.5 * (away + logvar + math.log(2 * math.pi))
    weights = _log_weights(z, estimate, size)                               # (B, B)
    joint = (densities.sum(2) + weights).logsumexp(1)                       # log q(z), (B,)
    marginals = (densities + weights.unsqueeze(2)).logsumexp(1)             # log q(z_l), (B, D)
    return (joint - marginals.sum(1)).mean()


def _log_weights(z: Tensor, estimate: str, size: int | None) -> Tensor:
    """The logarithms of w_ij, (B, B) on z's device."""
    if size is not None and size < 1:
        raise ValueError(f"total_correlation: size is the number of images in the data set; it is {size}")
    if estimate == "stratified":
        if size is None:
            raise ValueError("total_correlation: the stratified estimate depends on the number of images in the data "
                             "set: give it  size=N")
        return stratified_weights(len(z), size).log().to(z)
    return torch.full((len(z), len(z)), -math.log(len(z) * size) if size else 0.0, dtype=z.dtype, device=z.device)


def stratified_weights(batch: int, size: int) -> Tensor:
    """w_ij of minibatch-stratified sampling (Chen et al. 2018, appendix C.2), (B, B), float64; rows sum to 1.

    Over all batches without repetition, the weighted mean of the batch's densities is the data set's.  The image after
    i in the batch (after the last, the first) has the weight (N - M) / (N M).
    Raises ValueError for a batch of one image or more images than there are.
    """
    others = batch - 1
    if not 1 <= others < size:
        raise ValueError("total_correlation: the stratified estimate needs at least two images in a batch and no more "
                         f"than in the data set; these are {batch} and {size}")
    itself = torch.eye(batch, dtype=torch.float64)
    following = itself.roll(1, 1)
    rest = 1 - itself - following
    return itself / size + following * (size - others) / (size * others) + rest / others
