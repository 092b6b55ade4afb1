"""Roll-outs: a network that forecasts the next value of a sequence, called on its own forecasts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unbraid import Code, Record, Set, operation
from unbraid.values import plain


@operation
def rollout(network: nn.Module, *inputs: Set | Code | Record | Tensor, horizon: int = 10) -> Set:
    """Forecasts beyond the end of a sequence:  v_(t+1) = f(c, v_1 ... v_t), appended and fed back.

    The network is called with all values until then, as in training; of the set that it gives, the last value is the
    forecast. So it needs no protocol for an inner state: an LSTM starts anew, a network with a window cuts it itself.

    network: takes whole sets; (inputs..., the sequence) -> a set as long as the sequence, (B, t, D).
    inputs: values that stay, then the sequence, a set of codes or vectors (B, t, D).
    horizon: the number of forecasts, 1 at least.

    Returns the forecasts alone, a set (B, horizon, D) of the same kind as the sequence.  Raises ValueError where the
    last input is no set, or the horizon is not positive.
    """
    *given, seen = inputs
    if not isinstance(seen, Set):
        raise ValueError(f"rollout continues a set, its last input; this is a {type(seen).__name__.lower()}")
    if horizon < 1:
        raise ValueError(f"rollout needs a horizon of 1 at least; it is {horizon}")
    constant, sequence = [plain(v) for v in given], plain(seen).unfolded()
    for _ in range(horizon):
        forecast = plain(network(*constant, Set.fold(sequence))).unfolded()
        sequence = torch.cat([sequence, forecast[:, -1:]], 1)
    made = sequence[:, seen.count:].flatten(0, 1)
    return Set(Code(made, seen.folded.layout) if isinstance(seen.folded, Code) else made, horizon)
