"""One representation of several images of a person: a mean that is weighted by learned confidences."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import Code, Random, Set, Value, operation
from unbraid.values import map_tensors, tensors

LEAST = 1e-12                                      # of the sum of confidences; sigmoids underflow to 0


@operation
def fuse(f: Set, confidence: Set) -> Code:
    """The representation of a set, the mean of its members' weighted by their confidences (Tran et al. 2017, eq. 7):

        f(x_1, ..., x_n) = sum_i w_i f(x_i) / sum_i w_i.

    f: set of n codes.
    confidence: set of n weights w, (1,) each, from 0 on.

    Returns a code per sample, (B, D).  Raises ValueError where it gets no sets, or of different counts.
    """
    features, weights = _members("fuse", f, confidence)
    return map_tensors(lambda t: _mean(t, weights), features)


@operation
def with_fused(f: Set, confidence: Set) -> Set:
    """A set with the mean of `fuse` as one more member, the last: the n + 1 codes that the generator gets.

    f: set of n codes.
    confidence: set of n weights, (1,) each, from 0 on.

    Returns a set of n + 1.  Raises ValueError as `fuse` does.
    """
    features, weights = _members("with_fused", f, confidence)
    return Set.fold(map_tensors(lambda t: torch.cat([t, _mean(t, weights)[:, None]], 1), features))


@operation
def up_to(confidence: Set, *, random: Random) -> Set:
    """Confidences of a random number of a set's members, 1 to n, all equally likely; those of the others become 0.

    So a network that is trained on sets of n fuses sets of any size up to n. Members of a set are drawn at random, so
    the first ones are as good as any.

    confidence: set of n weights, (1,) each.  Returns a set of n.  Raises ValueError where it gets no set.
    """
    if not isinstance(confidence, Set):
        raise ValueError(f"drgan.up_to takes a set; this is a {type(confidence).__name__}")
    n = confidence.count
    rows = next(tensors(confidence)).shape[0] // n
    last = random.integers(n, rows)
    taken = torch.arange(n, device=last.device) <= last[:, None]
    return Set(map_tensors(lambda t: t * taken.flatten()[:, None].to(t.dtype), confidence.folded), n)


def _members(name: str, f: Value, confidence: Value) -> tuple[Value, Tensor]:
    """Return codes (B, n, D) and weights (B, n, 1)."""
    if not (isinstance(f, Set) and isinstance(confidence, Set)):
        raise ValueError(f"drgan.{name} takes a set of codes and a set of confidences; these are a "
                         f"{type(f).__name__} and a {type(confidence).__name__}. Give it several images of a person: "
                         "x: {count: 4, same: identity}; in Python  an array (B, n, C, H, W)")
    if f.count != confidence.count:
        raise ValueError(f"drgan.{name}: {f.count} codes and {confidence.count} confidences")
    weights = next(tensors(confidence.unfolded()))
    return f.unfolded(), weights.flatten(2)


def _mean(t: Tensor, weights: Tensor) -> Tensor:
    return (weights * t).sum(1) / weights.sum(1).clamp(min=LEAST)
