"""Random operations on codes and vectors."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import Code, Gaussian, Layout, Random, Value, operation


@operation
def normal(*, size: int, std: float = 1.0, random: Random) -> Tensor:
    """Normal noise of mean 0.

    size: numbers per sample; std: their standard deviation.  Returns (B, size).
    """
    return std * random.normal(random.batch, size)


@operation
def uniform(*, size: int, low: float = -1.0, high: float = 1.0, random: Random) -> Tensor:
    """Uniform noise, between -1 and 1 unless told otherwise.

    size: numbers per sample.  Returns (B, size) in [low, high).
    """
    return low + (high - low) * random.uniform(random.batch, size)


@operation
def sample(q: Gaussian, *, random: Random) -> Value:
    """A draw from a Gaussian, with gradients to it:  z = mu + sigma * e,  e ~ N(0, I)  (Kingma & Welling 2014, eq. 10).

    q: Gaussian over (B, D) or (B, D, h, w).  Returns what its mean is: a Code, or a tensor.
    """
    return q.sample(random.normal(*q.logvar.shape).to(q.logvar.dtype))


@operation
def prior(*, random: Random, layout: Layout) -> Code:
    """A draw of the recipe's whole code, each factor from its prior.

    normal: N(0, I); uniform: in [-1, 1); classes: one-hot of a fair class.  layout: of the recipe's code, given by the
    engine as `random` is.  Returns a Code, (B, D).
    """
    pieces = []
    for part in layout.parts:
        if part.prior == "normal":
            pieces.append(random.normal(random.batch, part.size))
        elif part.prior == "uniform":
            pieces.append(2 * random.uniform(random.batch, part.size) - 1)
        else:
            chosen = random.integers(part.size, random.batch)
            numbers = torch.arange(part.size, device=chosen.device)
            pieces.append((chosen.unsqueeze(1) == numbers).to(torch.get_default_dtype()))
    return Code(torch.cat([p.to(pieces[0].dtype) for p in pieces], 1), layout)


@operation
def permute_dims(z: Value, *, random: Random) -> Value:
    """Every dimension shuffled over the batch by a permutation of its own (Kim & Mnih 2018, algorithm 1).

    From a sample of q(z) it makes one of the product of its marginals.  z: Code or tensor, (B, D) or (B, D, h, w); a
    spatial code is shuffled channel by channel.  Returns the same kind of value.
    """
    tensor = z.tensor if isinstance(z, Code) else z
    order = random.uniform(*tensor.shape[:2]).argsort(0)
    order = order.reshape(*order.shape, *[1] * (tensor.ndim - 2)).expand_as(tensor)
    shuffled = tensor.gather(0, order)
    return Code(shuffled, z.layout) if isinstance(z, Code) else shuffled
