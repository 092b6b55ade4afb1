"""The mutual information of an image and the code that it was made from."""

from __future__ import annotations

import math

from torch import Tensor

from unbraid import Code, Layout, loss
from unbraid_plugins.papers.infogan.recognition import Guess

ENTROPY = {"uniform": math.log(2), "binary": math.log(2), "normal": 0.5 * math.log(2 * math.pi * math.e)}


def entropy(layout: Layout) -> float:
    """Return H(c) of a code that is drawn from its prior, in nats; for real numbers, the differential entropy.

    >>> from unbraid_configs.recipe import Factor
    >>> round(entropy(Layout.of({"c1": Factor(name="c1", size=10, prior="classes")})), 4)
    2.3026
    """
    return sum(math.log(p.size) if p.prior == "classes" else p.size * ENTROPY[p.prior] for p in layout.parts)


@loss
def information(q: Guess, c: Code) -> Tensor:
    """The lower bound of the mutual information of code and image (Chen et al. 2016, eq. 5), a mean over the batch:

        L_I(G, Q) = E [ log Q(c | x) ] + H(c) <= I(c; G(z, c)),  c ~ P(c),  x = G(z, c).

    It is to be maximised:  minimizes: -lambda * infogan.information(q, c).  For a categorical code of K classes it is
    below ln K, 2.303 for ten. For a number of U(-1, 1) with a fixed standard deviation of 1 it is between -0.392
    (nothing is known) and -0.226 (everything is known). The bound is loose there, and only its gradient counts. The
    authors' code shows 0.392 more.

    q: of infogan.posterior on the image.
    c: the code that it was made from.

    Returns a scalar, in nats, the sum over the factors of q.  Raises ValueError where the code lacks one of them.
    """
    return q.log_likelihood(c).mean() + entropy(q.layout)
