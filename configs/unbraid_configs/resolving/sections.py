"""The parts of a recipe's tree that hold named things, and the parts that hold expressions."""

from __future__ import annotations

Path = tuple[str, ...]

NAMED: dict[Path, str] = {                          # maps with names that the recipe chooses -> noun for an entry
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
    """Return the noun for an entry of the map at a path; None where the map holds no named things."""
    return next((noun for pattern, noun in NAMED.items() if fits(path, pattern)), None)


def is_expression(path: Path) -> bool:
    """Whether an expression stands at a path."""
    return any(fits(path, pattern) for pattern in _EXPRESSIONS)
