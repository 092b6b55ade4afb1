"""Fixtures of a tiny run."""

from tiny_run import pictures, tiny, trained  # noqa: F401
