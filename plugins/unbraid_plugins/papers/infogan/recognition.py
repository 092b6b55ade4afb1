"""Q(c | x): a network's distribution over the code that an image was made from."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from unbraid import Code, Layout, operation, static, value


@value
class Guess:
    """A factored distribution over a code, each factor in the form of its prior.

    tensor: (B, D); a logit for each class or binary number, and the mean of every other number, which is normal.
    logstd: (B, D), of the normal numbers; elsewhere without meaning.

    `q.c1` is the factor c1.
    """

    tensor: Tensor
    logstd: Tensor
    layout: Layout = static()

    def part(self, name: str) -> Guess:
        """Return the factor or the group of factors with this name.  Raises KeyError."""
        take = self.layout.take
        return Guess(take(self.tensor, name), take(self.logstd, name), self.layout.select([name]))

    def log_likelihood(self, c: Code) -> Tensor:
        """Return log Q(c | x), the sum over the factors: (B,), in nats.

        c: a code that has these factors; its other factors do not count.  Raises ValueError where one is missing.
        """
        terms = []
        for part in self.layout.parts:
            if part not in c.layout.parts:
                raise ValueError(f"the prediction is about {part.name!r} ({part.size} {part.prior}); the code has "
                                 + ", ".join(f"{p.name} ({p.size} {p.prior})" for p in c.layout.parts))
            found, is_ = self.part(part.name), c.layout.take(c.tensor, part.name)
            if part.prior == "classes":
                each = is_ * found.tensor.log_softmax(1)
            elif part.prior == "binary":
                each = is_ * logsigmoid(found.tensor) + (1 - is_) * logsigmoid(-found.tensor)
            else:
                away = (is_ - found.tensor) * (-found.logstd).exp()
                each = -0.5 * (away.square() + math.log(2 * math.pi)) - found.logstd
            terms.append(each.sum(1))
        return torch.stack(terms).sum(0)

    def mode(self) -> Code:
        """Return the most likely code: one-hot classes, zeros and ones, means."""
        pieces = []
        for part in self.layout.parts:
            t = self.layout.take(self.tensor, part.name)
            if part.prior == "classes":
                t = (t.argmax(1, keepdim=True) == torch.arange(part.size, device=t.device)).to(t.dtype)
            elif part.prior == "binary":
                t = (t > 0).to(t.dtype)
            pieces.append(t)
        return Code(torch.cat(pieces, 1), self.layout)


@operation
def mode(q: Guess) -> Code:
    """The most likely code under Q(c | x): one-hot classes, binary numbers of zeros and ones, means of the others.

    q: of infogan.posterior.  Returns a Code of its factors.
    """
    return q.mode()
