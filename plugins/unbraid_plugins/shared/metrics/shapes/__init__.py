"""Errors of views and shapes: viewpoint, depth, Chamfer distance, silhouettes."""
