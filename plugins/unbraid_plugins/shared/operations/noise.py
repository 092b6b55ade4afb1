"""Random operations on codes and vectors."""

from __future__ import annotations

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
    """Uniform noise, by default between -1 and 1.

    size: numbers per sample.  Returns (B, size) in [low, high).
    """
    return low + (high - low) * random.uniform(random.batch, size)


@operation
def sample(q: Gaussian, *, random: Random) -> Value:
    """Sample of a Gaussian, with gradients to it:  z = mu + sigma * e,  e ~ N(0, I)  (Kingma & Welling 2014, eq. 10).

    q: Gaussian over (B, D) or (B, D, h, w).  Returns a Code if its mean is a Code, else a tensor.
    """
    return q.sample(random.normal(*q.logvar.shape).to(q.logvar.dtype))


@operation
def prior(*, random: Random, layout: Layout) -> Code:
    """Sample of the recipe's whole code, each factor from its prior.

    The priors are normal, N(0, I); uniform, in [-1, 1); classes, one-hot of a fair class; binary, zeros and ones of
    fair coins.

    layout: the layout of the recipe's code; the engine gives it, as it gives `random`.  Returns a Code, (B, D).
    """
    return layout.draw(random)


@operation
def permute_dims(z: Value, *, random: Random) -> Value:
    """Code whose dimensions are shuffled over the batch, each by a separate permutation (Kim & Mnih 2018, algorithm 1).

    From samples of q(z) it makes samples of the product of its marginals.

    z: Code or tensor, (B, D) or (B, D, h, w); a spatial code is shuffled channel by channel.  Returns the same kind of
    value.
    """
    tensor = z.tensor if isinstance(z, Code) else z
    order = random.uniform(*tensor.shape[:2]).argsort(0)
    order = order.reshape(*order.shape, *[1] * (tensor.ndim - 2)).expand_as(tensor)
    shuffled = tensor.gather(0, order)
    return Code(shuffled, z.layout) if isinstance(z, Code) else shuffled
