"""Fixtures of a tiny DrNet."""

from tiny_clips import drnet  # noqa: F401
