"""Metrics of identities: who is in an image, and are two images of one person?"""
