"""The sizes of feature maps between an image and a map of about 4 x 4, and their channels."""

from __future__ import annotations

from unbraid import UnbraidError

Size = tuple[int, int]


def halvings(height: int, width: int, *, smallest: int = 4) -> list[Size]:
    """Return the image's size and its halves (rounded down), until the shorter side is at most `smallest`.

    >>> halvings(60, 96)
    [(60, 96), (30, 48), (15, 24), (7, 12), (3, 6)]

    Raises UnbraidError for sides of less than 8 pixels.
    """
    if min(height, width) < 8:
        raise UnbraidError(f"an image of {height} x {width} is too small for a convolutional network",
                           hint="make its sides at least 8 pixels long, or take mlp_encoder, mlp_generator, mlp_critic")
    sizes = [(height, width)]
    while min(sizes[-1]) > smallest:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes


def rung(sizes: list[Size], found: Size) -> int:
    """Return the number of halvings from the image to a spatial code.  Raises UnbraidError for any other size."""
    ladder = list(sizes)
    while min(ladder[-1]) > 1:
        ladder.append((ladder[-1][0] // 2, ladder[-1][1] // 2))
    if found not in ladder:
        fitting = ", ".join(f"{h} x {w}" for h, w in ladder)
        raise UnbraidError(f"a spatial code of {found[0]} x {found[1]} is no halving of the image",
                           hint=f"sizes that fit: {fitting}")
    return ladder.index(found)


def channels(width: int, level: int) -> int:
    """Return the channels after `level` >= 1 halvings: width, 2 width, 4 width, and from then on 8 width.

    >>> [channels(32, level) for level in (1, 2, 3, 4, 5)]
    [32, 64, 128, 256, 256]
    """
    return width * 2 ** min(level - 1, 3)
