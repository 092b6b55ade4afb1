"""The critic of FactorVAE and its losses (Kim & Mnih, Disentangling by factorising, ICML 2018).

The critic has two logits per code, in the order of disentanglement_lib. The first is high for a sample of q(z) (its
probability is the paper's D(z)). The second is high for a sample of prod_j q(z_j), shuffled by `permute_dims`. Their
difference is the logarithm of the density ratio; it is high where the dimensions of the code depend on each other.
"""

from __future__ import annotations

from itertools import pairwise

import attrs
from attrs.validators import ge, le
from torch import Tensor, nn
from torch.nn.functional import softplus

from unbraid import Context, UnbraidError, critic, loss
from unbraid_plugins.papers.vae.locatello import glorot
from unbraid_plugins.shared.convnets.inputs import flat_size, vectors
from unbraid_plugins.shared.losses.reconstruction import same_shape


class Discriminator(nn.Module):
    """The module of `FactorCritic`: codes (B, D), several are concatenated -> logits (B, 2)."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, *codes: Tensor) -> Tensor:
        """Return the logits of "from q(z)", whose probability is D(z), and of "shuffled"."""
        return self.layers(vectors(codes))


@critic
@attrs.frozen(kw_only=True)
class FactorCritic:
    """FactorVAE's discriminator (appendix A): six layers of 1000 with leaky ReLU (slope 0.2), two logits.

    Codes (B, D) -> logits (B, 2): the first high for a sample of q(z), the second for a shuffled one.  5,018,002
    weights for 10 latents, initialised as in the study (Glorot, biases 0).

    width, layers: size and number of the hidden layers; the paper and the study have 6, other public code 5.
    """

    width: int = attrs.field(default=1000, validator=ge(1))
    layers: int = attrs.field(default=6, validator=[ge(1), le(1000)])

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        if not inputs:
            raise UnbraidError(f"{context.name} is called without a value", hint=f"give it a code: {context.name}(z)")
        sizes = (flat_size(inputs), *[self.width] * self.layers)
        layers: list[nn.Module] = []
        for here, there in pairwise(sizes):
            layers += [nn.Linear(here, there), nn.LeakyReLU(0.2)]
        return Discriminator(glorot(nn.Sequential(*layers, nn.Linear(sizes[-1], 2))))


@loss
def density_ratio(logits: Tensor) -> Tensor:
    """Total correlation by the density-ratio trick (Kim & Mnih 2018, eq. 3):  E_q(z) [ log D(z) - log (1 - D(z)) ].

    This is the mean of the first logit minus the second. The encoder minimises it, times gamma (eq. 2).

    logits: of factor_critic on z, (B, 2).  Returns a scalar, in nats if the critic is optimal; it can be negative.
    Raises ValueError for any other shape.
    """
    return _log_ratio("density_ratio", logits).mean()


@loss
def tell_shuffled(logits: Tensor, shuffled: Tensor) -> Tensor:
    """The critic's loss (Kim & Mnih 2018, algorithm 2):  -1/2 E_q(z) [log D(z)] - 1/2 E [log (1 - D(shuffled z))].

    This is the mean of two cross-entropies of two classes: log 2 where the critic knows nothing.

    logits, shuffled: of factor_critic on z and on permute_dims(z), (B, 2).  Returns a scalar.
    Raises ValueError for any other shape.
    """
    same_shape("tell_shuffled", logits, shuffled)
    ratio, shuffled_ratio = (_log_ratio("tell_shuffled", v) for v in (logits, shuffled))
    return 0.5 * softplus(-ratio).mean() + 0.5 * softplus(shuffled_ratio).mean()


def _log_ratio(name: str, logits: Tensor) -> Tensor:
    """Return log (D / (1 - D)), (B,)."""
    if logits.ndim != 2 or logits.shape[1] != 2:
        raise ValueError(f"{name} takes the two logits of factor_critic, (B, 2); these are {tuple(logits.shape)}. For "
                         "a critic with one score take mean(critic(z)) and gan.tell_apart")
    return logits[:, 0] - logits[:, 1]
