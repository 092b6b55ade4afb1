"""The outside of encoders and critics: images in, answers of a head out."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from unbraid_plugins.convnets.inputs import maps


class Looking(nn.Module):
    """head(trunk(inputs)), the inputs side by side as feature maps (`inputs.maps`)."""

    def __init__(self, trunk: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.trunk, self.head = trunk, head

    def forward(self, *inputs: Tensor) -> Any:
        """Images (B, C, H, W) and vectors (B, d) -> what the head makes of them."""
        return self.head(self.trunk(maps(inputs)))
