"""The fixture `shelf`."""

from plugin_life import shelf  # noqa: F401
