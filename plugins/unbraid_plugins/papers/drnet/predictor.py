"""The predictor of the second stage: the next pose from the content and the poses until now."""

from __future__ import annotations

from typing import Any, get_args

import attrs
import torch
from attrs.validators import ge, in_, le
from torch import Tensor, nn

from unbraid import Code, Context, Layout, Set, UnbraidError, network
from unbraid_plugins.shared.convnets.heads import Bound, Bounded
from unbraid_plugins.shared.convnets.inputs import flat_size, vectors
from unbraid_plugins.shared.convnets.skips import parted


class Predictor(nn.Module):
    """Linear layer, LSTM, linear layer, bound: every pose of a clip, beside its content, to the next pose."""

    def __init__(self, size: int, layout: Layout, hidden: int, layers: int, bound: Bound) -> None:
        super().__init__()
        self.layout = layout
        self.first = nn.Linear(size, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.last = nn.Linear(hidden, layout.size)
        self.bound = Bounded(bound, layout.sizes)

    def forward(self, content: Any, poses: Set) -> Set:
        """Content (B, d) and poses (B, t, D) -> the poses one frame later, (B, t, D)."""
        c, p = vectors(parted([content])[0]), poses.unfolded()
        beside = c.unsqueeze(1).expand(-1, p.shape[1], -1)
        hidden, _ = self.lstm(self.first(torch.cat([beside, p], 2)))                   # (B, t, hidden)
        return Set(Code(self.bound(self.last(hidden).flatten(0, 1)), self.layout), poses.count)


@network(sets=True)
@attrs.frozen(kw_only=True)
class Lstm:
    """LSTM that predicts the pose of the next frame (Denton, Birodkar 2017, section 3.2).

    Content (B, d), or an encoder's record of it, and a set of poses (B, t, D) -> the set of poses one frame later,
    (B, t, D), each from the content and the poses until its own.

    hidden: size of the state, 256 in the paper.
    layers: 2 in the paper.
    bound: as the poses': tanh in the paper, none for Gaussian ones.
    """

    hidden: int = attrs.field(default=256, validator=ge(1))
    layers: int = attrs.field(default=2, validator=[ge(1), le(100)])
    bound: Bound = attrs.field(default="tanh", validator=in_(get_args(Bound)))

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Build the module for a content and a set of poses of these shapes."""
        if len(inputs) != 2 or not isinstance(inputs[1], Set) or not isinstance(inputs[1].folded, Tensor):
            raise UnbraidError(f"{context.name} takes a content and a set of poses",
                               hint=f"call it so:  {context.name}(content, poses), poses from a draw with frames: N")
        poses = inputs[1].folded
        if context.code.size != poses.shape[1]:
            raise UnbraidError(f"{context.name} goes on from poses of {poses.shape[1]} numbers, but makes a code of "
                               f"{context.code.size}", hint="say which factor it makes:  code: pose")
        return Predictor(flat_size(parted(inputs[:1])[0]) + poses.shape[1], context.code, self.hidden, self.layers,
                         self.bound)
