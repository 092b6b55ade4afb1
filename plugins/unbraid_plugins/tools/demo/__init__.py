"""`unbraid demo`: a small model, trained on built-in data, and what it learned."""
