"""The metrics of the disentanglement literature, by the names that papers give them."""
