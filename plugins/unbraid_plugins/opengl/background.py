"""What is seen where nothing is."""

from __future__ import annotations

from torch import Tensor

from unbraid import UnbraidError


def filled(background: Tensor | None, batch: int, channels: int, size: tuple[int, int], like: Tensor) -> Tensor:
    """The background as images (B, C, H, W): black, a colour (B or 1, C), or images (B or 1, C, H, W)."""
    if background is None:
        return like.new_zeros(batch, channels, *size)
    image = background[:, :, None, None] if background.ndim == 2 else background
    if image.ndim != 4 or image.shape[1] != channels or len(image) not in (1, batch) \
            or tuple(image.shape[2:]) not in ((1, 1), size):
        raise UnbraidError(f"the background has the shape {tuple(background.shape)}",
                           hint=f"expected colours ({batch}, {channels}) or images {(batch, channels, *size)}")
    return image.to(like.dtype).expand(batch, channels, *size)
