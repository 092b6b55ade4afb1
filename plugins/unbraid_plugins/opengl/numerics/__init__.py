"""Arithmetic that the renderer's rooms share: rows of small vectors, scattered pixels, precision."""
