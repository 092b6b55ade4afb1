"""A renderer that reads the light's numbers in the wrong order, to see that what depends on light fails."""

from __future__ import annotations

from torch import Tensor

from unbraid import hookimpl, operation


@operation
def exchanged(light: Tensor) -> Tensor:
    """Exchange y with x and xy with yz among nine harmonics, (B, C, 9) -> the same shape."""
    return light[..., [0, 3, 2, 1, 5, 4, 6, 7, 8]]


@hookimpl
def unbraid_components() -> list:
    """Return the operation."""
    return [exchanged]
