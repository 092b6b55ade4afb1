"""Fixtures of a tiny DrNet."""

from tiny_clips import clip, drnet  # noqa: F401
