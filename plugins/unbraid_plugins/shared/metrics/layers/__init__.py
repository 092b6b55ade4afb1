"""Metrics of the layers of images: normals, albedo, and images under another light."""
