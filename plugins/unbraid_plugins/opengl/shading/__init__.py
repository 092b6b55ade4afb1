"""Colours of pixels with gradients: surfaces, smooth outlines, margins, whole pictures."""
