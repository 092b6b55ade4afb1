"""Fixtures of a tiny run, and of packages that are installed."""

from plugin_life import shelf  # noqa: F401
from tiny_run import pictures, tiny, trained  # noqa: F401
