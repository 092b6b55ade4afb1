"""What papers share: families of networks, losses, operations, sources and metrics, each a plugin."""
