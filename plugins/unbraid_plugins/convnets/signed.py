"""Networks that think in [-1, 1], between images in [0, 1]."""

from __future__ import annotations

from torch import Tensor, nn

from unbraid_plugins.convnets.inputs import maps, vectors


class Signed(nn.Module):
    """Images side by side, from [0, 1] to [-1, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *images: Tensor) -> Tensor:
        """(B, C, H, W), ... -> what the body makes of them."""
        return self.body(2 * maps(images) - 1)


class Unsigned(nn.Module):
    """Codes end to end, and what the body makes of them from [-1, 1] to [0, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *codes: Tensor) -> Tensor:
        """(B, D), ... -> images (B, C, H, W) in [0, 1]."""
        return 0.5 * (self.body(vectors(codes)[..., None, None]) + 1)
