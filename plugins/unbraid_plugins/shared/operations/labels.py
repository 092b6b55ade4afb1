"""Operations on labels."""

from __future__ import annotations

from torch import Tensor

from unbraid import Label, Random, operation


@operation
def one_hot(y: Label) -> Tensor:
    """A label as a vector of zeros with a one at its class; all zeros where it is unknown.

    y: a label of n classes.  Returns (B, n).
    """
    return y.one_hot()


@operation
def most_likely(logits: Tensor) -> Label:
    """The class with the largest logit, as a label:  argmax_k l_k.

    logits: (B, n).  Returns a Label of n classes.
    """
    return Label(logits.argmax(1), logits.shape[1])


@operation
def random_label(y: Label, *, random: Random) -> Label:
    """Labels drawn uniformly from the same classes: a random target, for example the pose to rotate to.

    y: a label of n classes.  Returns a Label of n classes; none is unknown.
    """
    return Label(random.integers(y.classes, y.index.shape[0]), y.classes)
