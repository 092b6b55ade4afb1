"""Which parts of a recipe's tree hold named things, and which hold expressions."""

from __future__ import annotations

Path = tuple[str, ...]

NAMED: dict[Path, str] = {                          # maps from names that the recipe chooses: what one entry is called
    ("requires",): "requirement",
    ("data", "sources"): "source",
    ("data", "draw"): "draw",
    ("data", "splits"): "split",
    ("code",): "factor",
    ("weights",): "weight",
    ("networks",): "network",
    ("flow",): "line",
    ("players",): "player",
    ("players", "*", "minimizes"): "term",
    ("watch",): "watched value",
    ("functions",): "function",
}

_EXPRESSIONS: tuple[Path, ...] = (
    ("weights", "*"), ("flow", "*"), ("watch", "*"), ("functions", "*"),
    ("players", "*", "minimizes", "*"), ("players", "*", "when"), ("players", "*", "then"),
    ("players", "*", "optimizer", "lr"), ("train", "optimizer", "lr"),
)


def fits(path: Path, pattern: Path) -> bool:
    """Whether a path fits a pattern in which `*` is any name."""
    return len(path) == len(pattern) and all(b in ("*", a) for a, b in zip(path, pattern, strict=True))


def entry_noun(path: Path) -> str | None:
    """What an entry of the map at a path is called, if it holds named things."""
    return next((noun for pattern, noun in NAMED.items() if fits(path, pattern)), None)


def is_expression(path: Path) -> bool:
    """Whether an expression stands at a path."""
    return any(fits(path, pattern) for pattern in _EXPRESSIONS)
