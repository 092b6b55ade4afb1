"""Families of networks, losses, operations, sources and metrics that papers share, each a plugin."""
